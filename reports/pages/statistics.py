"""The statistics page: which differences are real, and which rankings hang on the convention."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from bench.analysis.bootstrap import Interval
from bench.analysis.diagram import critical_difference_svg
from bench.analysis.numbers import headline
from bench.analysis.pairwise import Comparison, Standing, compare
from bench.analysis.sections import NO_CORRECTION, format_p
from bench.analysis.sensitivity import agreement, ranking_changes
from bench.analysis.set_level import DRAWS
from bench.analysis.table import format_number
from bench.errors import BenchError
from reports.overview import Overview
from reports.pages.kind import Build, PageKind, Step
from reports.site import Site
from reports.source import DatasetView, RunData, slug
from reports.task_statistics import task_parts
from reports.words import listing

FEW_PAIRS = 10
"""Below this many pairs the page says that hardly anything can be told apart."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric of one data set on the page.

    Attributes:
        sentence: the outcome in plain words.
        rows: one per method, best mean rank first.
        diagram: address of the critical-difference diagram, empty if there is none.
        differences: Holm-corrected p values of every two methods, for a table.
    """

    metric: str
    comparison: Comparison
    sentence: str
    rows: list[dict[str, Any]]
    diagram: str
    differences: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Part:
    """One data set on the page: what could be compared, and what could not."""

    data: DatasetView
    convention: str
    entries: list[Entry]
    refused: list[str]
    caution: str


def _page(site: Site, overview: Overview) -> None:
    run = overview.run
    table = ranking_changes(run.scores, run.references)
    changes = _changes(run, table)
    site.page(
        "statistics.html",
        "statistics.html",
        title="Statistics",
        parts=list(_parts(site, overview)),
        tasks=list(task_parts(overview)),
        changes=[row for row in changes if row["swapped"]],
        agreement=_agreement(table),
        compared=bool(changes),
        draws=DRAWS.resamples,
        no_correction=NO_CORRECTION,
    )


def _parts(site: Site, overview: Overview) -> Iterator[Part]:
    for data in overview.run.datasets:
        if not data.conventions:
            continue
        convention = data.conventions[0]
        names = [name for name in headline(convention) if _has(overview, data, convention, name)]
        found = [_compare(overview, data, convention, name) for name in names]
        entries = [_entry(site, overview.run, data, item) for item in found if isinstance(item, Comparison)]
        refused = [item for item in found if isinstance(item, str)]
        yield Part(data, convention, entries, refused, _caution(entries))


def _has(overview: Overview, data: DatasetView, convention: str, metric: str) -> bool:
    return any(column.metric == metric for column in overview.tables[data.name][convention].columns)


def _compare(overview: Overview, data: DatasetView, convention: str, metric: str) -> Comparison | str:
    rows = overview.rows[data.name, convention]
    try:
        return compare(rows, data.name, metric, convention, exclude=overview.run.references)
    except BenchError as error:
        return f"{metric}: {error}"


def _caution(entries: list[Entry]) -> str:
    pairs = min((entry.comparison.pairs for entry in entries), default=FEW_PAIRS)
    if pairs >= FEW_PAIRS:
        return ""
    return (
        f"Only {pairs} pairs: intervals are rough and hardly any difference can be told from chance. "
        "Run more pairs before drawing conclusions."
    )


def _entry(site: Site, run: RunData, data: DatasetView, comparison: Comparison) -> Entry:
    diagram = ""
    if comparison.omnibus is not None:
        diagram = f"diagrams/{slug(data.name)}-{slug(comparison.metric)}.svg"
        site.text(diagram, critical_difference_svg(comparison, run.titles))
    span = _span(comparison)
    differences = [
        {
            "first": run.titles.get(item.first, item.first),
            "second": run.titles.get(item.second, item.second),
            "difference": _interval(item.difference, comparison),
            "p": format_p(item.p_holm),
            "better": run.titles.get(item.better, item.better),
        }
        for item in comparison.differences
    ]
    rows = [_row(run, comparison, standing, span) for standing in comparison.standings]
    return Entry(comparison.metric, comparison, _sentence(run, comparison), rows, diagram, differences)


def _span(comparison: Comparison) -> tuple[float, float]:
    ends = [end for entry in comparison.standings for end in (entry.mean.low, entry.mean.high, entry.mean.value)]
    finite = [end for end in ends if math.isfinite(end)]
    low, high = min(finite), max(finite)
    return low, (high - low) or 1.0


def _row(run: RunData, comparison: Comparison, entry: Standing, span: tuple[float, float]) -> dict[str, Any]:
    low, width = span
    ends = [entry.mean.low, entry.mean.value, entry.mean.high]
    places = [
        100 * (end - low) / width if math.isfinite(end) else 100 * (entry.mean.value - low) / width for end in ends
    ]
    return {
        "label": entry.method,
        "mean": _interval(entry.mean, comparison),
        "value": entry.mean.value,
        "rank": f"{entry.rank.value:.2f}",
        "rank_interval": f"{entry.rank.low:.2f} to {entry.rank.high:.2f}",
        "place": f"{entry.place.value:.0f}",
        "place_interval": f"{entry.place.low:.0f} to {entry.place.high:.0f}",
        "bar": [round(place, 2) for place in places],
        "ties": listing([run.titles.get(name, name) for name in comparison.ties(entry.method)], 6) or "–",
    }


def _interval(interval: Interval, comparison: Comparison) -> str:
    largest = max(abs(entry.mean.value) for entry in comparison.standings)
    digits = 4 if largest < 10 else 3 if largest < 100 else 2
    ends = [format_number(number, digits) for number in (interval.value, interval.low, interval.high)]
    return f"{ends[0]} ({ends[1]} to {ends[2]})"


def _sentence(run: RunData, comparison: Comparison) -> str:
    best = comparison.standings[0]
    name = run.titles.get(best.method, best.method)
    ties = [run.titles.get(other, other) for other in comparison.ties(best.method)]
    if comparison.omnibus is not None and comparison.omnibus.p >= comparison.settings.alpha:
        return f"No difference between the methods can be told from chance ({format_p(comparison.omnibus.p)})."
    if ties:
        return f"{name} has the best mean rank but cannot be told from {listing(ties)}."
    return f"{name} is better than every other method, beyond chance."


def _changes(run: RunData, table: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    for row in rows:
        for key in ("best_a", "best_b"):
            row[key] = " = ".join(run.titles.get(name, name) for name in str(row[key]).split(" = "))
    return rows


def _agreement(table: pd.DataFrame) -> list[dict[str, Any]]:
    if table.empty:
        return []
    return [{str(key): value for key, value in row.items()} for row in agreement(table).to_dict("records")]


def _steps(build: Build) -> Iterator[Step]:
    yield partial(_page, build.site, build.overview)


KIND = PageKind("statistics", lambda _run: [("statistics.html", "Statistics")], _steps)
