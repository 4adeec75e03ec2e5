"""Reads the boxes of a pair, whatever they are written in: YOLO lines, VOC XML, COCO JSON. Only here are they known.

All come out as fractions of the image as it is fused, in the classes of the data set's description.
"""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.names import key_of
from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.images import image_size
from bench.types import PairFiles

MAX_BYTES = 1 << 20
"""Of the boxes of one image."""
MAX_JSON_BYTES = 1 << 29
"""Of the boxes of a whole data set."""

Size = tuple[int, int] | None
"""Height and width of an image as it is fused; None where nobody has looked yet."""

Row = tuple[int, float, float, float, float]
"""Class, centre x, centre y, width, height; fractions of the image."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """The boxes of one pair.

    Attributes:
        rows: float64 (N, 5) of class, centre x, centre y, width and height, fractions of the image, in the order of the
            file; a box that stands twice counts once.
        repeated: boxes that say what an earlier one has said.
        outside: boxes without an area inside the image; they do not count.
        nothing: boxes that the description says are nothing to find.
    """

    rows: NDArray[np.float64]
    repeated: int = 0
    outside: int = 0
    nothing: int = 0

    def remarks(self) -> list[str]:
        """What was left out, a clause each."""
        texts = {
            "stand there again and count once": self.repeated,
            "have no area inside the image and do not count": self.outside,
            "are of a class that is nothing to find": self.nothing,
        }
        return [f"{count} boxes {text}" for text, count in texts.items() if count]


@dataclass(frozen=True, slots=True)
class _Corners:
    """A box in pixels of the stored file, and what it is called there."""

    where: str
    label: str
    x1: float
    y1: float
    x2: float
    y2: float


def read_boxes(files: PairFiles, spec: DatasetSpec, size: Size = None) -> Boxes:
    """Reads the boxes of a pair.

    YOLO lines are ``class centre_x centre_y width height`` as fractions of the image, strictly. Corners of VOC XML and
    boxes of COCO JSON are taken as they are written, without VOC's shift by one pixel, for programs differ there; they
    are cut at the image's edge. A polygon counts as the upright box around it.

    Args:
        files: with a ``boxes_path``, ending in ``.txt``, ``.xml`` or ``.json``.
        spec: whose classes the truth is read in.
        size: height and width of the image as it is fused; None looks it up, where the format needs it.

    Raises:
        BenchError: unreadable, a class that the description does not know, a box that is no box, or an image that a
            JSON file does not list.
    """
    assert files.boxes_path is not None  # noqa: S101 - what has none is not asked
    ending = files.boxes_path.suffix.casefold()
    if ending not in READERS:
        raise BenchError(f"{files.boxes_path}: wanted boxes in one of {', '.join(READERS)}; convert the file")
    return READERS[ending](files, spec, size)


def class_of(spec: DatasetSpec, label: str, where: str) -> int | None:
    """The id of a class by its name, in any case; None for what the description says is nothing to find.

    Raises:
        BenchError: unknown.
    """
    found = _classes(tuple(spec.box_classes.items()), tuple(spec.box_aliases.items()))
    if key_of(label.strip()) not in found:
        known = ", ".join(spec.box_classes.values()) or "the classes in box_classes"
        raise BenchError(
            f"{where}: class {label!r}, wanted one of {known}; add it to box_aliases, with '' if it is nothing to find"
        )
    return found[key_of(label.strip())]


@lru_cache(maxsize=32)
def _classes(classes: tuple[tuple[int, str], ...], aliases: tuple[tuple[str, str], ...]) -> Mapping[str, int | None]:
    ids = {key_of(name): number for number, name in classes}
    return {key_of(alias.strip()): ids.get(key_of(name)) for alias, name in aliases} | ids


# ------------------------------------------------------------------ YOLO lines


def _read_yolo(files: PairFiles, spec: DatasetSpec, _: Size) -> Boxes:
    path = _path(files)
    lines = _text(path, "YOLO lines").splitlines()
    rows = [_yolo_row(f"{path}, line {number}", line, spec) for number, line in enumerate(lines, 1) if line.strip()]
    return _counted([row for row in rows if row], nothing=sum(row is None for row in rows))


def _yolo_row(where: str, line: str, spec: DatasetSpec) -> Row | None:
    try:
        values = [float(word) for word in line.split()]
    except ValueError:
        values = []
    if len(values) != 5 or not all(math.isfinite(value) for value in values):
        raise BenchError(f"{where}: {line[:80]!a}, wanted class, centre x, centre y, width and height")
    label, *box = values
    if label < 0 or label != int(label):
        raise BenchError(f"{where}: class {label:g}, wanted a whole number from 0")
    if not all(0.0 <= value <= 1.0 for value in box) or box[2] <= 0.0 or box[3] <= 0.0:
        raise BenchError(
            f"{where}: box {' '.join(f'{value:g}' for value in box)}, wanted fractions of the image, 0 to 1"
        )
    number: int | None = int(label)
    if spec.box_ids:
        if number not in spec.box_ids:
            raise BenchError(f"{where}: class {label:g}, wanted one of {', '.join(map(str, spec.box_ids))} (box_ids)")
        number = class_of(spec, spec.box_ids[int(label)], where)
    return None if number is None else (number, *box)  # type: ignore[return-value]


# ------------------------------------------------------------------ VOC XML


def _read_voc(files: PairFiles, spec: DatasetSpec, size: Size) -> Boxes:
    path = _path(files)
    text = _text(path, "VOC XML")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BenchError(f"{path}: holds a document type, wanted plain VOC XML; remove it")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without a document type there are no entities
    except ElementTree.ParseError as error:
        raise BenchError(f"{path}: not readable as VOC XML ({error}); fetch it again") from error
    objects = root.findall("object") if root.tag == "annotation" else None
    if objects is None:
        raise BenchError(f"{path}: its root is <{root.tag[:40]}>, wanted VOC XML with <annotation>")
    boxes = [_voc_box(f"{path}, object {number}", item) for number, item in enumerate(objects, 1)]
    return _in_image(files, spec, boxes, size)


def _voc_box(where: str, item: ElementTree.Element) -> _Corners:
    shape = next((found for tag in ("bndbox", "polygon") if (found := item.find(tag)) is not None), None)
    name = item.findtext("name")
    try:
        if shape is None or name is None:
            raise ValueError
        values = {part.tag: float(part.text or "") for part in shape}
        if not all(map(math.isfinite, values.values())):
            raise ValueError
        if shape.tag == "bndbox":
            x, y = (values["xmin"], values["xmax"]), (values["ymin"], values["ymax"])
        else:
            x, y = (tuple(value for tag, value in values.items() if tag.startswith(axis)) for axis in "xy")  # type: ignore[assignment]
        corners = min(x), min(y), max(x), max(y)
    except (ValueError, KeyError) as error:
        raise BenchError(f"{where}: wanted <name> and <bndbox> or <polygon> of numbers; mend it") from error
    return _Corners(where, name, *corners)


# ------------------------------------------------------------------ COCO JSON


def _read_coco(files: PairFiles, spec: DatasetSpec, size: Size) -> Boxes:
    path = _path(files)
    try:
        state = path.stat()
    except OSError as error:
        raise BenchError(f"{path}: not readable as COCO JSON ({error}); fetch it again") from error
    images = _coco_images(path, state.st_mtime_ns, state.st_size)
    stems = dict.fromkeys(key_of(name) for name in (files.vis_path.stem, files.ir_path.stem, files.id))
    listed = [entry for stem in stems for entry in images.get(stem, ())]
    if len(listed) > 1:  # equal file names in several folders: the path decides
        listed = [name for name in listed if _ends_with(files, name[0])]
    if len(listed) != 1:
        text = "does not list" if not listed else "lists several times"
        raise BenchError(f"{path}: {text} the image {files.vis_path.name} or {files.ir_path.name}; mend its file_name")
    return _in_image(files, spec, listed[0][1], size)


def _ends_with(files: PairFiles, name: str) -> bool:
    wanted = PurePosixPath(name).parts
    return any(path.parts[-len(wanted) :] == wanted for path in (files.vis_path, files.ir_path))


@lru_cache(maxsize=8)
def _coco_images(path: Path, _changed: int, size: int) -> Mapping[str, list[tuple[str, list[_Corners]]]]:
    """Stem of an image's file name -> (file name, its boxes); read once as long as the file does not change."""
    if size > MAX_JSON_BYTES:
        raise BenchError(f"{path}: {size} bytes, wanted COCO JSON of a data set")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        names = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
        boxes: dict[Any, tuple[str, list[_Corners]]] = {
            entry["id"]: (str(entry["file_name"]).replace("\\", "/"), []) for entry in content["images"]
        }
        for entry in content["annotations"]:
            left, top, width, height = (float(value) for value in entry["bbox"])
            where = f"{path}, annotation {entry.get('id')}"
            if not all(map(math.isfinite, (left, top, width, height))):
                raise ValueError(f"bbox {entry['bbox']}")
            corners = _Corners(where, names[entry["category_id"]], left, top, left + width, top + height)
            boxes[entry["image_id"]][1].append(corners)
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        text = f"{type(error).__name__}: {error}"
        raise BenchError(
            f"{path}: not readable as COCO JSON with images, annotations and categories ({text}); fetch it again"
        ) from error
    found: dict[str, list[tuple[str, list[_Corners]]]] = {}
    for name, rows in boxes.values():
        found.setdefault(key_of(PurePosixPath(name).stem), []).append((name, rows))
    return found


