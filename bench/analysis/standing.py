"""Where methods stand pair by pair: places, disagreement, wins, and what the way changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.analysis.numbers import direction, metric_order
from bench.analysis.table import Table, pair_values, select

if TYPE_CHECKING:
    import pandas as pd


def pair_standing(rows: pd.DataFrame, metrics: Sequence[str], methods: Sequence[str]) -> pd.DataFrame:
    """How well each method does on each pair, against the other methods.

    Args:
        rows: scores of one task, data set and convention.
        metrics: those that count, each alike.
        methods: those that are compared.

    Returns:
        Pairs x methods: the mean over the metrics of the method's rank on that pair, 1 is best; NaN where a method
        has no value.
    """
    import pandas as pd

    ranks = []
    for metric in metrics:
        better = direction(metric)
        values = pair_values(rows, metric).reindex(columns=list(methods))
        if better and not values.empty:
            ranks.append(values.rank(axis=1, ascending=better == "lower", method="average"))
    if not ranks:
        return pd.DataFrame(columns=list(methods))
    return pd.concat(ranks).groupby(level=0, sort=False).mean()


@dataclass(frozen=True, slots=True)
class Loss:
    """One method on one pair.

    Attributes:
        best: the method with the best mean rank on the pair.
        gap: how far behind it, mean over the metrics, in units of each metric's spread over all values.
        metric: in which it is farthest behind.
    """

    method: str
    pair: str
    best: str
    gap: float
    metric: str


def pair_losses(rows: pd.DataFrame, metrics: Sequence[str], methods: Sequence[str]) -> list[Loss]:
    """Where each method is behind the best one of a pair; pairs on which it is not are left out.

    Args:
        rows: scores of one task, data set and convention.
        metrics: those that count, each alike.
        methods: those that are compared.
    """
    standing = pair_standing(rows, metrics, methods).dropna(how="all")
    best = standing.idxmin(axis=1) if not standing.empty else standing
    gaps: dict[str, pd.DataFrame] = {}
    for metric in metrics:
        values = pair_values(rows, metric).reindex(index=standing.index, columns=list(methods))
        spread = float(np.nanstd(values.to_numpy(dtype=np.float64))) if values.notna().to_numpy().any() else 0.0
        if direction(metric) and spread > 0:
            places = [list(methods).index(str(name)) for name in best]
            own = values.to_numpy(dtype=np.float64)[np.arange(len(values)), places]
            sign = 1.0 if direction(metric) == "higher" else -1.0
            gaps[metric] = values.rsub(own, axis=0) * (sign / spread)
    if not gaps:
        return []
    names = list(gaps)
    table = np.stack([gaps[name].to_numpy(dtype=np.float64) for name in names])
    found = []
    for (at, pair), (column, method) in product(enumerate(standing.index), enumerate(methods)):
        own = table[:, at, column]
        if np.isfinite(own).all() and own.mean() > 0:
            found.append(Loss(method, str(pair), str(best[pair]), float(own.mean()), names[int(own.argmax())]))
    return found


def pair_disagreement(rows: pd.DataFrame, metrics: Sequence[str], methods: Sequence[str]) -> pd.Series[float]:
    """How much the methods differ on each pair: the spread over methods, in units of the metric's overall spread.

    Args:
        rows: scores of one task, data set and convention.
        metrics: those that count, each alike.
        methods: those that are compared.

    Returns:
        Per pair, largest first; 1 means the methods differ on this pair as much as all values of the run do.
    """
    import pandas as pd

    parts = []
    for metric in metrics:
        values = pair_values(rows, metric).reindex(columns=list(methods))
        overall = float(np.nanstd(values.to_numpy(dtype=np.float64))) if values.notna().to_numpy().any() else 0.0
        if overall > 0:
            parts.append(values.std(axis=1, ddof=0) / overall)
    if not parts:
        return pd.Series(dtype="float64")
    return pd.concat(parts, axis=1).mean(axis=1).sort_values(ascending=False, kind="stable")


def task_conventions(scores: pd.DataFrame, task: str, dataset: str) -> list[str]:
    """The ways in which a task scored a data set, such as ``single_scale``; empty text where it has just one."""
    rows = select(scores, task, dataset)
    found = list(dict.fromkeys(rows.loc[rows["pair"] == "", "convention"]))
    return sorted(found, key=lambda name: (name.count("/"), found.index(name)))


def image_iou(matrices: np.ndarray) -> np.ndarray:
    """Mean intersection over union of single images, over the classes that truth or prediction of the image has.

    Args:
        matrices: (N, classes, classes), one confusion matrix per image, row = truth.

    Returns:
        float64 (N,), 0 to 1; NaN for an image without a labelled pixel. For sorting pictures, not for tables: the mean
        of these is not the set's mIoU.
    """
    right = np.diagonal(matrices, axis1=1, axis2=2).astype(np.float64)
    union = matrices.sum(axis=1) + matrices.sum(axis=2) - right
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(union > 0, right / union, np.nan)
    counted = (union > 0).sum(axis=1)
    return np.where(counted > 0, np.nansum(each, axis=1) / np.maximum(counted, 1), np.nan)


def most_disagreed(values: pd.DataFrame) -> pd.Series[float]:
    """Pairs by how much the methods' values differ (standard deviation over methods), most first.

    Args:
        values: pairs x methods.
    """
    return values.std(axis=1, ddof=0).dropna().sort_values(ascending=False, kind="stable")


def way_changes(scores: pd.DataFrame, dataset: str, convention: str, beside: dict[str, str]) -> list[dict[str, Any]]:
    """What the authors' way of writing images alone moves: mean of published minus plain, over the pairs of both.

    Args:
        scores: the score table.
        dataset: data set name.
        convention: metric convention.
        beside: label of the plain images -> label of the same method's published ones.

    Returns:
        One row per method: ``method``, ``pairs``, and per metric ``(published, plain, change)`` means.
    """
    rows = select(scores, "metrics", dataset, convention)
    metrics = metric_order(rows.loc[rows["pair"] != "", "metric"], convention)
    values = {metric: pair_values(rows, metric) for metric in metrics}
    found: list[dict[str, Any]] = []
    for plain, published in beside.items():
        row: dict[str, Any] = {"method": published, "pairs": 0}
        for metric, table in values.items():
            if plain in table.columns and published in table.columns:
                both = table[[published, plain]].dropna()
                means = both.mean()
                row["pairs"] = max(row["pairs"], len(both))
                row[metric] = (float(means[published]), float(means[plain]), float(means[published] - means[plain]))
        if row["pairs"]:
            found.append(row)
    return found


def wins(table: Table) -> dict[str, list[str]]:
    """Method -> the columns in which it alone is first, most first."""
    found: dict[str, list[str]] = {}
    for column in table.columns:
        winner = table.winner(column.metric, column.label)
        if winner is not None:
            found.setdefault(winner, []).append(column.title)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))
