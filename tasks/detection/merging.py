"""Boxes of two detectors merged into one list: the control that needs no fused image.

References:
    R. Solovyev, W. Wang, T. Gabruseva, Weighted boxes fusion: Ensembling boxes from different object detection models,
    Image and Vision Computing 107:104117, 2021, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.plugin.task import Detections
from tasks.detection.average_precision import iou

OVERLAP = 0.55
"""IoU above which two boxes are one; the paper's."""
MOST = 300
"""Best boxes kept, as the detector keeps of one image."""

Floats = NDArray[np.float64]


def merge_boxes(lists: Sequence[Detections]) -> Detections:
    """Weighted boxes fusion, class by class.

    Boxes go in by falling score; each joins the merged box of its class that it overlaps most, if by more than
    ``OVERLAP``, or begins one. A merged box is the mean of its members weighted by their scores; its score is the mean
    of theirs, times the number of members (at most of lists) over the number of lists, so that what one list alone has
    counts for less.

    Args:
        lists: what each detector found in the same image.

    Returns:
        The merged boxes, scores falling.
    """
    boxes = np.concatenate([found.boxes for found in lists]).astype(np.float64)
    scores = np.concatenate([found.scores for found in lists]).astype(np.float64)
    classes = np.concatenate([found.classes for found in lists])
    parts = [
        (*_merged(boxes[classes == number], scores[classes == number], len(lists)), number)
        for number in np.unique(classes)
    ]
    merged = np.concatenate([np.zeros((0, 4)), *(part[0] for part in parts)])
    values = np.concatenate([np.zeros(0), *(part[1] for part in parts)])
    numbers = np.concatenate([np.zeros(0, np.int64), *(np.full(len(part[1]), part[2]) for part in parts)])
    order = np.argsort(-values, kind="stable")[:MOST]
    return Detections(
        merged[order].astype(np.float32), values[order].astype(np.float32), numbers[order].astype(np.int64)
    )


def _merged(boxes: Floats, scores: Floats, lists: int) -> tuple[Floats, Floats]:
    """Merged boxes (K, 4) and scores (K,) of one class."""
    merged, weights, counts = np.zeros_like(boxes), np.zeros(len(boxes)), np.zeros(len(boxes), dtype=np.int64)
    size = 0
    for at in np.argsort(-scores, kind="stable"):
        overlaps = iou(boxes[at : at + 1], merged[:size])[0]
        place = int(overlaps.argmax()) if size and overlaps.max() > OVERLAP else size
        size += place == size
        total = weights[place] + scores[at]
        merged[place] += (boxes[at] - merged[place]) * (scores[at] / total)
        weights[place], counts[place] = total, counts[place] + 1
    kept = slice(size)
    return merged[kept], weights[kept] / counts[kept] * np.minimum(counts[kept], lists) / lists
