"""Reads segmentation labels; boxes are read in ``bench.data.boxes``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.errors import BenchError
from bench.images import read_ids
from bench.types import Image

IGNORE = 255
"""The label of pixels that count for nothing."""


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
