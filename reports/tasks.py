"""The pages of the tasks: segmentation, detection, efficiency, and any that a plug-in brought."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from bench.tables import Table, mean_table, select, task_conventions
from reports import detection, segmentation
from reports.pages import TASK_TITLES
from reports.scenes import Scene
from reports.site import Site
from reports.source import DatasetView, RunData, slug

SCENES: dict[str, Callable[[RunData, DatasetView, int], list[Scene]]] = {
    "segmentation": segmentation.scenes,
    "detection": detection.scenes,
}

PARTS = {"": "all pairs", "day": "day", "night": "night", "unseen": "pairs unseen in training"}
"""Endings of a convention that name a part of the data set."""

FIRST = ("single_scale", "coco")
"""Ways of scoring that are shown before others."""

UNRANKED_SOURCES = ("efficiency",)
"""Tasks in which passing a source through is no contender."""


@dataclass(frozen=True, slots=True)
class TaskPart:
    """One data set on a task's page.

    Attributes:
        tables: by convention; the plain ones before those of parts such as ``single_scale/day``.
        notes: what the task said about its numbers, such as the machine they were measured on.
        cautions: which methods saw pairs of this data set in training.
        scenes: pictures, those on which the methods differ most first.
    """

    data: DatasetView
    tables: dict[str, Table]
    notes: list[str]
    cautions: list[str]
    scenes: list[Scene]
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """One way of scoring and the parts of the data it was applied to.

    Attributes:
        parts: (convention, what is in it), the whole first.
    """

    name: str
    parts: list[tuple[str, str]]


def plan(site: Site, run: RunData, jobs: int) -> list[Callable[[], None]]:
    """The task pages to write."""
    return [partial(_task_page, site, run, task, jobs) for task in run.tasks if task != "metrics"]


def _task_page(site: Site, run: RunData, task: str, jobs: int) -> None:
    parts = [part for part in (_part(run, data, task, jobs) for data in run.datasets) if part.tables]
    site.page(
        f"{slug(task)}.html",
        "task.html",
        title=TASK_TITLES.get(task, task),
        task=task,
        parts=parts,
        ways=ways(list(dict.fromkeys(name for part in parts for name in part.tables if name))),
        way_words=lambda name: ", ".join((way_of(name)[0], PARTS[way_of(name)[1]])),
    )


def way_of(convention: str) -> tuple[str, str]:
    """A convention such as ``joint/single_scale/day`` as the way of scoring and the part; the part is empty for all."""
    way, _, part = convention.rpartition("/")
    return (way, part) if way and part in PARTS else (convention, "")


def ways(conventions: Sequence[str]) -> list[Way]:
    """The ways of scoring with the parts of each."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in conventions:
        way, part = way_of(name)
        found.setdefault(way, []).append((name, PARTS[part]))
    return [Way(name, parts) for name, parts in found.items()]


def _place(convention: str) -> tuple[bool, bool, str, bool]:
    """The order in which ways are shown: what the pictures and the statistics are made from first."""
    way, part = way_of(convention)
    return way.startswith("joint"), way not in FIRST, way, bool(part)


def _part(run: RunData, data: DatasetView, task: str, jobs: int) -> TaskPart:
    tables = {}
    for convention in sorted(task_conventions(run.scores, task, data.name), key=_place):
        table = mean_table(
            run.scores,
            data.name,
            convention,
            task,
            unranked=run.references if task in UNRANKED_SOURCES else (),
            order=[method.label for method in run.methods],
            labels=[*(data.facts["classes"] or ()), *(data.facts["box_classes"] or {}).values(), "all"],
            titles=run.titles,
        )
        if table.columns:
            tables[convention] = table
    make = SCENES.get(task)
    return TaskPart(
        data, tables, _notes(run, data, task), list(_seen(run, data, task)),
        make(run, data, jobs) if make and tables else [],
        any(method.in_domain(data.name) for method in run.methods),
    )  # fmt: skip


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
    return list(dict.fromkeys(rows["reason"]))[:8]
