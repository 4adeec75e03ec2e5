"""Reads the truth of a pair: segmentation labels and detection boxes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.images import read_ids
from bench.types import Image

IGNORE = 255
"""The label of pixels that count for nothing."""
MAX_BOX_BYTES = 1 << 20


def read_labels(path: Path, classes: int) -> Image:
    """Reads a segmentation label image.

    Args:
        path: an image of one channel of 1, 2, 4 or 8 bits, or with a palette whose indices are the class ids.
        classes: how many classes there are.

    Returns:
        uint8 (H, W) of class ids, or 255 for pixels without a label.

    Raises:
        BenchError: missing, unreadable, not one channel, or with an id that is neither a class nor 255.
    """
    labels = read_ids(path)
    seen = np.unique(labels)
    foreign = seen[(seen >= classes) & (seen != IGNORE)]
    if foreign.size:
        raise BenchError(f"{path}: label {foreign[0]}, wanted class ids 0 to {classes - 1}, or {IGNORE} for none")
    return labels


def read_boxes(path: Path) -> NDArray[np.float64]:
    """Reads detection labels in YOLO lines, ``class centre_x centre_y width height`` as fractions of the image.

    Returns:
        float64 (N, 5) in the order of the file; an empty file has no boxes, and a row that stands twice counts once.

    Raises:
        BenchError: unreadable, not five numbers in a line, or a box that is no box of an image.
    """
    rows = _read_rows(path)
    return np.array(list(dict.fromkeys(rows)), dtype=np.float64).reshape(-1, 5)


def repeated_boxes(path: Path) -> int:
    """How many rows of a label file say what an earlier one has said; raises as ``read_boxes`` does."""
    rows = _read_rows(path)
    return len(rows) - len(set(rows))


def _read_rows(path: Path) -> list[tuple[float, ...]]:
    try:
        if path.stat().st_size > MAX_BOX_BYTES:
            raise BenchError(f"{path}: {path.stat().st_size} bytes, wanted YOLO lines of one image")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: not readable as YOLO lines ({error}); fetch it again") from error
    return [_box(f"{path}, line {number}", line) for number, line in enumerate(lines, 1) if line.strip()]


def _box(where: str, line: str) -> tuple[float, ...]:
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
    return tuple(values)
