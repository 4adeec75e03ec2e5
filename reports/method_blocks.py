"""A method's numbers of every task, for its own page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.analysis.captions import way_words
from bench.analysis.table import Cell, Column, Table
from reports.source import DatasetView, MethodView, RunData


@dataclass(frozen=True, slots=True)
class MethodBlock:
    """A method's numbers of one task that share their columns.

    Attributes:
        rows: (data set, way of scoring, column -> cell, column -> decimals).
    """

    title: str
    columns: list[Column]
    rows: list[tuple[DatasetView, str, dict[tuple[str, str], Cell], dict[tuple[str, str], int]]]


def method_blocks(
    run: RunData, task: str, by_dataset: Mapping[str, Mapping[str, Table]], method: MethodView
) -> list[MethodBlock]:
    """The method's row of every table of a task; tables with the same columns together."""
    found: dict[tuple[tuple[str, str], ...], MethodBlock] = {}
    title = run.numbers.task_title(task)
    for data in run.datasets:
        for convention, table in by_dataset.get(data.name, {}).items():
            row = next((row for row in table.rows if row.method == method.label), None)
            if row is None or all(cell.mean is None for cell in row.cells):
                continue
            keys = [(column.metric, column.label) for column in table.columns]
            kind = tuple(keys) if task != "metrics" else ()
            block = found.setdefault(kind, MethodBlock(title, [], []))
            known = {(column.metric, column.label) for column in block.columns}
            block.columns.extend(column for key, column in zip(keys, table.columns, strict=True) if key not in known)
            digits = {key: column.digits for key, column in zip(keys, table.columns, strict=True)}
            way = convention if task == "metrics" or not convention else way_words(convention)
            block.rows.append((data, way, dict(zip(keys, row.cells, strict=True)), digits))
    return list(found.values())
