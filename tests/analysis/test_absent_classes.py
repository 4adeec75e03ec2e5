"""A draw that lacks a class is no draw of the mean over all classes: mIoU and AP of all keep their classes."""

from __future__ import annotations

import numpy as np
import pytest

from bench.analysis.bootstrap import iou_statistic
from bench.analysis.pairwise import Settings
from bench.analysis.set_draws import set_draws
from bench.analysis.set_level import SetComparison, compare_sets
from bench.plugin.task import Resampler


def compared(images: int, holders: int, rare: float, common: float) -> SetComparison:
    numbers = tuple((name, "", "") for name in ("mIoU", "0", "1", "2"))
    statistic = iou_statistic(matrices(images, holders, rare, common))
    resampler = Resampler(tuple(map(str, range(images))), numbers, statistic)
    return compare_sets({"a": set_draws(resampler, Settings(resamples=499))})


def matrices(images: int, holders: int, rare: float, common: float, classes: int = 3) -> np.ndarray:
    """Confusion matrices in which the last class stands in the first ``holders`` images only."""
    found = np.zeros((images, classes, classes), dtype=np.int64)
    for image in range(images):
        for number in range(classes - 1):
            found[image, number, number] = round(1000 * common) + image
            found[image, number, (number + 1) % (classes - 1)] = round(1000 * (1 - common))
        if image < holders:
            found[image, -1, -1] = round(100 * rare)
            found[image, -1, 0] = round(100 * (1 - rare))
    return found


CASES = [
    # images, holders of the rare class, its IoU, the others'
    (20, 1, 0.2, 0.9),
    (40, 2, 0.1, 0.8),
    (12, 1, 0.0, 0.95),
    (30, 1, 0.9, 0.3),
    (50, 3, 0.5, 0.9),
]


@pytest.mark.parametrize(("images", "holders", "rare", "common"), CASES)
def test_the_interval_is_of_the_same_mean(images: int, holders: int, rare: float, common: float) -> None:
    found = compared(images, holders, rare, common)
    mean, first, second, last = found.values["a"]
    assert mean.value == pytest.approx((first.value + second.value + last.value) / 3, rel=1e-12)
    assert mean.low <= mean.value <= mean.high
    # whatever is drawn, the mean holds a third of the rare class
    assert mean.high - mean.low < 0.25 * abs(first.value - last.value)
    share = (1 - holders / images) ** images
    assert found.lost[0] == pytest.approx(share, abs=0.1)
    assert ("lack a class" in found.caution(0)) == (found.lost[0] > 0)


def test_a_class_that_is_nowhere_stays_out_of_every_draw() -> None:
    found = compared(10, 0, 0.5, 0.8)
    assert found.lost[0] == 0
    assert found.caution(0) == ""
    assert np.isnan(found.values["a"][3].value)
