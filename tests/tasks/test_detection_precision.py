"""Average precision in both conventions, against slow versions written from their definitions."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.plugin.task import Detections
from tasks.detection import _files
from tasks.detection.average_precision import CONVENTIONS, THRESHOLDS, Truth, coco, iou, table, yolov5


def random_set(seed: int, images: int = 4) -> tuple[list[Truth], list[Detections]]:
    """Images with up to five boxes of two classes, none narrower than 2; detections near some of them and elsewhere."""
    random = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(images):
        count = int(random.integers(0, 6))
        corner = random.uniform(0, 80, (count, 2))
        boxes = np.concatenate([corner, corner + random.uniform(5, 20, (count, 2))], axis=1)
        classes = random.choice([0, 2], count)
        truth.append(Truth(boxes, classes.astype(np.int64), 100, 100))
        near = (
            boxes[random.integers(0, count, count * 2)] + random.uniform(-1.5, 1.5, (count * 2, 4)) if count else boxes
        )
        far_corner = random.uniform(0, 80, (3, 2))
        far = np.concatenate([far_corner, far_corner + random.uniform(5, 20, (3, 2))], axis=1)
        all_boxes = np.concatenate([near, far]).astype(np.float32)
        scores = random.uniform(0.01, 0.99, len(all_boxes)).astype(np.float32)
        order = np.argsort(-scores)
        labels = random.choice([0, 2], len(all_boxes)).astype(np.int64)
        found.append(Detections(all_boxes[order], scores[order], labels[order]))
    return truth, found


def slow_iou(a: np.ndarray, b: np.ndarray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return float(width * height / union)


def slow_coco(truth: list[Truth], found: list[Detections], number: int, threshold: float) -> float:
    """Mean over 101 recall points of the best precision at that recall or beyond; greedy in falling score."""
    total = sum(int((image.classes == number).sum()) for image in truth)
    verdicts = []
    for image, detections in zip(truth, found, strict=True):
        free = [box for box, label in zip(image.boxes, image.classes, strict=True) if label == number]
        for box, score, label in zip(detections.boxes, detections.scores, detections.classes, strict=True):
            if label != number:
                continue
            overlaps = [slow_iou(box.astype(np.float64), other) for other in free]
            hit = bool(overlaps) and max(overlaps) >= threshold
            if hit:
                free.pop(int(np.argmax(overlaps)))
            verdicts.append((float(score), hit))
    verdicts.sort(key=lambda verdict: -verdict[0])
    right, curve = 0, []
    for rank, (_, hit) in enumerate(verdicts, 1):
        right += hit
        curve.append((right / total, right / rank))
    # compared without tolerance, as pycocotools does: a recall of 3/5 does not reach linspace's 0.6000000000000001
    points = [max((p for r, p in curve if r >= point), default=0.0) for point in np.linspace(0.0, 1.0, 101)]
    return float(np.mean(points))


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_coco_is_its_definition(seed: int) -> None:
    pytest.importorskip("faster_coco_eval")
    truth, found = random_set(seed)
    values = coco(truth, found, (0, 2))
    for number, value in values.items():
        wanted = [slow_coco(truth, found, number, threshold) for threshold in THRESHOLDS]
        assert value == pytest.approx(wanted, abs=1e-6)


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_yolov5_is_what_the_ultralytics_package_computes(seed: int) -> None:
    if find_spec("ultralytics") is None:
        pytest.skip("ultralytics is not installed")
    _files.require_ultralytics()
    # older versions matched by IoU
    pytest.importorskip("ultralytics", minversion="8.4")
    import torch
    from ultralytics.engine.validator import BaseValidator
    from ultralytics.utils.metrics import ap_per_class, box_iou

    truth, found = random_set(seed)
    matcher = BaseValidator.__new__(BaseValidator)
    matcher.iouv = torch.linspace(0.5, 0.95, 10)
    right, scores, labels = [], [], []
    for image, detections in zip(truth, found, strict=True):
        overlaps = box_iou(torch.from_numpy(image.boxes), torch.from_numpy(detections.boxes.astype(np.float64)))
        right.append(
            matcher.match_predictions(
                torch.from_numpy(detections.classes), torch.from_numpy(image.classes), overlaps
            ).numpy()
        )
        scores.append(detections.scores)
        labels.append(detections.classes)
    true_labels = np.concatenate([image.classes for image in truth])
    if not len(true_labels):
        assert yolov5(truth, found, (0, 2)) == {}
        return
    result = ap_per_class(np.concatenate(right), np.concatenate(scores), np.concatenate(labels), true_labels)
    values = yolov5(truth, found, (0, 2))
    assert list(values) == result[6].tolist()
    for row, value in zip(result[5], values.values(), strict=True):
        assert value == pytest.approx(row, abs=1e-9)


@pytest.mark.parametrize(("convention", "perfect"), [("coco", 1.0), ("yolov5", 0.995)])
def test_finding_everything_and_nothing(convention: str, perfect: float) -> None:
    if convention == "coco":
        pytest.importorskip("faster_coco_eval", reason="needs ivif-bench[detection]")
    truth, _ = random_set(3)
    same = [Detections(t.boxes.astype(np.float32), np.full(len(t.boxes), 0.9, np.float32), t.classes) for t in truth]
    none = [Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)) for _ in truth]
    for found, wanted in ((same, perfect), (none, 0.0)):
        values = table(CONVENTIONS[convention](truth, found, (0, 2)), {0: "person", 2: "car"})
        # the trapezoid of the yolov5 convention loses half a step at recall 1
        assert values["AP@0.5", "all"] == pytest.approx(wanted)
        assert values["AP@[0.5:0.95]", "person"] == pytest.approx(wanted)


@pytest.mark.parametrize("convention", sorted(CONVENTIONS))
def test_a_class_that_is_not_in_the_truth_has_no_value(convention: str) -> None:
    if convention == "coco":
        pytest.importorskip("faster_coco_eval", reason="needs ivif-bench[detection]")
    truth = [Truth(np.array([[0.0, 0, 10, 10]]), np.array([0]), 100, 100)]
    found = [Detections(np.array([[0, 0, 10, 10]], np.float32), np.array([0.5], np.float32), np.array([2]))]
    values = table(CONVENTIONS[convention](truth, found, (0, 2)), {0: "person", 2: "car"})
    assert {label for _, label in values} == {"person", "all"}
    assert values["AP@0.5", "all"] == 0.0
    assert table(CONVENTIONS[convention]([], [], (0, 2)), {0: "person", 2: "car"}) == {}


def test_more_false_boxes_lower_the_precision() -> None:
    truth, found = random_set(5)
    base = table(yolov5(truth, found, (0, 2)), {0: "person", 2: "car"})["AP@0.5", "all"]
    worse = [
        Detections(
            np.concatenate([np.array([[90, 90, 99, 99]], np.float32), item.boxes]),
            np.concatenate([np.array([0.999], np.float32), item.scores]),
            np.concatenate([np.array([0]), item.classes]),
        )
        for item in found
    ]
    assert table(yolov5(truth, worse, (0, 2)), {0: "person", 2: "car"})["AP@0.5", "all"] < base


def test_iou_of_lists() -> None:
    boxes = np.array([[0.0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 5, 5]])
    assert iou(boxes, boxes) == pytest.approx(np.array([[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 0]]))
