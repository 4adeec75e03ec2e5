"""Test pairs that look like training pairs, whatever they are called and wherever they lie: by a perceptual hash.

The 256-bit DCT hash of Zauner (2010), as the package ``imagehash`` computes it, of the visible image: infrared images
of different scenes look too much alike. ``MOST_BITS_APART`` was measured on the visible images of MSRS (67), TNO (42),
RoadScene (221) and VIFB (21): of their 61,425 pairs 21 show one view, at most 74 bits apart, and the nearest two of
different views are 88 apart. JPEG at quality 50, half the size and noise of 10 levels move a hash by at most 8 bits,
1.5 times the contrast by 30, a 2 % crop by 44, 1.4 times the brightness by 60, a shift by 8 pixels by 66. A hash
finds the same view; it does not find another view of the same drive.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.data.catalogue import Datasets, find_layout
from bench.data.home import cache_folder
from bench.data.listing import Source, needs_list, visible_files
from bench.data.spec import TRAIN, DatasetSpec
from bench.files import write_atomic
from bench.machine import count_cores

SIDE = 16
"""The hash has as many bits as this squared."""
MOST_BITS_APART = 76
"""Of the 256 bits: images no further apart show the same view."""
CACHE = "visible_hashes.json"


@dataclass(frozen=True, slots=True)
class TrainingList:
    """A published list of training pairs, and where those lie that are on this disk.

    Attributes:
        name: ``NAME`` or ``NAME:SUBSET``.
        files: visible image by pair; empty where the list is not on this disk.
        border: pixels that are cut off every side.
    """

    name: str
    files: dict[str, Path]
    border: int = 0


@dataclass(frozen=True, slots=True)
class Alike:
    """A pair that shows the view of a training pair."""

    pair: str
    training: str
    bits_apart: int


def training_lists(known: Datasets) -> Iterator[TrainingList]:
    """Every training list that the descriptions know of: training parts, and subsets of them.

    Args:
        known: descriptions, and the folder of the data sets.
    """
    for name, spec in known.specs.items():
        parts = {split for layout in spec.layouts for split in layout.parts}
        own = [key for key, subset in spec.subsets.items() if subset.split == TRAIN]
        lists = ["", *(key for key in own if spec.subsets[key].pairs != spec.pairs.get(TRAIN))]
        for subset in lists if TRAIN in parts else ():
            files, border = _on_disk(known, name, spec, subset)
            if files or not spec.generated:
                yield TrainingList(f"{name}:{subset}".rstrip(":"), files, border)


def _on_disk(known: Datasets, name: str, spec: DatasetSpec, subset: str) -> tuple[dict[str, Path], int]:
    layout = find_layout(spec, known.root)
    if layout is None or TRAIN not in layout.parts:
        return {}, 0
    if subset and needs_list(spec.subsets[subset]) and subset not in layout.lists:
        return {}, 0
    return visible_files(Source(name, spec, known.root, layout, TRAIN, subset)), layout.border


def alike(files: Mapping[str, Path], border: int, training: TrainingList) -> list[Alike]:
    """Pairs whose visible image shows the view of a training pair's.

    Args:
        files: visible image by pair.
        border: pixels cut off them.
        training: to compare with.

    Returns:
        Each pair with the nearest training pair, in the order of ``files``; images that cannot be read are passed over.
    """
    own, theirs = hashes(files, border), hashes(training.files, training.border)
    if not own or not theirs:
        return []
    names, table = list(theirs), np.stack(list(theirs.values()))
    found = []
    for pair, bits in own.items():
        apart = (table != bits).sum(axis=1)
        nearest = int(apart.argmin())
        if apart[nearest] <= MOST_BITS_APART:
            found.append(Alike(pair, names[nearest], int(apart[nearest])))
    return found


def hashes(files: Mapping[str, Path], border: int = 0) -> dict[str, NDArray[np.bool_]]:
    """The hash of each image, bool (256,), kept as long as a file does not change.

    Images that cannot be read, or show one level, are absent.
    """
    kept = _kept()
    keys = {name: _key(path, border) for name, path in files.items()}
    missing = {key: files[name] for name, key in keys.items() if key and key not in kept}
    if missing:
        with ThreadPoolExecutor(count_cores()) as pool:
            made = pool.map(lambda path: _hash(path, border), missing.values())
            kept.update(zip(missing, made, strict=True))
        _keep(kept)
    found = {name: kept[key] for name, key in keys.items() if key}
    return {name: np.array([digit == "1" for digit in text]) for name, text in found.items() if text}


def _hash(path: Path, border: int) -> str:
    """256 digits; empty for an image that cannot be read, or shows one level."""
    import cv2
    import imagehash
    from PIL import Image as PillowImage

    stored = np.fromfile(path, np.uint8)
    # half the size is quickly decoded and moves a hash by a few bits at most; four channels lose their fourth
    grey = cv2.imdecode(stored, cv2.IMREAD_REDUCED_GRAYSCALE_2) if stored.size else None
    if grey is None:
        return ""
    edge = border // 2
    inner = grey[edge : grey.shape[0] - edge, edge : grey.shape[1] - edge]
    if not inner.size or inner.min() == inner.max():
        return ""
    bits = imagehash.phash(PillowImage.fromarray(np.ascontiguousarray(inner)), hash_size=SIDE).hash
    return "".join("1" if bit else "0" for bit in bits.ravel())


def _key(path: Path, border: int) -> str:
    try:
        state = path.stat()
    except OSError:
        return ""
    return f"{path.resolve()}|{state.st_mtime_ns}|{state.st_size}|{border}"


def _kept() -> dict[str, str]:
    try:
        return dict(json.loads((cache_folder() / CACHE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _keep(found: Mapping[str, str]) -> None:
    """Only a saving of time: where it cannot be written, hashes are computed again."""
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        write_atomic(cache_folder() / CACHE, json.dumps(found).encode())
    except OSError:
        return


def remarks(part: Mapping[str, Path], border: int, lists: Sequence[TrainingList]) -> Iterator[str]:
    """What the comparison with all training lists says, and what it leaves open, a sentence each.

    Args:
        part: visible image by pair, of one part.
        border: pixels cut off them.
        lists: on this disk or not.
    """
    here = [training for training in lists if training.files]
    for training in here:
        found = alike(part, border, training)
        if found:
            shown = ", ".join(f"{one.pair} as {one.training}" for one in found[:3])
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            count = f"{len(found)} of its {len(part)} pairs"
            yield f"{count} show the view of a training pair of {training.name}: {shown}{more}"
    absent = ", ".join(training.name for training in lists if not training.files)
    checked = ", ".join(f"{training.name} ({len(training.files)})" for training in here)
    if here:
        yield f"visible images were compared with {checked} by a perceptual hash, which finds a view, not a drive"
    if absent:
        yield f"not checked for views of training pairs, for they are not on this disk: {absent}"
