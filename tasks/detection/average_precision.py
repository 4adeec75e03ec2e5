"""Average precision of boxes, in the two conventions in use.

In both a detection, in falling order of score, takes the best free box of the truth. ``coco``: precision at 101 recall
points, averaged, by faster-coco-eval (pycocotools' arithmetic). ``yolov5``: the precision envelope is interpolated at
101 points and integrated by trapezoid, and precision is 0 beyond the last recall reached, as the ultralytics package
computes it today. (``val.py`` of YOLOv5 6 and 7 matched in falling order of IoU and drew a ramp from the last point to
(1, 0), which added up to 0.003 on 16 pairs of MSRS; up to 5.0 the curve ended 0.01 behind the last recall.)

References:
    [1] T.-Y. Lin et al., Microsoft COCO, 2014, and its evaluation code.
    [2] ultralytics 8.4, ``match_predictions``, ``ap_per_class`` and ``compute_ap``.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.plugin.task import Detections

Floats = NDArray[np.float64]

THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""IoU thresholds of AP@[0.5:0.95]."""

RECALL_POINTS = 101
MAX_BOXES = 300
"""Detections per image that count; COCO's own limit is 100, YOLOv5's 300."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The labelled boxes of one image.

    Attributes:
        boxes: float64 (N, 4), x1 y1 x2 y2 in pixels.
        classes: int64 (N,), COCO ids.
        width: of the image, in pixels.
        height: of the image, in pixels.
    """

    boxes: Floats
    classes: NDArray[np.int64]
    width: int
    height: int


def iou(first: Floats, second: Floats) -> Floats:
    """Intersection over union of every box of one list with every box of another.

    >>> iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2]])).round(3).tolist()
    [[0.333]]

    Args:
        first: (N, 4), x1 y1 x2 y2.
        second: (M, 4).

    Returns:
        (N, M), 0 to 1.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    overlap = np.prod(np.clip(high - low, 0.0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)


Closing = Literal["drop", "slope"]
"""How the precision curve ends beyond the highest recall reached: it drops to 0 there (``ap_per_class`` of the
ultralytics package, 8.4), or slopes to 0 at recall 1 (``compute_ap`` of the original's ``val.py``, 7.0)."""


def yolov5(
    truth: Sequence[Truth], found: Sequence[Detections], classes: Sequence[int], closing: Closing = "drop"
) -> dict[int, Floats]:
    """AP at the ten thresholds for each class that the truth has, convention ``yolov5``.

    Args:
        truth: of each image.
        found: of each image, in the same order.
        classes: COCO ids to score.
        closing: of the curve, see ``Closing``.

    Returns:
        Class -> float64 (10,), 0 to 1; a class without a box in the truth is left out.
    """
    result: dict[int, Floats] = {}
    for number in classes:
        parts = [match_image(image, detections, number) for image, detections in zip(truth, found, strict=True)]
        if any(part.total for part in parts):
            result[number] = yolov5_curve(parts, closing)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What was right among the boxes of one class found in one image.

    Attributes:
        right: bool (N, 10), at each threshold.
        scores: float64 (N,).
        total: boxes of the class in the truth.
    """

    right: NDArray[np.bool_]
    scores: Floats
    total: int


@lru_cache(maxsize=4096)  # the same images are asked for again as those unseen in training
def match_image(truth: Truth, found: Detections, number: int) -> Matches:
    """Matches the boxes of one class in one image, convention ``yolov5``."""
    mine, wanted = found.classes == number, truth.classes == number
    right = _match(truth.boxes[wanted], found.boxes[mine])
    return Matches(right, found.scores[mine].astype(np.float64), int(wanted.sum()))


def yolov5_curve(parts: Sequence[Matches], closing: Closing = "drop") -> Floats:
    """AP at the ten thresholds of one class over images, convention ``yolov5``; at least one has it in its truth."""
    right = np.concatenate([np.zeros((0, len(THRESHOLDS)), dtype=bool), *(part.right for part in parts)])
    scores = np.concatenate([np.zeros(0), *(part.scores for part in parts)])
    return _yolov5_curve(right, scores, sum(part.total for part in parts), closing)


def _match(truth: Floats, found: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which detections are right at each threshold, (N, 10); in the order given, each takes its best free box."""
    right = np.zeros((len(found), len(THRESHOLDS)), dtype=bool)
    if not len(truth):
        return right
    overlaps = iou(found.astype(np.float64), truth)
    taken = np.zeros((len(truth), len(THRESHOLDS)), dtype=bool)
    every = np.arange(len(THRESHOLDS))
    for index in np.flatnonzero(overlaps.max(axis=1) >= THRESHOLDS[0]):
        free = np.where(taken, 0.0, overlaps[index][:, None])
        best = free.argmax(axis=0)
        right[index] = free[best, every] >= THRESHOLDS
        taken[best, every] |= right[index]
    return right


def _yolov5_curve(right: NDArray[np.bool_], scores: Floats, total: int, closing: Closing) -> Floats:
    order = np.argsort(-scores, kind="stable")
    hits = right[order].cumsum(axis=0)
    points = np.linspace(0.0, 1.0, RECALL_POINTS)
    values = np.zeros(len(THRESHOLDS))
    for column in range(len(THRESHOLDS) if len(order) else 0):
        recall = hits[:, column] / total
        precision = hits[:, column] / np.arange(1, len(order) + 1)
        ends, zeros = ([recall[-1], 1.0], [0.0, 0.0]) if closing == "drop" else ([1.0], [0.0])
        envelope = np.maximum.accumulate(np.concatenate([[1.0], precision, zeros])[::-1])[::-1]
        curve = np.interp(points, np.concatenate([[0.0], recall, ends]), envelope)
        values[column] = float(((curve[1:] + curve[:-1]) / 2 * np.diff(points)).sum())
    return values


AREAS = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""Square pixels of objects of each size, as COCO counts them."""


def in_area(truth: Truth, area: tuple[float, float]) -> NDArray[np.bool_]:
    """Which boxes of an image have a size within a range, its ends among it."""
    sizes = np.prod(truth.boxes[:, 2:] - truth.boxes[:, :2], axis=1)
    return np.asarray((sizes >= area[0]) & (sizes <= area[1]))


def coco(
    truth: Sequence[Truth],
    found: Sequence[Detections],
    classes: Sequence[int],
    area: tuple[float, float] = (0.0, 1e10),
) -> dict[int, Floats]:
    """AP at the ten thresholds for each class that the truth has, convention ``coco``.

    Args:
        truth: of each image.
        found: of each image, in the same order.
        classes: ids to score.
        area: square pixels of the objects that count; others, and boxes of other sizes that match nothing, are neither
            right nor wrong, as in COCO.

    Returns:
        Class -> float64 (10,), 0 to 1; a class without such a box in the truth is left out.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    present = [
        number for number in classes if any((image.classes[in_area(image, area)] == number).any() for image in truth)
    ]
    if not present:
        return {}
    with contextlib.redirect_stdout(io.StringIO()):
        annotations = COCO(_annotations(truth, present))
        evaluation = COCOeval_faster(annotations, annotations.loadRes(_results(found, present)), "bbox")
        evaluation.params.catIds = present
        evaluation.params.iouThrs = np.array(THRESHOLDS)
        evaluation.params.areaRng = [list(area)]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.params.maxDets = [MAX_BOXES]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = np.asarray(evaluation.eval["precision"])[..., 0, 0]
    return {number: precision[:, :, index].mean(axis=1) for index, number in enumerate(present)}


def _annotations(truth: Sequence[Truth], classes: Sequence[int]) -> dict[str, list[dict[str, object]]]:
    boxes: list[dict[str, object]] = []
    for image, labelled in enumerate(truth, start=1):
        for box, number in zip(labelled.boxes, labelled.classes, strict=True):
            if int(number) in classes:
                x, y, width, height = float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])
                boxes.append({
                    "id": len(boxes) + 1, "image_id": image, "category_id": int(number), "iscrowd": 0,
                    "bbox": [x, y, width, height], "area": width * height,
                })  # fmt: skip
    return {
        "images": [
            {"id": image, "width": labelled.width, "height": labelled.height}
            for image, labelled in enumerate(truth, start=1)
        ],
        "annotations": boxes,
        "categories": [{"id": number, "name": str(number)} for number in classes],
    }


