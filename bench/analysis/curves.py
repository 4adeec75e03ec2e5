"""Cumulative curves: how a metric is distributed over the pairs of a data set, one curve per method."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.analysis.table import pair_values, select

if TYPE_CHECKING:
    import pandas as pd

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""x, y of equal length: a point says that the share x of the pairs has a value not above y."""


def cumulative_curve(values: Iterable[float]) -> Curve:
    """The cumulative curve of one method's values; values that are not finite are left out.

    Returns:
        x rising in steps of 1/n to 1, and y the sorted values; both empty if there is no value.

    Example:
        >>> x, y = cumulative_curve([3.0, 1.0])
        >>> x.tolist(), y.tolist()
        ([0.5, 1.0], [1.0, 3.0])
    """
    numbers = np.asarray(list(values), dtype=np.float64)
    heights = np.sort(numbers[np.isfinite(numbers)])
    return np.arange(1, heights.size + 1) / max(heights.size, 1), heights


def cumulative_curves(
    scores: pd.DataFrame, dataset: str, convention: str, metric: str, split: str | None = None
) -> dict[str, Curve]:
    """Method -> cumulative curve of one metric on one data set; methods without a value are left out.

    Args:
        scores: the score table.
        dataset: data set name.
        convention: of the metric.
        metric: its name in that convention.
        split: keep only this part of the data set.
    """
    table = pair_values(select(scores, "metrics", dataset, convention, split), metric)
    curves = {str(method): cumulative_curve(table[method]) for method in table.columns}
    return {method: curve for method, curve in curves.items() if curve[0].size}
