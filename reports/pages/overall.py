"""The page over all data sets, tasks and metrics: mean ranks, who is told from whom, where each is good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bench.analysis.overall import Overall
from bench.analysis.table import Cell, Column, Row, Table
from reports.bars import FEW_PAIRS, bar_places
from reports.overview import Overview
from reports.pages.kind import Build, PageKind, Step
from reports.source import DatasetView, RunData, viewer_link

SHADES = 9
"""Steps of the heat map."""

SHOWN = 8
"""Methods whose pictures are shown: the best, and the marked one."""


@dataclass(frozen=True, slots=True)
class Group:
    """Columns of the heat map under one heading."""

    title: str
    page: str
    width: int


@dataclass(frozen=True, slots=True)
class Strip:
    """One pair: its sources and what the best methods made of it."""

    data: DatasetView
    pair: str
    pictures: list[tuple[str, str, str]]
    link: str


def _page(build: Build) -> None:
    run, found = build.run, build.overview.overall
    values: dict[str, Any] = {"found": found}
    if found is not None:
        values |= {
            "table": replace(_table(run, found), caution=_within(_caution(build.overview))),
            "tasks": {task: run.numbers.task_title(task) for task in found.standings[0].by_task},
            "bars": bar_places([one.rank for one in found.standings]),
            "groups": _groups(run, found),
            "columns": [run.numbers.title(task, metric, label) for task, _, metric, label in found.strands],
            "starts": _starts(_groups(run, found)),
            "shade": partial(_shade, len(found.standings)),
            "strips": list(_strips(build, found)),
            "number_of": len(found.standings),
            "caution": _caution(build.overview),
            "left_out": [
                (run.titles.get(name, name), reason) for name, reason in found.left_out.items()
            ],
        }  # fmt: skip
    build.site.page("overall.html", "overall.html", title="Overall", **values)


def _caution(overview: Overview) -> str:
    """What must be said where draws of few pairs look surer than they are; empty if there are enough."""
    counts = [len(data.pairs) for data in overview.run.datasets if data.conventions]
    if not counts or min(counts) >= FEW_PAIRS:
        return ""
    return f"Only {min(counts)} pairs on some data set: draws of so few are too alike, and the intervals too short."


def _within(sentence: str) -> str:
    """A sentence as a part of another."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _shade(methods: int, rank: float) -> int:
    """0 for the last place to ``SHADES - 1`` for the first."""
    return round((SHADES - 1) * (methods - rank) / max(1, methods - 1))


def _groups(run: RunData, found: Overall) -> list[Group]:
    """Neighbouring columns of one task and data set."""
    pages = {data.name: data for data in run.datasets}
    groups: list[Group] = []
    for task, dataset, _, _ in found.strands:
        data = pages[dataset]
        title = data.title if task == "metrics" else f"{run.numbers.task_title(task)}, {data.title}"
        if groups and groups[-1].title == title:
            groups[-1] = Group(title, data.page, groups[-1].width + 1)
        else:
            groups.append(Group(title, data.page, 1))
    return groups


def _starts(groups: Sequence[Group]) -> set[int]:
    """Which columns begin a group."""
    return {sum(group.width for group in groups[:at]) for at in range(1, len(groups))}


def _table(run: RunData, found: Overall) -> Table:
    """The mean ranks as a table to copy, the letters behind the names."""
    tasks = list(found.standings[0].by_task)
    columns = (
        Column("mean rank", "", "mean rank", "lower", 2),
        *(Column(task, "", f"rank in {run.numbers.task_title(task).lower()}", "lower", 2) for task in tasks),
    )
    firsts = _first_two([one.rank.value for one in found.standings])
    rows = tuple(
        Row(one.method, (
            Cell(one.rank.value, None, len(found.strands), firsts[at], interval=one.rank.ends),
            *(Cell(one.by_task[task], None, len(found.strands)) for task in tasks),
        ))
        for at, one in enumerate(found.standings)
    )  # fmt: skip
    titles = {one.method: f"{run.titles[one.method]} ({one.letters})" for one in found.standings}
    return Table("overall", "all-data-sets", "", columns, rows, 0, titles)


def _first_two(values: Sequence[float]) -> list[int]:
    return [1 + sum(other < value for other in values) for value in values]


def _strips(build: Build, found: Overall) -> Iterator[Strip]:
    """The pair of every data set on which the methods differ most."""
    names = [one.method for one in found.standings]
    shown = names[:SHOWN]
    if build.run.own in names and build.run.own not in shown:
        shown = [*shown[:-1], build.run.own]
    for data in build.run.datasets:
        order = build.overview.disagreement.get(data.name)
        if order is None or order.empty:
            continue
        pair = str(order.index[0])
        thumbs = {one.key: one.thumb for one in build.pictures.get((data.name, pair), [])}
        keys = [("@ir", "Infrared"), ("@vis", "Visible"), *((name, build.run.titles[name]) for name in shown)]
        pictures = [(key, title, thumbs[key]) for key, title in keys if key in thumbs]
        if pictures:
            yield Strip(data, pair, pictures, viewer_link(data.name, pair))


def _links(run: RunData) -> list[tuple[str, str]]:
    return [("overall.html", "Overall")] if len(run.counted) > 1 else []


def _steps(build: Build) -> Iterator[Step]:
    if _links(build.run):
        yield partial(_page, build)


KIND = PageKind("overall", _links, _steps)


def summary(overview: Overview) -> str:
    """The outcome in a sentence; empty where nothing compares."""
    found = overview.overall
    if found is None:
        return ""
    best, titles = found.standings[0], overview.run.titles
    also = [titles[one.method] for one in found.standings[1:] if set(one.letters) & set(best.letters)]
    text = f"{titles[best.method]} has the best mean rank, {best.rank.value:.2f}"
    if not also:
        return f"{text}, told from every other method."
    return f"{text}, and cannot be told from {len(also)} {'other' if len(also) == 1 else 'others'}."