# ------------------------------------------------------------------ what they share


READERS: dict[str, Callable[[PairFiles, DatasetSpec, Size], Boxes]] = {
    ".txt": _read_yolo, ".xml": _read_voc, ".json": _read_coco,
}  # fmt: skip
"""Ending of a truth file -> its reader."""


def _path(files: PairFiles) -> Path:
    assert files.boxes_path is not None  # noqa: S101 - see read_boxes
    return files.boxes_path


def _text(path: Path, kind: str) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BenchError(f"{path}: {path.stat().st_size} bytes, wanted {kind} of one image")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: not readable as {kind} ({error}); fetch it again") from error


def _in_image(files: PairFiles, spec: DatasetSpec, boxes: Sequence[_Corners], size: Size) -> Boxes:
    """Corners in the stored file as fractions of the image, which may have lost a border."""
    border = files.border
    height, width = size or (side - 2 * border for side in image_size(files.vis_path, files.four_channel))
    rows: list[Row] = []
    outside = nothing = 0
    for box in boxes:
        number = class_of(spec, box.label, box.where)
        x1, x2 = (min(max(value - border, 0.0), width) / width for value in (box.x1, box.x2))
        y1, y2 = (min(max(value - border, 0.0), height) / height for value in (box.y1, box.y2))
        if number is None:
            nothing += 1
        elif x2 <= x1 or y2 <= y1:
            outside += 1
        else:
            rows.append((number, (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1))
    return _counted(rows, outside, nothing)


def _counted(rows: Sequence[Row], outside: int = 0, nothing: int = 0) -> Boxes:
    once = list(dict.fromkeys(rows))
    return Boxes(np.array(once, dtype=np.float64).reshape(-1, 5), len(rows) - len(once), outside, nothing)
