"""The page of a data set: means, curves, gallery."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from bench.analysis.standing import way_changes
from bench.store.thumbnails import slug
from reports.data_files import write_dataset_data
from reports.figures import bar_files, curve_files
from reports.overview import Overview
from reports.pages.kind import Build, PageKind, Step
from reports.site import Site
from reports.source import DatasetView, RunData


def _dataset_page(site: Site, overview: Overview, data: DatasetView) -> None:
    site.page(
        data.page,
        "dataset.html",
        title=data.title,
        data=data,
        tables=overview.tables[data.name],
        notes=[note for note in overview.notes if note.dataset == data.name],
        ways=_ways(overview, data),
        compared=_compared(overview, data),
    )


def _compared(overview: Overview, data: DatasetView) -> bool:
    """Whether there is anything to show beside anything else: figures of one method take longer than its numbers."""
    shown = {row.method for table in overview.tables[data.name].values() for row in table.rows}
    return sum(method.label in shown and not method.reference for method in overview.run.methods) > 1


def _ways(overview: Overview, data: DatasetView) -> dict[str, list[dict[str, Any]]]:
    """Convention -> what the authors' way of writing images moves, for the methods whose plain images are there too."""
    beside = {method.label: method.facts.beside for method in overview.run.methods if method.facts.beside}
    if not beside:
        return {}
    return {name: way_changes(overview.rows[data.name, name], data.name, name, beside) for name in data.conventions}


def _figures(site: Site, overview: Overview, data: DatasetView, convention: str) -> None:
    run = overview.run
    order = overview.best_first(data)
    name = f"{slug(data.name)}-{slug(convention)}"
    curves = curve_files(overview.rows[data.name, convention], data.name, convention, order, run.own)
    first = convention == data.conventions[0]
    bars = bar_files(overview.tables[data.name][convention], order, run.own) if first else {}
    for ending, content in curves.items():
        site.binary(f"curves/{name}.{ending}", content)
    for ending, content in bars.items():
        site.binary(f"bars/{name}.{ending}", content)


def _links(run: RunData) -> list[tuple[str, str]]:
    return [(data.page, data.name) for data in run.datasets]


def _steps(build: Build) -> Iterator[Step]:
    site, overview = build.site, build.overview
    for data in build.run.datasets:
        yield partial(write_dataset_data, site, overview, data, build.pictures, build.carried)
        yield partial(_dataset_page, site, overview, data)
        for convention in data.conventions if _compared(overview, data) else ():
            yield partial(_figures, site, overview, data, convention)


KIND = PageKind("data sets", _links, _steps)
