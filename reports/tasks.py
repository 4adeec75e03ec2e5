"""The pages of the tasks: segmentation, detection, efficiency, and any that a plug-in brought."""

from __future__ import annotations

from collections.abc import Callable
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

UNRANKED_SOURCES = ("efficiency",)
"""Tasks in which passing a source through is no contender."""


@dataclass(frozen=True, slots=True)
class TaskPart:
    """One data set on a task's page.

    Attributes:
        tables: by convention; the plain ones before those of parts such as ``single_scale/day``.
        notes: what the task said about its numbers, such as the machine they were measured on.
        scenes: pictures, those on which the methods differ most first.
    """

    data: DatasetView
    tables: dict[str, Table]
    notes: list[str]
    scenes: list[Scene]


def plan(site: Site, run: RunData, jobs: int) -> list[Callable[[], None]]:
    """The task pages to write."""
    return [partial(_task_page, site, run, task, jobs) for task in run.tasks if task != "metrics"]


def _task_page(site: Site, run: RunData, task: str, jobs: int) -> None:
    parts = [part for part in (_part(run, data, task, jobs) for data in run.datasets) if part.tables]
    conventions = list(dict.fromkeys(name for part in parts for name in part.tables if name))
    site.page(
        f"{slug(task)}.html",
        "task.html",
        title=TASK_TITLES.get(task, task),
        task=task,
        parts=parts,
        conventions=conventions,
    )


def _part(run: RunData, data: DatasetView, task: str, jobs: int) -> TaskPart:
    tables = {}
    for convention in task_conventions(run.scores, task, data.name):
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
    return TaskPart(data, tables, _notes(run, data, task), make(run, data, jobs) if make and tables else [])


def _notes(run: RunData, data: DatasetView, task: str) -> list[str]:
    """What the rows that have a value say besides it, each text once."""
    rows = select(run.scores, task, data.name)
    rows = rows[(rows["status"] == "ok") & (rows["reason"] != "") & (rows["pair"] == "")]
    return list(dict.fromkeys(rows["reason"]))[:8]
