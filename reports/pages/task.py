"""The pages of the tasks: segmentation, detection, efficiency, and any that a plug-in brought."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from bench.analysis.captions import PARTS, way_words
from bench.analysis.forms_table import forms_tables
from bench.analysis.judges import agreements
from bench.analysis.numbers import FUSION
from bench.analysis.table import Table, select
from bench.analysis.trade_off import TradeOff, trade_off_svg, trade_offs
from bench.store.manifest import TaskFacts
from bench.store.thumbnails import slug
from bench.types import UNDER_LOAD
from reports import detection, segmentation
from reports.answers import Answer, answers
from reports.ladder import TASK as LADDER
from reports.ladder import LadderView, ladder_view
from reports.overview import Overview
from reports.pages.kind import Build, PageKind, Step
from reports.scenes import Scene
from reports.site import Site
from reports.source import DatasetView, RunData
from reports.task_tables import ways

TIMES = "efficiency"
"""The task whose page shows quality against time."""

SCENES: dict[str, Callable[[RunData, DatasetView, int], list[Scene]]] = {
    "segmentation": segmentation.scenes,
    "detection": detection.scenes,
}


@dataclass(frozen=True, slots=True)
class TaskPart:
    """One data set on a task's page.

    Attributes:
        tables: by convention; the plain ones before those of parts such as ``single_scale/day``.
        notes: what the task said about its numbers, such as the machine they were measured on.
        cautions: which methods saw pairs of this data set in training.
        marked: True if a method was trained on this data set.
        answers: whether fusion and learning help.
        judged: whether that survives a change of judge, a sentence each.
        scenes: pictures, those on which the methods differ most first.
        trade_offs: quality against time, and the address of its picture.
        ladder: curves along the faults of the robustness task.
        forms: of the latency passport: image size, the form that speed is given in, and the table.
    """

    data: DatasetView
    tables: dict[str, Table]
    notes: list[str]
    cautions: list[str]
    scenes: list[Scene]
    marked: bool = False
    answers: tuple[Answer, ...] = ()
    judged: tuple[str, ...] = ()
    trade_offs: tuple[tuple[TradeOff, str], ...] = ()
    ladder: LadderView | None = None
    forms: tuple[tuple[str, str, Table], ...] = ()


def _task_page(site: Site, overview: Overview, task: str, jobs: int) -> None:
    parts = [
        _part(site, overview, data, task, tables, jobs)
        for data in overview.run.datasets
        if (tables := overview.task_tables[task].get(data.name))
    ]
    conventions = list(dict.fromkeys(name for part in parts for name in part.tables if name))
    site.page(
        f"{slug(task)}.html",
        "task.html",
        title=overview.run.numbers.task_title(task),
        task=task,
        parts=parts,
        ways=ways(conventions),
        way_words=way_words,
    )


def _part(
    site: Site, overview: Overview, data: DatasetView, task: str, tables: dict[str, Table], jobs: int
) -> TaskPart:  # fmt: skip
    make, run = SCENES.get(task), overview.run
    return TaskPart(
        data,
        tables,
        _notes(run, data, task),
        list(_seen(run, data, task)),
        make(run, data, jobs) if make else [],
        any(method.in_domain(data.name) for method in run.methods),
        tuple(answers(run, overview.findings, task, data.name)),
        tuple(
            each.sentence(run.titles)
            for each in agreements(overview.findings)
            if (each.task, each.dataset) == (task, data.name)
        ),
        tuple(_trade_offs(site, overview, data)) if task == TIMES else (),
        ladder_view(run, data) if task == LADDER else None,
        _forms(run, data) if task == TIMES else (),
    )


def _forms(run: RunData, data: DatasetView) -> tuple[tuple[str, str, Table], ...]:
    """Tables of the latency passport."""
    known = run.manifest.tasks.get(TIMES, TaskFacts()).ways
    return tuple(forms_tables(run.scores, data.name, known, run.titles, [method.label for method in run.methods]))


def _trade_offs(site: Site, overview: Overview, data: DatasetView) -> Iterator[tuple[TradeOff, str]]:
    """Draws quality against time."""
    for number, found in enumerate(trade_offs(overview.run.scores, data.name, overview.overall)):
        path = f"diagrams/{slug(data.name)}-quality-{number}.svg"
        site.text(path, trade_off_svg(found, overview.run.titles))
        yield found, path


def _seen(run: RunData, data: DatasetView, task: str) -> Iterator[str]:
    """Methods whose training held pairs that are scored here, in a sentence each."""
    rows = select(run.scores, task, data.name)
    rows = rows[(rows["metric"] == "seen_in_training") & (rows["status"] == "ok")]
    for method, own in rows.groupby("method", sort=False):
        seen = int((own["value"] > 0).sum())
        if seen:
            title = run.titles.get(str(method), str(method))
            yield f"{title} saw {seen} of these {len(own)} pairs in training. Compare it on the {PARTS['unseen']}."


def _notes(run: RunData, data: DatasetView, task: str) -> list[str]:
    """What the rows that have a value say besides it, each text once."""
    rows = select(run.scores, task, data.name)
    rows = rows[(rows["status"] == "ok") & (rows["reason"] != "") & (rows["pair"] == "")]
    # what went on beside each method's measurement is said of its numbers
    said = (reason.partition(f"; {UNDER_LOAD}")[0] for reason in rows["reason"])
    return [text for text in dict.fromkeys(said) if text and not text.startswith(UNDER_LOAD)][:8]


def _links(run: RunData) -> list[tuple[str, str]]:
    return [(f"{slug(task)}.html", run.numbers.task_title(task)) for task in run.tasks if task != FUSION]


def _steps(build: Build) -> Iterator[Step]:
    for task in build.overview.task_tables:
        yield partial(_task_page, build.site, build.overview, task, build.jobs)


KIND = PageKind("tasks", _links, _steps)