def _results(found: Sequence[Detections], classes: Sequence[int]) -> list[dict[str, object]]:
    return [
        {
            "image_id": image, "category_id": int(number), "score": float(score),
            "bbox": [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])],
        }
        for image, detections in enumerate(found, start=1)
        for box, score, number in zip(detections.boxes, detections.scores, detections.classes, strict=True)
        if int(number) in classes
    ]  # fmt: skip


Scorer = Callable[[Sequence[Truth], Sequence[Detections], Sequence[int]], dict[int, Floats]]

CONVENTIONS: dict[str, Scorer] = {"coco": coco, "yolov5": yolov5, "yolov5_val": partial(yolov5, closing="slope")}


def table(values: Mapping[int, Floats], names: Mapping[int, str]) -> dict[tuple[str, str], float]:
    """The numbers of the paper's Table 2: (metric, label) -> AP, 0 to 1.

    Args:
        values: class -> AP at the ten thresholds, as ``coco`` and ``yolov5`` return it.
        names: class -> label, e.g. ``{0: "person", 2: "car"}``.

    Returns:
        ``AP@0.5``, ``AP@0.7``, ``AP@0.9`` and ``AP@[0.5:0.95]`` for each label, and for ``all``, the mean over the
        classes in the truth.
    """
    labelled = {names[number]: value for number, value in values.items()}
    if labelled:
        labelled["all"] = np.mean(list(labelled.values()), axis=0)
    result: dict[tuple[str, str], float] = {}
    for label, value in labelled.items():
        for metric, threshold in (("AP@0.5", 0.5), ("AP@0.7", 0.7), ("AP@0.9", 0.9)):
            result[metric, label] = float(value[THRESHOLDS.index(threshold)])
        result["AP@[0.5:0.95]", label] = float(value.mean())
    return result
