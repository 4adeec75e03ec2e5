"""The page of statistics: which differences are real, and which rankings hang on the convention."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from bench.analysis.bootstrap import Interval
from bench.analysis.diagram import critical_difference_svg
from bench.analysis.export import inert
from bench.analysis.letters import letters
from bench.analysis.pairwise import Comparison, Standing
from bench.analysis.sections import NO_CORRECTION, format_p
from bench.analysis.sensitivity import agreement, ranking_changes
from bench.analysis.set_draws import DRAWS
from bench.analysis.table import decimals, format_number
from bench.store.thumbnails import slug
from reports.bars import FEW_PAIRS, bar_places
from reports.overview import Overview
from reports.pages.kind import Build, PageKind, Step
from reports.site import Site
from reports.source import DatasetView, RunData
from reports.task_statistics import task_parts
from reports.words import listing

LISTED = 12
"""Up to so many methods every two are listed on the page; beyond it they stand in a CSV file beside it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric of one data set on the page.

    Attributes:
        sentence: the outcome in plain words.
        rows: one per method, best mean rank first.
        diagram: address of the critical-difference diagram, empty if there is none.
        differences: Holm-corrected p values of every two methods, for a table; none for many methods.
        file: address of all differences as CSV.
    """

    metric: str
    comparison: Comparison
    sentence: str
    rows: list[dict[str, Any]]
    diagram: str
    differences: list[dict[str, Any]]
    file: str


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
        found = overview.comparisons[data.name]
        entries = [_entry(site, overview.run, data, item) for item in found if isinstance(item, Comparison)]
        refused = [item for item in found if isinstance(item, str)]
        yield Part(data, convention, entries, refused, _caution(entries))


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
    differences = [
        {
            "first": run.titles.get(item.first, item.first),
            "second": run.titles.get(item.second, item.second),
            "difference": "{} ({} to {})".format(*_ends(item.difference, comparison)),
            "p": format_p(item.p_holm),
            "better": run.titles.get(item.better, item.better),
        }
        for item in comparison.differences
    ]
    file = f"statistics/{slug(data.name)}-{slug(comparison.metric)}.csv"
    site.text(file, _csv(comparison))
    told = [(item.first, item.second) for item in comparison.differences if item.better]
    marked = letters([entry.method for entry in comparison.standings], told)
    bars = bar_places([entry.mean for entry in comparison.standings])
    rows = [
        _row(comparison, standing, bar, marked[standing.method])
        for standing, bar in zip(comparison.standings, bars, strict=True)
    ]
    shown = differences if len(rows) <= LISTED else []
    return Entry(comparison.metric, comparison, _sentence(run, comparison), rows, diagram, shown, file)


def _csv(comparison: Comparison) -> str:
    """Every two methods: difference of means with its interval, p values, who is better."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["first", "second", "difference", "low", "high", "p", "p_holm", "better"])
    for one in comparison.differences:
        ends = (one.difference.value, one.difference.low, one.difference.high, one.p, one.p_holm)
        writer.writerow([inert(one.first), inert(one.second), *map(repr, ends), inert(one.better)])
    return buffer.getvalue()


def _row(comparison: Comparison, entry: Standing, bar: list[float], marked: str) -> dict[str, Any]:
    return {
        "label": entry.method,
        "mean": _ends(entry.mean, comparison),
        "value": entry.mean.value,
        "rank": f"{entry.rank.value:.2f}",
        "rank_interval": f"{entry.rank.low:.2f} to {entry.rank.high:.2f}",
        "place": f"{entry.place.value:.0f}",
        "place_interval": f"{entry.place.low:.0f} to {entry.place.high:.0f}",
        "bar": bar,
        "letters": marked or "–",
    }


def _ends(interval: Interval, comparison: Comparison) -> list[str]:
    """The value and the ends of its interval, with the decimals that suit the means."""
    digits = decimals(max(abs(entry.mean.value) for entry in comparison.standings))
    return [format_number(number, digits) for number in (interval.value, interval.low, interval.high)]


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
