"""Labels, boxes, classes and lists in a stranger's folder, matched to the pairs that were found in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

import yaml

from bench.data.coco import NAMES, coco_id
from bench.data.matching import fit_names
from bench.data.names import Found, Place, key_of, read_names, some
from bench.data.survey import Group, Survey, role_of, split_of
from bench.errors import BenchError
from bench.types import PairFiles

ENOUGH = 0.3
"""Share of the pairs that must have truth for a folder to be taken for theirs."""
CLASS_FILES = ("classes.txt", "obj.names", "classes.names", "labels.txt", "predefined_classes.txt")
MOST_LOOKED_INTO = 3000
"""Files of boxes that are read for their classes."""


@dataclass
class Truth:
    """What is known of the truth so far.

    Attributes:
        places: part -> ``labels`` and ``boxes``, as in an entry.
        classes: of labels, by id.
        box_names: names of boxes, or the ids of YOLO lines.
        unsure: what should be looked at.
    """

    places: dict[str, dict[str, str]] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    box_names: dict[str, None] = field(default_factory=dict)
    box_ids: dict[int, str] = field(default_factory=dict)
    unsure: list[str] = field(default_factory=list)

    def entry(self) -> dict[str, Any]:
        """What of it stands in an entry; ``truth`` goes into its parts."""
        names = [*self.box_ids.values(), *self.box_names]
        classes: dict[int, str] = {}
        for name in dict.fromkeys(names):
            number = coco_id(name)
            if number is None or number in classes:
                number = max([len(NAMES) - 1, *classes]) + 1
            classes[number] = name
        named = {number: name for number, name in self.box_ids.items() if classes.get(number) != name}
        return {
            "truth": self.places, "classes": self.classes, "box_classes": dict(sorted(classes.items())),
            "box_ids": self.box_ids if named else {},
        }  # fmt: skip


# ------------------------------------------------------------------ labels


def label_truth(seen: Survey, part: str, pairs: Sequence[PairFiles], truth: Truth) -> None:
    """Finds the folder of label images of a part.

    Args:
        seen: the whole folder.
        part: name.
        pairs: of it.
        truth: gets what is found.
    """
    sources = {place.parent for files in pairs for place in (files.ir_path, files.vis_path)}
    best: tuple[tuple[bool, bool, int, int], Group] | None = None
    coloured = []
    for group in seen.groups.values():
        if {path.parent for path in group.paths} & sources or group.role == "other":
            continue
        count = len(_fitting(Place(group.base), pairs))
        if count < ENOUGH * len(pairs):
            continue
        if not group.ids:
            coloured += [group.folder] if group.role == "truth" else []
            continue
        rank = (group.role == "truth", group.split == part, _near(group.folder, pairs, seen), count)
        if best is None or rank > best[0]:
            best = rank, group
    if coloured:
        truth.unsure.append(f"{some(coloured)} holds no images of ids in one channel, so it is not taken for labels")
    if best is None:
        return
    group = best[1]
    truth.places.setdefault(part, {})["labels"] = group.folder
    highest = max(group.ids - {255}, default=0)
    if highest + 1 > len(truth.classes):
        named = next((names for names in _class_lists(seen) if len(names) > highest), None)
        truth.classes = list(named or [f"class_{number}" for number in range(highest + 1)])
        ids = ", ".join(str(number) for number in sorted(group.ids))
        said = "their names are made up, and" if named is None else "names are from a file beside them, and"
        truth.unsure.append(f"labels of {part} in {group.folder} show the ids {ids}; {said} there may be more of them")


def _fitting(place: Place, pairs: Sequence[PairFiles], endings: Sequence[str] | None = None) -> dict[str, Found]:
    names = read_names(place) if endings is None else read_names(place, endings=endings)
    try:
        return fit_names(names, [files.id for files in pairs])
    except BenchError:
        return {}


def _near(folder: str, pairs: Sequence[PairFiles], seen: Survey) -> int:
    """How many folders a place has in common with the images."""
    own = PurePosixPath(folder).parts
    theirs = pairs[0].ir_path.parent.relative_to(seen.top).parts if pairs else ()
    return sum(a == b for a, b in zip(own, theirs, strict=False))


# ------------------------------------------------------------------ boxes


def box_truth(seen: Survey, part: str, pairs: Sequence[PairFiles], truth: Truth) -> None:
    """Finds the boxes of a part; arguments as ``label_truth``."""
    found: list[tuple[tuple[bool, int, int], str, list[Path]]] = []
    for folder, ending in _text_folders(seen):
        place = seen.top / folder
        files = [one.path for one in _fitting(Place(place), pairs, (ending,)).values()]
        if len(files) >= ENOUGH * len(pairs) and _holds_boxes(files, ending):
            found.append(((split_of(folder) == part, _near(folder, pairs, seen), len(files)), folder, files))
    for name in (name for name, ending in seen.files.items() if ending == ".json"):
        count = _listed_in(seen.top / name, pairs)
        if count >= ENOUGH * len(pairs):
            found.append(((split_of(name) == part, _near(name, pairs, seen), count), name, [seen.top / name]))
    if not found or not pairs:
        return
    _, chosen, files = max(found, key=lambda item: item[0])
    truth.places.setdefault(part, {})["boxes"] = chosen
    others = [folder for _, folder, _ in found if folder != chosen]
    if others:
        truth.unsure.append(f"boxes of {part} are taken from {chosen}, not from {some(others)}")
    if files[0].suffix.casefold() == ".txt":
        _yolo_classes(seen, part, files, truth)
    else:
        truth.box_names |= dict.fromkeys(_names_in(files))


def _text_folders(seen: Survey) -> list[tuple[str, str]]:
    """Folders with YOLO or VOC files, or with folders of them alone, and which of the two."""
    places: dict[tuple[str, str], set[str]] = {}
    for name, ending in seen.files.items():
        if ending in (".txt", ".xml"):
            own = PurePosixPath(name).parent
            for above in (own, *own.parents):
                places.setdefault((str(above), ending), set()).add(str(own))
    deepest: dict[tuple[str, frozenset[str]], str] = {}
    for (folder, ending), leaves in places.items():
        key = ending, frozenset(leaves)
        deepest[key] = max(deepest.get(key, ""), folder, key=lambda text: (len(PurePosixPath(text).parts), text))
    return sorted((folder, ending) for (ending, _), folder in deepest.items())


def _holds_boxes(files: Sequence[Path], ending: str) -> bool:
    """True if the first file that holds anything reads as boxes."""
    for path in files[:50]:
        text = _text(path)
        if not text.strip():
            continue
        if ending == ".xml":
            return "<annotation" in text
        return all(len(line.split()) == 5 and _is_number(line.split()[0]) for line in text.splitlines() if line.strip())
    return True


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig") if path.stat().st_size < 1 << 24 else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _coco(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    whole = isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in ("images", "annotations", "categories")
    )
    return content if whole else {}


def _listed_in(path: Path, pairs: Sequence[PairFiles]) -> int:
    """How many of the pairs a COCO file lists."""
    images = (entry for entry in _coco(path).get("images", ()) if isinstance(entry, dict))
    listed = {key_of(PurePosixPath(str(entry.get("file_name"))).stem) for entry in images}
    return sum(bool(_stems(files) & listed) for files in pairs)


def _stems(files: PairFiles) -> set[str]:
    return {key_of(text) for text in (files.id, files.ir_path.stem, files.vis_path.stem)}


def _names_in(files: Sequence[Path]) -> Iterator[str]:
    """Names of classes in VOC or COCO files, in the order in which they come."""
    for path in files[:MOST_LOOKED_INTO]:
        if path.suffix.casefold() == ".json":
            yield from (str(entry["name"]) for entry in _coco(path)["categories"] if "name" in entry)
            continue
        text = _text(path)
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            continue
        try:
            found = ElementTree.fromstring(text)  # noqa: S314 - see above
        except ElementTree.ParseError:
            continue
        yield from (item.text.strip() for item in found.iterfind("object/name") if item.text)


def _yolo_classes(seen: Survey, part: str, files: Sequence[Path], truth: Truth) -> None:
    lines = (line.split() for path in files[:MOST_LOOKED_INTO] for line in _text(path).splitlines() if line.strip())
    ids = sorted({int(float(words[0])) for words in lines if _is_number(words[0])})
    names = next((names for names in _class_lists(seen) if len(names) > max(ids, default=0)), None)
    if names is not None:
        truth.box_ids |= dict(enumerate(names))
        return
    text = ", ".join(f"{number} {NAMES[number] if number < len(NAMES) else f'class_{number}'}" for number in ids)
    truth.box_ids |= {number: NAMES[number] if number < len(NAMES) else f"class_{number}" for number in ids}
    truth.unsure.append(f"no file names the ids of the boxes of {part}; they are taken for COCO's: {text}")


def _class_lists(seen: Survey) -> Iterator[list[str]]:
    """Lists of class names: one name a line, or ``names`` of a YAML file."""
    for name, ending in seen.files.items():
        path = seen.top / name
        if path.name.casefold() in CLASS_FILES or ending == ".names":
            names = [line.strip() for line in _text(path).splitlines() if line.strip()]
        elif ending in (".yaml", ".yml"):
            names = _yaml_names(path)
        else:
            continue
        if names:
            yield names


def _yaml_names(path: Path) -> list[str]:
    try:
        content = yaml.safe_load(_text(path))
    except (yaml.YAMLError, RecursionError):
        return []
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, Mapping):
        names = [names[key] for key in sorted(names)] if sorted(names) == list(range(len(names))) else None
    return [str(name) for name in names] if isinstance(names, list) else []


# ------------------------------------------------------------------ lists


def lists_of(seen: Survey, pairs: Sequence[PairFiles]) -> dict[str, list[str]]:
    """Text files that list pairs of a folder by part: ``train.txt``, ``val.txt``, ``test.txt`` and their like.

    Args:
        seen: the whole folder.
        pairs: all its pairs.

    Returns:
        ``train``, ``val``, ``test`` -> names of pairs; empty where there is no list of at least two parts.
    """
    known = _tails(pairs)
    found: dict[str, list[str]] = {}
    for name, ending in seen.files.items():
        split = split_of(PurePosixPath(name).stem)
        if ending != ".txt" or not split or split in found:
            continue
        lines = [line.strip() for line in _text(seen.top / name).splitlines() if line.strip()]
        listed = list(dict.fromkeys(filter(None, (_listed(line, known) for line in lines))))
        if listed and len(listed) * 2 >= len(dict.fromkeys(lines)):
            found[split] = listed
    return found if len(found) > 1 else {}


def _tails(pairs: Sequence[PairFiles]) -> dict[str, str]:
    """Every end of a pair's name that begins at a word, and of its files' names, where it is one pair's alone."""
    found: dict[str, set[str]] = {}
    for files in pairs:
        words = key_of(files.id).split("_")
        ends = {"_".join(words[at:]) for at in range(len(words))}
        for text in ends | _stems(files):
            found.setdefault(text, set()).add(files.id)
    exact = {key_of(files.id): files.id for files in pairs}
    return {text: next(iter(ids)) for text, ids in found.items() if len(ids) == 1} | exact


def _listed(line: str, known: Mapping[str, str]) -> str:
    """The pair that a line of a list means, by as much of its path as there is; empty for none."""
    path = key_of(line.split()[0].replace("\\", "/"))
    for text in (path, str(PurePosixPath(path).with_suffix(""))):
        parts = [part for part in PurePosixPath(text).parts if part not in (".", "/")]
        sides = [part for part in parts[:-1] if role_of(part) not in ("ir", "vis")] + parts[-1:]
        for words in (parts, sides):
            for at in range(len(words)):
                if found := known.get("_".join(words[at:])):
                    return found
    return ""
