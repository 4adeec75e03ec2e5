"""Means and spread over the seeds of an ablation."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.analysis.means import digits_of, reasons_of, with_ranks
from bench.analysis.numbers import CATALOGUE, Numbers, metric_order
from bench.analysis.table import Cell, Column, Row, Table, select

if TYPE_CHECKING:
    import pandas as pd


def seed_table(
    scores: pd.DataFrame,
    task: str,
    convention: str,
    *,
    factor: float = 1.0,
    unranked: Collection[str] = (),
    labels: Sequence[str] = (),
    titles: dict[str, str] | None = None,
    numbers: Numbers = CATALOGUE,
) -> Table:
    """Set-level numbers of several seeds: mean and standard deviation over the seeds.

    Args:
        scores: set-level scores with the columns ``method`` and ``seed``.
        task: ``segmentation``, or ``metrics`` whose numbers are means over the set.
        convention: of the numbers.
        factor: 100 shows parts as percent.
        unranked: rows that are shown but not ranked.
        labels: class names in the order of the columns; others follow as found.
        titles: how rows are named in print.
        numbers: directions and headings of the task's numbers.

    Returns:
        The table, with rows as found; a row that lacks a seed in a column is not ranked there.
    """
    rows = select(scores, task, convention=convention)
    rows = rows[rows["pair"] == ""]
    reasons = reasons_of(rows)
    methods = list(dict.fromkeys(scores["method"]))
    order = numbers.order(task, zip(rows["metric"], rows["label"], strict=True), labels)
    if task == "metrics":
        order = [(name, "") for name in metric_order(rows["metric"], convention)]
    columns: list[Column] = []
    cells: dict[Column, dict[str, Cell]] = {}
    for metric, label in order:
        own = rows[(rows["metric"] == metric) & (rows["label"] == label) & (rows["status"] == "ok")]
        values = {name: _finite(own.loc[own["method"] == name, "value"], factor) for name in methods}
        most = max(map(len, values.values()))
        if not most:
            continue
        made = {name: _seed_cell(found, most, reasons.get((name, metric, label), "")) for name, found in values.items()}
        digits = 2 if factor == 100.0 else digits_of(made.values())
        column = Column(metric, label, numbers.title(task, metric, label), numbers.better(task, metric), digits)
        columns.append(column)
        cells[column] = with_ranks(column, made, [name for name in methods if name not in unranked])
    body = tuple(Row(name, tuple(cells[column][name] for column in columns)) for name in methods)
    shown = tuple(row for row in body if any(cell.mean is not None for cell in row.cells))
    dataset = str(rows["dataset"].iloc[0]) if len(rows) else ""
    return Table(task, dataset, convention, tuple(columns), shown, 0, dict(titles or {}))


def _finite(values: pd.Series[float], factor: float) -> list[float]:
    return [factor * float(value) for value in values if value is not None and math.isfinite(value)]


def _seed_cell(values: Sequence[float], most: int, reason: str) -> Cell:
    if not values:
        return Cell(reason=reason or "no value")
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    partial = f"{len(values)} of {most} seeds, so not ranked" if len(values) < most else ""
    return Cell(float(np.mean(values)), spread, len(values), None, partial)
