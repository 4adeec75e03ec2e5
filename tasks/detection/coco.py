"""The 80 classes of COCO, in the order detectors number them, and how other class lists map onto them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NAMES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip


def coco_ids(names: Sequence[str]) -> np.ndarray:
    """COCO ids of a detector's classes; -1 where COCO has no class of that name.

    >>> coco_ids(["car", "tram", "person"]).tolist()
    [2, -1, 0]

    Returns:
        int64 (len(names),).
    """
    known = {name: index for index, name in enumerate(NAMES)}
    return np.array([known.get(str(name).strip().lower(), -1) for name in names], dtype=np.int64)


def columns(ids: np.ndarray, wanted: Sequence[int] | None) -> list[int]:
    """Which of a detector's classes are wanted: positions in ``ids`` (of ``coco_ids``); None wants all COCO knows."""
    return [index for index, number in enumerate(ids) if number >= 0 and (wanted is None or number in wanted)]
