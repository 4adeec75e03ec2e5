"""The pages of the tasks: segmentation, detection, efficiency, and any that a plug-in brought."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench.tables import Table, mean_table
from reports.pages import TASK_TITLES
from reports.site import Site
from reports.source import DatasetView, RunData, slug


def plan(site: Site, run: RunData) -> list[Callable[[], None]]:
    """The task pages to write."""
    return [partial(_task_page, site, run, task) for task in run.tasks if task != "metrics"]


def _task_page(site: Site, run: RunData, task: str) -> None:
    tables: list[tuple[DatasetView, Table]] = []
    for data in run.datasets:
        table = mean_table(
            run.scores,
            data.name,
            task=task,
            unranked=run.references if task == "efficiency" else (),
            order=[method.label for method in run.methods],
            titles=run.titles,
        )
        if table.rows:
            tables.append((data, table))
    site.page(f"{slug(task)}.html", "task.html", title=TASK_TITLES.get(task, task), task=task, tables=tables)
