"""Means and spread over the seeds of an ablation."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.analysis.means import digits_of, mean_table, reasons_of, with_ranks
from bench.analysis.numbers import CATALOGUE, FUSION, Numbers, metric_order
from bench.analysis.table import Cell, Column, Row, Table, select
from bench.store.manifest import MethodFacts
from bench.store.scores import scores_frame
from bench.types import Score

if TYPE_CHECKING:
    import pandas as pd


UNTESTED = "best and second go by the means over the seeds, which no test has told apart"
"""What is said of ranks over seeds: there are too few of them for a test."""


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
    ranked = any(cell.rank is not None for row in shown for cell in row.cells)
    return Table(
        task, dataset, convention, tuple(columns), shown, 0, dict(titles or {}), caution=UNTESTED if ranked else ""
    )


def _finite(values: pd.Series[float], factor: float) -> list[float]:
    return [factor * float(value) for value in values if value is not None and math.isfinite(value)]


def _seed_cell(values: Sequence[float], most: int, reason: str) -> Cell:
    if not values:
        return Cell(reason=reason or "no value")
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    partial = f"{len(values)} of {most} seeds, so not ranked" if len(values) < most else ""
    return Cell(float(np.mean(values)), spread, len(values), None, partial)


def by_seed(scores: pd.DataFrame, methods: Mapping[str, MethodFacts]) -> pd.DataFrame:
    """The set-level numbers of an ablation's trials, ``method`` their variant and ``seed`` their seed.

    Fusion metrics become their means over the pairs; a seed that lacks pairs has none, rather than one over fewer.

    Args:
        scores: the score table of the run.
        methods: entries of the manifest; those without a ``variant`` are left out, and those of which nothing came out.

    Returns:
        The columns of the score table and ``seed``, variants in the order of ``methods``.
    """
    import pandas as pd

    came_out = set(scores.loc[scores["status"] == "ok", "method"])
    trials = {label: facts for label, facts in methods.items() if facts.variant and label in came_out}
    own = scores[scores["method"].isin(list(trials))]
    whole = own[(own["pair"] == "") & (own["task"] != FUSION)]
    looks = own[own["task"] == FUSION]
    parts = dict.fromkeys(zip(looks["dataset"], looks["split"], looks["convention"], strict=True))
    means = [
        Score(FUSION, dataset, split, row.method, column.metric, cell.mean, convention=convention)
        for dataset, split, convention in parts
        for table in [mean_table(looks, dataset, convention, split=split)]
        for row in table.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell.mean is not None and not cell.reason
    ]
    frame = pd.concat([whole, scores_frame(means)], ignore_index=True) if means else whole.copy()
    frame["seed"] = [trials[label].seed for label in frame["method"]]
    places = {label: place for place, label in enumerate(trials)}
    frame = frame.iloc[sorted(range(len(frame)), key=lambda at: places[frame["method"].iloc[at]])]
    return frame.assign(method=[trials[label].variant for label in frame["method"]])
