"""Convention sensitivity: which rankings of a run depend on the convention, and how much."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from bench.analysis.table import pair_values, select
from bench.metrics.catalogue import CONVENTIONS, METRICS

if TYPE_CHECKING:
    import pandas as pd

CHANGE_COLUMNS = (
    "dataset", "metric", "convention_a", "convention_b", "best_a", "best_b", "best_changes", "swapped", "comparisons",
    "kendall_tau", "methods", "pairs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Standing:
    """The means of one metric in one convention, over the pairs that all its methods cover."""

    convention: str
    name: str
    means: pd.Series[float]
    pairs: int


def ranking_changes(scores: pd.DataFrame, unranked: Collection[str] = ()) -> pd.DataFrame:
    """How far two conventions agree on the ranking of the methods, for each metric and data set.

    Args:
        scores: the score table, with at least two conventions and two methods.
        unranked: methods that are left out.

    Returns:
        One row per data set, metric and two conventions, columns ``CHANGE_COLUMNS``: the best method in each (ties
        named with ``=``), whether it changes, how many of the comparisons of two methods turn around, Kendall's tau-b
        of the two rankings (NaN if all methods are equal in one), how many methods and pairs it is over.
    """
    import pandas as pd

    rows = [
        _change(dataset, idea, first, second)
        for dataset, idea, standings in _standings(scores, unranked)
        for first, second in combinations(standings, 2)
        if len(first.means.index.intersection(second.means.index)) > 1
    ]
    return pd.DataFrame(rows, columns=list(CHANGE_COLUMNS))


def agreement(changes: pd.DataFrame) -> pd.DataFrame:
    """Per data set and two conventions: mean and lowest Kendall's tau over the metrics, and how many winners change.

    Args:
        changes: what ``ranking_changes`` returned.
    """
    groups = changes.groupby(["dataset", "convention_a", "convention_b"], sort=False)
    table = groups.agg(
        metrics=("metric", "count"),
        mean_tau=("kendall_tau", "mean"),
        lowest_tau=("kendall_tau", "min"),
        winners_changed=("best_changes", "sum"),
    )
    return table.reset_index()


def _standings(scores: pd.DataFrame, unranked: Collection[str]) -> Iterator[tuple[str, str, list[_Standing]]]:
    rows = select(scores, "metrics")
    rows = rows[(rows["pair"] != "") & ~rows["method"].isin(list(unranked))]
    order = list(CONVENTIONS)
    for dataset in dict.fromkeys(rows["dataset"]):
        here = rows[rows["dataset"] == dataset]
        found = dict.fromkeys(zip(here["convention"], here["metric"], strict=True))
        named = sorted(found, key=lambda key: order.index(key[0]) if key[0] in order else len(order))
        ideas: dict[str, list[_Standing]] = {}
        for convention, metric in named:
            standing = _standing(here[here["convention"] == convention], convention, metric)
            if len(standing.means):
                ideas.setdefault(METRICS[metric].idea if metric in METRICS else metric, []).append(standing)
        for idea in sorted(ideas, key=_place):
            yield dataset, idea, ideas[idea]


def _place(idea: str) -> int:
    names = list(METRICS)
    return names.index(idea) if idea in names else len(names)


def _standing(rows: pd.DataFrame, convention: str, metric: str) -> _Standing:
    values = pair_values(rows, metric).dropna(axis=0, how="all")
    complete = values.dropna(axis=1, how="any")
    return _Standing(convention, metric, complete.mean(axis=0), len(complete))


def _change(dataset: str, idea: str, first: _Standing, second: _Standing) -> tuple[object, ...]:
    methods = list(first.means.index.intersection(second.means.index))
    sign = -1.0 if idea in METRICS and METRICS[idea].better == "lower" else 1.0
    a = sign * first.means[methods].to_numpy(dtype=np.float64)
    b = sign * second.means[methods].to_numpy(dtype=np.float64)
    turned = sum((a[i] - a[j]) * (b[i] - b[j]) < 0 for i, j in combinations(range(len(methods)), 2))
    best_a, best_b = _best(a, methods), _best(b, methods)
    return (
        dataset, idea, first.convention, second.convention, best_a, best_b, best_a != best_b, int(turned),
        len(methods) * (len(methods) - 1) // 2, _tau(a, b), len(methods), min(first.pairs, second.pairs),
    )  # fmt: skip


def _best(values: np.ndarray, methods: list[str]) -> str:
    return " = ".join(method for method, value in zip(methods, values, strict=True) if value == values.max())


def _tau(first: np.ndarray, second: np.ndarray) -> float:
    from scipy.stats import kendalltau

    if (first == first[0]).all() or (second == second[0]).all():
        return float("nan")
    return float(kendalltau(first, second).statistic)
