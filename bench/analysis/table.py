"""A table of a report: cells, columns, rows, and the rules of order and direction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.errors import BenchError
from bench.metrics.catalogue import CONVENTIONS, METRICS
from bench.metrics.convention_facts import SIX

if TYPE_CHECKING:
    import pandas as pd


Better = Literal["higher", "lower", ""]


def headline(convention: str) -> tuple[str, ...]:
    """The metrics that lead a table: the six of the SeAFusion paper, or what stands for them in this convention."""
    return CONVENTIONS[convention].default if convention in CONVENTIONS else SIX


SET_LEVEL: dict[str, Better] = {
    "IoU": "higher", "mAcc": "higher", "mIoU": "higher",
    "AP@0.5": "higher", "AP@0.7": "higher", "AP@0.9": "higher", "AP@[0.5:0.95]": "higher",
    "latency_ms": "lower", "latency_ms_mean": "lower", "latency_ms_median": "lower", "latency_ms_p95": "lower",
    "images_per_second": "higher", "batch_size": "", "data_ms": "", "write_ms": "", "params_M": "lower",
    "flops_G": "lower", "peak_memory_MB": "lower", "max_difference": "lower", "compile_s": "", "seen_in_training": "",
}  # fmt: skip
"""Direction of the numbers that task runners give; fusion metrics keep theirs in ``bench.metrics.catalogue``."""

TITLES = {
    "latency_ms_mean": "Latency (ms)", "latency_ms_median": "Median (ms)", "latency_ms_p95": "95th percentile (ms)",
    "images_per_second": "Images/s", "batch_size": "at batch", "params_M": "Parameters (M)", "flops_G": "FLOPs (G)",
    "peak_memory_MB": "Peak memory (MB)", "data_ms": "Reading (ms)", "write_ms": "Writing (ms)",
    "max_difference": "Largest change (levels)", "compile_s": "Compiling (s)",
}  # fmt: skip

WHOLE = ("batch_size",)
"""Counts, shown without decimals."""

SAID_OTHERWISE = ("latency_ms_std", "compute_ms")
"""Not columns of their own: the spread of ``latency_ms_mean``, and its other name."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a table.

    Attributes:
        mean: of the finite values; None if there is none.
        spread: sample standard deviation over the pairs; None for fewer than two, or where the number is set-level.
        n: how many values the mean is over.
        rank: 1 is best, equal means share a rank; None if not ranked.
        reason: why there is no mean, or why it is not ranked.
    """

    mean: float | None = None
    spread: float | None = None
    n: int = 0
    rank: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its metric (and class label), heading, direction and the number of decimals shown."""

    metric: str
    label: str
    title: str
    better: Better
    digits: int = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One method and its cells, in the order of the table's columns."""

    method: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of means.

    Attributes:
        pairs: the most pairs any column covers; 0 for set-level tables.
    """

    task: str
    dataset: str
    convention: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    pairs: int = 0
    titles: dict[str, str] = field(default_factory=dict)

    def cell(self, method: str, metric: str, label: str = "") -> Cell:
        """The cell of one method and column.

        Raises:
            BenchError: the table has no such row or column.
        """
        for row in self.rows:
            if row.method == method:
                for column, cell in zip(self.columns, row.cells, strict=True):
                    if (column.metric, column.label) == (metric, label):
                        return cell
        raise BenchError(f"table of {self.dataset}: no cell {method!r}, {metric!r} {label!r}")

    def winner(self, metric: str, label: str = "") -> str | None:
        """The method ranked first in a column; None if none is ranked or the first place is shared."""
        firsts = [row.method for row in self.rows if self.cell(row.method, metric, label).rank == 1]
        return firsts[0] if len(firsts) == 1 else None

    def title_of(self, method: str) -> str:
        """How the method is named in print."""
        return self.titles.get(method, method)


def direction(metric: str) -> Better:
    """Which way a number is better: ``higher``, ``lower``, or empty where neither is meant or it is unknown."""
    if metric in SET_LEVEL:
        return SET_LEVEL[metric]
    return METRICS[metric].better if metric in METRICS else ""


def metric_order(metrics: Iterable[str], convention: str) -> list[str]:
    """The headline metrics first, then the convention's own order, then any others as given."""
    names = list(dict.fromkeys(metrics))
    known = CONVENTIONS[convention].metrics if convention in CONVENTIONS else ()
    return [name for name in dict.fromkeys([*headline(convention), *known, *names]) if name in names]


def select(
    scores: pd.DataFrame, task: str, dataset: str | None = None, convention: str | None = None, split: str | None = None
) -> pd.DataFrame:
    """The rows of one task, and of one data set, convention and split where given."""
    keep = scores["task"] == task
    for column, wanted in (("dataset", dataset), ("convention", convention), ("split", split)):
        if wanted is not None:
            keep &= scores[column] == wanted
    return scores[keep]


def pair_values(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One metric as pairs x methods; a missing, skipped, failed or non-finite value is NaN.

    Args:
        rows: scores of one task, data set and convention.
        metric: its name.
    """
    wanted = rows[(rows["metric"] == metric) & (rows["pair"] != "") & (rows["status"] == "ok")]
    table = wanted.pivot_table(index="pair", columns="method", values="value", aggfunc="last", sort=False, dropna=False)
    return table.where(np.isfinite(table.astype("float64")))


def format_number(value: float | None, digits: int) -> str:
    """A number with a fixed count of decimals and a true minus sign; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")
