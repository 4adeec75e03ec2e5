"""Tables of the tasks: which there are, in what order their ways of scoring are shown, and what leads them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.captions import described, part_words, way_of, way_words
from bench.analysis.forms_table import sizes_of
from bench.analysis.means import Layout, mean_table
from bench.analysis.ranked import controls_last
from bench.analysis.standing import task_conventions
from bench.analysis.table import Cell, Column, Row, Table, select
from bench.store.manifest import TaskFacts
from reports.source import DatasetView, RunData

UNSEEN = "unseen"

TaskTables = dict[str, dict[str, dict[str, Table]]]
"""Task -> data set -> way of scoring -> table."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of scoring and the parts of the data it was applied to.

    Attributes:
        parts: (convention, what is in it), the whole first.
    """

    name: str
    parts: list[tuple[str, str]]


def ways(conventions: Sequence[str]) -> list[Way]:
    """The ways of scoring with the parts of each."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in conventions:
        way, part = way_of(name)
        found.setdefault(way, []).append((name, part_words(part)))
    return [Way(name, parts) for name, parts in found.items()]


def place_of(convention: str, known: Sequence[str]) -> tuple[int, int, str, int]:
    """The order in which ways are shown: plain ones before compound ones, each as the task names them.

    What has no name of its own comes first. The pairs unseen in training come before others, since they are what
    compares methods; other parts last.
    """
    if not convention:
        return 0, 0, "", 0
    way, part = way_of(convention)
    words = way.split("/")
    place = known.index(words[-1]) if words[-1] in known else len(known)
    return len(words), place, way, -1 if part == UNSEEN else int(bool(part))


def task_tables(run: RunData) -> TaskTables:
    """All tables of all tasks but the fusion metrics; those without a number are left out."""
    return {
        task: {data.name: found for data in run.datasets if (found := dict(_tables(run, data, task)))}
        for task in run.tasks
        if task != "metrics"
    }


def _tables(run: RunData, data: DatasetView, task: str) -> Iterator[tuple[str, Table]]:
    known = list(run.manifest.tasks.get(task, TaskFacts()).ways)
    sizes = sizes_of(map(str, select(run.scores, task, data.name)["label"].unique()))
    for convention in sorted(task_conventions(run.scores, task, data.name), key=lambda name: place_of(name, known)):
        table = mean_table(
            run.scores,
            data.name,
            convention,
            task,
            unranked=run.unranked_in(task),
            layout=Layout(
                controls_last([method.label for method in run.methods], run.manifest.methods),
                [*data.facts.classes, *data.facts.box_classes.values(), "all", *sizes],
                run.titles,
            ),
            numbers=run.numbers,
        )
        if table.columns:
            yield convention, described(table.scored(run.manifest.methods), run.manifest.methods)


def speaking(found: Mapping[str, Table], headlines: Collection[tuple[str, str]]) -> Table:
    """The table that speaks for a task on a data set: the first that holds a leading number, on unseen pairs if any."""
    for table in found.values():
        if any((column.metric, column.label) in headlines for column in table.columns):
            return table
    return next(iter(found.values()))


def leading_table(run: RunData, tables: TaskTables) -> Table | None:
    """The leading numbers of all tasks beside each other, one column for each data set; None if there are none."""
    columns: list[Column] = []
    order = controls_last([method.label for method in run.methods], run.manifest.methods)
    cells: dict[str, list[Cell]] = {label: [] for label in order}
    for task, by_dataset in tables.items():
        headlines = run.numbers.headlines(task)
        timed = any(run.numbers.measured(task, metric) for metric, _ in headlines)
        for dataset, found in list(by_dataset.items())[: 1 if timed else None]:  # one data set's times will do here
            table = speaking(found, headlines)
            for place, column in enumerate(table.columns):
                if (column.metric, column.label) not in headlines:
                    continue
                where = next((data.title for data in run.datasets if data.name == dataset), dataset)
                title = column.title.removesuffix(" all")
                note = way_words(table.convention) if table.convention else ""
                columns.append(
                    Column(column.metric, where, f"{title} {where}", column.better, column.digits, note=note)
                )
                own = {row.method: row.cells[place] for row in table.rows}
                for label, found_cells in cells.items():
                    found_cells.append(own.get(label, Cell()))
    if not columns:
        return None
    rows = tuple(Row(label, tuple(found)) for label, found in cells.items() if any(c.mean is not None for c in found))
    table = Table("tasks", "all data sets", "", tuple(columns), rows, 0, run.titles)
    return described(table, run.manifest.methods)
