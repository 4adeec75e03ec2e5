"""Means over pairs and set-level numbers as one table: the only place that averages."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bench.analysis.numbers import CATALOGUE, FUSION, Numbers, direction, metric_order, unit
from bench.analysis.pairwise import ties_of_best
from bench.analysis.table import Cell, Column, Row, Table, capped_pairs, decimals, pair_values, select
from bench.types import UNDER_LOAD

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Layout:
    """How a table is laid out.

    Attributes:
        order: methods in the order of the rows; others follow as found.
        labels: class names in the order of the columns, for set-level numbers; others follow as found.
        titles: how methods are named in print.
        ties: False leaves out which methods cannot be told from the best, where that is said elsewhere.
    """

    order: Sequence[str] = ()
    labels: Sequence[str] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    ties: bool = True


AS_FOUND = Layout()


def mean_table(
    scores: pd.DataFrame,
    dataset: str,
    convention: str = "",
    task: str = "metrics",
    *,
    split: str | None = None,
    unranked: Collection[str] = (),
    layout: Layout = AS_FOUND,
    numbers: Numbers = CATALOGUE,
) -> Table:
    """Means, spreads and ranks of every method on one data set.

    Args:
        scores: the score table.
        dataset: data set name.
        convention: for task ``metrics``; empty for the others.
        task: ``metrics``, ``efficiency``, ``segmentation``, ``detection`` or a plug-in's.
        split: keep only this part of the data set.
        unranked: methods that are shown but not ranked, such as a source passed through.
        layout: order of rows and columns, names in print.
        numbers: directions and headings of the tasks' numbers.

    Returns:
        The table; without rows if there are no such scores.
    """
    rows = select(scores, task, dataset, convention, split)
    found = list(dict.fromkeys(rows["method"]))
    methods = [name for name in layout.order if name in found]
    methods += [name for name in found if name not in layout.order]
    columns, cells, pairs = (
        _pair_columns(rows, methods, convention)
        if task == FUSION
        else _set_columns(rows, methods, layout.labels, task, numbers)
    )
    contenders = [name for name in methods if name not in unranked]
    ranked = {column: with_ranks(column, cells[column], contenders) for column in columns}
    if task == FUSION and layout.ties:
        ranked = {column: _with_ties(column, own, rows) for column, own in ranked.items()}
    body = tuple(Row(name, tuple(ranked[column][name] for column in columns)) for name in methods)
    return Table(task, dataset, convention, tuple(columns), body, pairs, dict(layout.titles))


def _pair_columns(
    rows: pd.DataFrame, methods: Sequence[str], convention: str
) -> tuple[list[Column], dict[Column, dict[str, Cell]], int]:
    columns, cells, pairs = [], {}, 0
    reasons = reasons_of(rows)
    for metric in metric_order(rows.loc[rows["pair"] != "", "metric"], convention):
        values = pair_values(rows, metric)
        covered = int(values.notna().any(axis=1).sum())
        pairs = max(pairs, covered)
        made = {name: _mean_cell(values, name, covered, reasons.get((name, metric, ""), "")) for name in methods}
        column = Column(
            metric, "", metric, direction(metric), digits_of(made.values()), unit(metric, convention), covered,
            left_out(len(capped_pairs(rows, metric))),
        )  # fmt: skip
        columns.append(column)
        cells[column] = made
    return columns, cells, pairs


def left_out(capped: int) -> str:
    """What a column says of pairs whose three images are equal; empty if there are none."""
    return f"without {capped} {'pair' if capped == 1 else 'pairs'} of three equal images" if capped else ""


def _mean_cell(values: pd.DataFrame, method: str, covered: int, reason: str) -> Cell:
    if method not in values.columns:
        return Cell(reason=reason or "no value")
    numbers = values[method].dropna().to_numpy(dtype=np.float64)
    if numbers.size == 0:
        return Cell(reason=reason or "no finite value")
    spread = float(numbers.std(ddof=1)) if numbers.size > 1 else None
    partial = f"{numbers.size} of {covered} pairs, so not ranked" if numbers.size < covered else ""
    return Cell(float(numbers.mean()), spread, int(numbers.size), None, partial)


def _with_ties(column: Column, cells: dict[str, Cell], rows: pd.DataFrame) -> dict[str, Cell]:
    """The cells with a mark on the best and on those that the paired tests cannot tell from it."""
    names = [name for name, cell in cells.items() if cell.rank is not None]
    if len(names) < 2 or column.pairs < 2:
        return cells
    tied = ties_of_best(pair_values(rows, column.metric)[names].dropna(), column.better)
    return {name: replace(cell, tied=True) if name in tied else cell for name, cell in cells.items()}


def _set_columns(
    rows: pd.DataFrame, methods: Sequence[str], labels: Sequence[str], task: str, numbers: Numbers
) -> tuple[list[Column], dict[Column, dict[str, Cell]], int]:
    rows = rows[rows["pair"] == ""]
    reasons = reasons_of(rows)
    values = {
        (metric, label, method): float(value)
        for metric, label, method, value, status in zip(
            rows["metric"], rows["label"], rows["method"], rows["value"], rows["status"], strict=True
        )
        if status == "ok" and value is not None and math.isfinite(value)
    }
    disturbed = rows[rows["reason"].str.contains(UNDER_LOAD, regex=False, na=False)]
    loaded = set(zip(disturbed["metric"], disturbed["label"], disturbed["method"], strict=True))
    columns, cells = [], {}
    for metric, label in numbers.order(task, zip(rows["metric"], rows["label"], strict=True), labels):
        number, spread_metric = numbers.find(task, metric), numbers.spread_metric(task, metric)
        made: dict[str, Cell] = {}
        for name in methods:
            value = values.get((metric, label, name))
            why = reasons.get((name, metric, label), "") if value is None else ""
            if value == 0 and number.zero:
                why = f"{number.zero}, so not ranked"
            elif value is not None and number.measured and (metric, label, name) in loaded:
                why = f"{UNDER_LOAD}, so not ranked"
            made[name] = Cell(value, values.get((spread_metric, label, name)), int(value is not None), None, why)
        if all(cell.mean is None for cell in made.values()):
            continue
        digits = digits_of(made.values()) if number.decimals is None else number.decimals
        column = Column(metric, label, numbers.title(task, metric, label), number.better, digits)
        columns.append(column)
        cells[column] = made
    return columns, cells, 0


def reasons_of(rows: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    """(method, metric, label) -> why there is no value."""
    bad = rows[rows["status"] != "ok"]
    columns = (bad[name] for name in ("method", "metric", "label", "status", "reason"))
    return {
        (method, metric, label): f"{status}: {reason}" if reason else status
        for method, metric, label, status, reason in zip(*columns, strict=True)
    }


def digits_of(cells: Iterable[Cell]) -> int:
    """Four decimals as the papers print; fewer where the numbers are large, more where they are tiny."""
    return decimals(max((abs(cell.mean) for cell in cells if cell.mean is not None), default=0.0))


def with_ranks(column: Column, cells: dict[str, Cell], methods: Sequence[str]) -> dict[str, Cell]:
    """The cells with ranks among ``methods``: of numbers over all pairs only, none without a direction."""
    if not column.better:
        return cells
    covered = max((cells[name].n for name in methods), default=0)
    means = {name: cells[name].mean for name in methods if cells[name].n == covered and not cells[name].reason}
    sign = -1.0 if column.better == "higher" else 1.0
    keys = {name: sign * mean for name, mean in means.items() if mean is not None}
    # alone there is nothing to be better than; and all alike, as in a class that nobody finds, nobody is best
    if len(set(keys.values())) < 2:
        return cells
    return {
        name: replace(cell, rank=1 + sum(other < keys[name] for other in keys.values())) if name in keys else cell
        for name, cell in cells.items()
    }
