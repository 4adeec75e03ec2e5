"""Intervals of the tasks' numbers, computed once for the tables and the statistics page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bench.analysis.numbers import FUSION
from bench.analysis.set_draws import DRAWS
from bench.analysis.set_level import TaskComparison, compare_task
from bench.analysis.table import Cell, Row, Table
from bench.data.spec import recorded_spec
from bench.errors import BenchError
from reports.source import RunData

Comparisons = Mapping[tuple[str, str], tuple[TaskComparison, ...] | str]
"""(task, data set) -> its comparisons, or why there are none."""


def task_comparisons(run: RunData) -> Comparisons:
    """What can be said of segmentation and detection; a task whose package is missing or broken says so."""
    found: dict[tuple[str, str], tuple[TaskComparison, ...] | str] = {}
    known = run.store.read_manifest().datasets
    for task in run.tasks:
        for data in run.datasets if task != FUSION else ():
            if data.name not in known:
                continue
            spec = recorded_spec(known[data.name].model_dump())
            try:
                found[task, data.name] = compare_task(run.store, task, data.name, spec, DRAWS)
            except (BenchError, ImportError, OSError, ValueError) as error:
                found[task, data.name] = str(error)
            except KeyError:  # a manifest that names no sources
                continue
    return found


def with_draws(table: Table, comparisons: tuple[TaskComparison, ...] | str) -> Table:
    """The table with every number's interval, and a mark on the best and on those the draws cannot tell from it."""
    places = {
        number: (part, at)
        for part in (comparisons if not isinstance(comparisons, str) else ())
        for at, number in enumerate(part.numbers)
    }
    tied: dict[int, set[str]] = {}
    ends: dict[tuple[int, str], tuple[float, float] | None] = {}
    for index, column in enumerate(table.columns):
        best = table.winner(column.metric, column.label)
        part, at = places.get((column.metric, column.label, table.convention), (None, 0))
        for method, intervals in part.comparison.values.items() if part is not None else ():
            ends[index, method] = intervals[at].ends
        if best is not None and part is not None and best in part.comparison.values:
            others = set(part.comparison.ties(best, at))
            tied[index] = others | {best} if others else set()
    rows = [
        Row(row.method, tuple(_cell(row, index, tied, ends) for index in range(len(row.cells)))) for row in table.rows
    ]
    return replace(table, rows=tuple(rows))


def _cell(
    row: Row, index: int, tied: Mapping[int, set[str]], ends: Mapping[tuple[int, str], tuple[float, float] | None]
) -> Cell:
    cell = row.cells[index]
    if cell.mean is not None:
        cell = replace(cell, interval=ends.get((index, row.method)))
    return replace(cell, tied=True) if row.method in tied.get(index, ()) and cell.rank is not None else cell
