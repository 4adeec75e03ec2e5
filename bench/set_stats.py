"""Set-level numbers, such as mIoU and AP: intervals over draws of images, and spread over seeds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from bench.resampling import Interval, WeightedStatistic, bootstrap_images, stacked, with_differences
from bench.stats import DEFAULTS, Settings
from bench.types import BenchError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SetComparison:
    """Set-level numbers of several methods over the same images, by bootstrap over images.

    Attributes:
        names: of the numbers, e.g. ``mIoU`` and the classes.
        values: method -> interval of each number.
        differences: (first, second) -> interval of first minus second of each number.
        images: how many images were drawn from.
    """

    names: tuple[str, ...]
    values: Mapping[str, tuple[Interval, ...]]
    differences: Mapping[tuple[str, str], tuple[Interval, ...]]
    images: int

    def ties(self, method: str, at: int) -> list[str]:
        """The methods whose interval of the difference from ``method`` in number ``at`` holds 0."""
        return [
            second if first == method else first
            for (first, second), found in self.differences.items()
            if method in (first, second) and not found[at].excludes(0.0)
        ]


def compare_sets(
    statistics: Mapping[str, WeightedStatistic], images: int, names: Sequence[str], settings: Settings = DEFAULTS
) -> SetComparison:
    """Intervals of set-level numbers and of their differences; all methods see the same draws of images.

    Args:
        statistics: method -> ``iou_statistic`` of its confusion matrices, or ``evaluated`` of a function that scores a
            list of image numbers (detection).
        images: how many there are, in the same order for every method.
        names: of the numbers that each statistic gives.
        settings: of the intervals.

    Raises:
        BenchError: a statistic gives another count of numbers.
    """
    methods, width = list(statistics), len(names)
    for method, statistic in statistics.items():
        seen = len(statistic(np.ones((1, images), dtype=np.int64)))
        if seen != width:
            raise BenchError(f"{method}: {seen} numbers for {width} names")
    couples = list(combinations(range(len(methods)), 2))
    pairs = [(a * width + at, b * width + at) for a, b in couples for at in range(width)]
    found = bootstrap_images(
        images, with_differences(stacked(list(statistics.values())), pairs), resamples=settings.resamples,
        seed=settings.seed, confidence=settings.confidence, method=settings.interval,
    ).intervals  # fmt: skip
    chunks = [found[start : start + width] for start in range(0, len(found), width)]
    values = dict(zip(methods, chunks[: len(methods)], strict=True))
    keys = [(methods[a], methods[b]) for a, b in couples]
    return SetComparison(tuple(names), values, dict(zip(keys, chunks[len(methods) :], strict=True)), images)


def seed_spread(runs: Sequence[pd.DataFrame], tasks: Collection[str] = ("segmentation", "detection")) -> pd.DataFrame:
    """Spread of set-level numbers over runs that differ in their seed.

    Args:
        runs: score tables, one per seed.
        tasks: whose set-level numbers.

    Returns:
        One row per number with columns ``task, dataset, split, method, metric, convention, label, seeds, mean, std,
        min, max``; ``std`` is the sample deviation, NaN for one seed.

    Raises:
        BenchError: no runs.
    """
    import pandas as pd

    if not runs:
        raise BenchError("spread over seeds: no runs, wanted at least one")
    keys = ["task", "dataset", "split", "method", "metric", "convention", "label"]
    rows = pd.concat(list(runs), ignore_index=True)
    rows = rows[rows["task"].isin(list(tasks)) & (rows["pair"] == "") & (rows["status"] == "ok")]
    rows = rows[np.isfinite(rows["value"].astype("float64"))]
    table = rows.groupby(keys, sort=False)["value"].agg(["count", "mean", "std", "min", "max"])
    return table.rename(columns={"count": "seeds"}).reset_index()
