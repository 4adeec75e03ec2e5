"""The original YOLOv5's ``val.py``: its curve and its rectangular padding, beside those of today's ultralytics."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.plugin.task import Detections
from tasks.detection.average_precision import CONVENTIONS, Truth
from tasks.detection.boxes import VAL_PADDING, letterbox
from tasks.detection.settings import read_settings


def one_class(total: int, hits: list[bool]) -> tuple[list[Truth], list[Detections]]:
    """One image per box of the truth; detections in falling score, right where ``hits`` says so."""
    box = np.array([[10.0, 10.0, 50.0, 50.0]])
    truth = [Truth(box, np.array([0]), 100, 100) for _ in range(total)]
    found = []
    left = list(enumerate(hits))
    for image in range(total):
        mine = left[image::total]
        boxes = [box[0] if right else np.array([60.0, 60.0, 90.0, 90.0]) for _, right in mine]
        scores = [1.0 - 0.01 * place for place, _ in mine]
        found.append(Detections(np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32),
                                np.zeros(len(mine), np.int64)))  # fmt: skip
    return truth, found


def ap(convention: str, total: int, hits: list[bool]) -> float:
    truth, found = one_class(total, hits)
    return float(CONVENTIONS[convention](truth, found, [0])[0][0])


CASES = [
    # boxes, verdicts, ultralytics 8.4, val.py
    (1, [True], 0.995, 0.995),
    (10, [True], 0.095, 0.55),
    (2, [True], 0.495, 0.75),
    (4, [True, True, True], 0.745, 0.875),
    (5, [True, True], 0.395, 0.7),
    (3, [False], 0.0, 0.0),
]


@pytest.mark.parametrize(("total", "hits", "today", "original"), CASES)
def test_the_curve_ends_as_each_program_ends_it(total: int, hits: list[bool], today: float, original: float) -> None:
    assert ap("yolov5", total, hits) == pytest.approx(today, abs=0.006)
    assert ap("yolov5_val", total, hits) == pytest.approx(original, abs=0.006)


SIZES = [
    # height, width -> padded height, width of val.py at 640 with stride 32 and padding 0.5
    ((480, 640), (512, 672)),
    ((640, 480), (672, 512)),
    ((640, 640), (672, 672)),
    ((240, 320), (512, 672)),
    ((720, 1280), (384, 672)),
    ((512, 640), (544, 672)),
]


@pytest.mark.parametrize(("size", "padded"), SIZES)
def test_rectangles_are_padded_as_val_does(size: tuple[int, int], padded: tuple[int, int]) -> None:
    batch, placement = letterbox(torch.rand(1, 3, *size), 640, 32, VAL_PADDING)
    assert tuple(batch.shape[-2:]) == padded
    assert max(placement.scale[0] * size[1], placement.scale[1] * size[0]) == pytest.approx(640)
    left, top = placement.offset
    assert left == (padded[1] - round(placement.scale[0] * size[1])) // 2
    assert top == (padded[0] - round(placement.scale[1] * size[0])) // 2


def test_the_padding_is_an_option_that_is_off_by_default() -> None:
    assert read_settings({}).padding == "stride"
    assert read_settings({"padding": "val"}).padding == "val"
    with pytest.raises(BenchError, match="wanted stride or val"):
        read_settings({"padding": "yes"})
