"""A table of a report: cells, columns, rows; and choosing rows of the score table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bench.analysis.numbers import Better
from bench.errors import BenchError
from bench.metrics.facts import CAPPED

if TYPE_CHECKING:
    import pandas as pd

    from bench.store.manifest import MethodFacts


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a table.

    Attributes:
        mean: of the finite values; None if there is none.
        spread: sample standard deviation over the pairs; None for fewer than two, or where the number is set-level.
        n: how many values the mean is over.
        rank: 1 is best, equal means share a rank; None if not ranked.
        reason: why there is no mean, or why it is not ranked.
        tied: True if the paired tests cannot tell it from the best, or, of the best, from some other.
        interval: its 95 % interval, images drawn anew; None where nothing was drawn.
    """

    mean: float | None = None
    spread: float | None = None
    n: int = 0
    rank: int | None = None
    reason: str = ""
    tied: bool = False
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        metric: its name.
        label: class or part; empty for none.
        title: heading, without unit.
        better: direction.
        digits: decimals shown.
        unit: of the numbers; empty for pure ones, or where the heading holds it.
        pairs: how many pairs some method has a value for; 0 for a set-level number.
        note: what must be said of the whole column, such as pairs that had to leave its mean.
    """

    metric: str
    label: str
    title: str
    better: Better
    digits: int = 4
    unit: str = ""
    pairs: int = 0
    note: str = ""


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
        titles: how methods are named in print.
        ways: method -> the way its images were made, where known.
        trained: methods that were trained on this data set.
        seen: on how many of the scored pairs themselves a method was trained.
        stretched: methods whose published way stretches the contrast, shown in that way.
        caution: what else a reader must know; empty for nothing.
    """

    task: str
    dataset: str
    convention: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    pairs: int = 0
    titles: dict[str, str] = field(default_factory=dict)
    ways: dict[str, str] = field(default_factory=dict)
    trained: frozenset[str] = frozenset()
    seen: Mapping[str, int] = field(default_factory=dict)
    stretched: frozenset[str] = frozenset()
    caution: str = ""

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

    def scored(self, methods: Mapping[str, MethodFacts]) -> Table:
        """The table without the empty rows of methods that did not run: they are named elsewhere, once.

        A method that ran and has no number here, as a folder of images among unseen pairs, keeps its row and reason.
        """
        left_out = {label for label, facts in methods.items() if facts.status != "ok"}
        return replace(
            self,
            rows=tuple(
                row
                for row in self.rows
                if row.method not in left_out or any(cell.mean is not None for cell in row.cells)
            ),
        )

    def title_of(self, method: str) -> str:
        """How the method is named in print."""
        return self.titles.get(method, method)


def select(
    scores: pd.DataFrame, task: str, dataset: str | None = None, convention: str | None = None, split: str | None = None
) -> pd.DataFrame:
    """The rows of one task, and of one data set, convention and split where given."""
    keep = scores["task"] == task
    for column, wanted in (("dataset", dataset), ("convention", convention), ("split", split)):
        if wanted is not None:
            keep &= scores[column] == wanted
    return scores[keep]


def capped_pairs(rows: pd.DataFrame, metric: str) -> list[str]:
    """Pairs on which some method's value is a cap, as PSNR's of three equal images; in the order of the rows.

    Their cap would lift a mean by what the image size says, so they leave it for all methods alike.

    Args:
        rows: scores of one task, data set and convention.
        metric: its name.
    """
    return _capped(_measured(rows, metric))


def _measured(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    return rows[(rows["metric"] == metric) & (rows["pair"] != "") & (rows["status"] == "ok")]


def _capped(measured: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(measured.loc[measured["reason"] == CAPPED, "pair"]))


def pair_values(rows: pd.DataFrame, metric: str, capped: bool = False) -> pd.DataFrame:
    """One metric as pairs x methods; a missing, skipped, failed or non-finite value is NaN.

    Pairs and methods stand in the order in which they first appear; of several values for one place the last that is
    a number counts.

    Args:
        rows: scores of one task, data set and convention.
        metric: its name.
        capped: True keeps the pairs of ``capped_pairs``; they measure nothing, so they enter no mean and no rank.
    """
    import pandas as pd

    wanted = _measured(rows, metric)
    if not capped and (left_out := _capped(wanted)):
        wanted = wanted[~wanted["pair"].isin(left_out)]
    # a pivot table says the same, ten times slower, and a report asks for hundreds
    (at_pair, pairs), (at_method, methods) = (pd.factorize(wanted[column]) for column in ("pair", "method"))
    values = wanted["value"].to_numpy(dtype=np.float64)
    known = ~np.isnan(values)
    grid = np.full((len(pairs), len(methods)), np.nan)
    grid[at_pair[known], at_method[known]] = values[known]
    grid[np.isinf(grid)] = np.nan
    return pd.DataFrame(grid, index=pairs.rename("pair"), columns=methods.rename("method"))


def decimals(largest: float) -> int:
    """How many decimals suit numbers up to a size: four as the papers print, fewer above 10, more below 0.1."""
    if largest >= 10:
        return 3 if largest < 100 else 2
    return 4 if largest == 0 or largest >= 0.1 else min(8, 3 - math.floor(math.log10(largest)))


def format_number(value: float | None, digits: int) -> str:
    """A number with a fixed count of decimals and a true minus sign, none before a zero; a dash where there is none."""
    return "–" if value is None else f"{round(float(value), digits) + 0.0:.{digits}f}".replace("-", "−")
