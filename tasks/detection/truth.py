"""Which pairs have labelled boxes, and these in pixels of the fused image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.data.boxes import read_boxes
from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.plugin.task import FusedSet
from bench.types import PairFiles
from tasks.detection.average_precision import Truth

COCO_CLASSES = 80
"""Ids below are COCO's; a detector that was trained on COCO finds nothing else."""


def known_classes(spec: DatasetSpec) -> dict[int, str]:
    """The classes of a data set that COCO has too, by id."""
    return {number: name for number, name in spec.box_classes.items() if number < COCO_CLASSES}


def read_truth(files: PairFiles, spec: DatasetSpec, height: int, width: int) -> Truth:
    """The boxes of a pair.

    Args:
        files: of the pair.
        spec: of the data set, for its classes.
        height: of the fused image.
        width: of the fused image.

    Raises:
        BenchError: no label file, or one that cannot be read; names the file and the place in it.
    """
    if files.boxes_path is None:
        raise BenchError(f"{files.id}: has no label file; add one (an empty file says that there is nothing to find)")
    rows = read_boxes(files, spec, (height, width)).rows
    centre, half = rows[:, 1:3] * (width, height), rows[:, 3:5] * (width, height) / 2
    return Truth(np.concatenate([centre - half, centre + half], axis=1), rows[:, 0].astype(np.int64), width, height)


def boxed(part: FusedSet | None) -> FusedSet:
    """The images whose pairs have a file of boxes."""
    if part is None:
        return FusedSet("", (), ())
    kept = [index for index, files in enumerate(part.files) if files.boxes_path is not None]
    return FusedSet(part.method, _chosen(part.files, kept), _chosen(part.paths, kept))


def _chosen(items: Sequence[Any], kept: Sequence[int]) -> tuple[Any, ...]:
    return tuple(items[index] for index in kept)
