"""The first page, written last."""

from __future__ import annotations

from typing import Any

from reports.answers import answers
from reports.overview import Overview
from reports.pages.kind import Build, PageKind
from reports.pages.overall import summary
from reports.pictures import Pictures
from reports.source import DatasetView, viewer_link
from reports.task_tables import leading_table


def write_first(build: Build) -> None:
    """Writes it."""
    run, overview = build.run, build.overview
    build.site.page(
        "index.html", "index.html", title="Overview", tables=overview.tables, notes=overview.notes,
        standing=summary(overview),
        problems=run.problems(), faults=overview.faults, tasks=leading_table(run, overview.task_tables),
        answers={data.title: [one for one in answers(run, overview.findings, "", data.name) if one.main]
                 for data in run.datasets},
        examples={data.name: _examples(overview, data, build.pictures) for data in run.datasets},
    )  # fmt: skip


def _examples(overview: Overview, data: DatasetView, pictures: Pictures, count: int = 2) -> list[dict[str, Any]]:
    """The pairs on which the methods differ most."""
    order = overview.disagreement.get(data.name)
    shown: list[dict[str, Any]] = []
    for pair in [] if order is None else order.index:
        group = pictures.get((data.name, str(pair)), [])
        thumbs = [one.thumb for one in group if one.key == "@vis"] or [one.thumb for one in group]
        if thumbs and len(shown) < count:
            shown.append({"pair": pair, "thumb": thumbs[0], "link": viewer_link(data.name, str(pair))})
    return shown


KIND = PageKind("overview", lambda _run: [("index.html", "Overview")], lambda _build: ())
