"""The gallery of failures: for each method the pairs on which it loses most, beside the best method of that pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from bench.analysis.numbers import headline
from bench.analysis.standing import Loss, pair_losses
from reports.pages.kind import Build, PageKind, Step
from reports.source import DatasetView, MethodView, RunData, viewer_link

SHOWN = 5
"""Pairs of each method."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One pair on which a method loses.

    Attributes:
        pictures: (title, address of the thumbnail) of infrared, visible, the method and the best one.
        text: by how much, to whom, and where most.
    """

    data: DatasetView
    pair: str
    pictures: list[tuple[str, str]]
    text: str
    link: str


def _page(build: Build) -> None:
    overview = build.overview
    found: dict[str, list[tuple[DatasetView, Loss]]] = {}
    for data in build.run.datasets:
        if data.conventions:
            convention = data.conventions[0]
            losses = pair_losses(overview.rows[data.name, convention], headline(convention), overview.ranked)
            for loss in losses:
                found.setdefault(loss.method, []).append((data, loss))
    methods = [
        (method, [_failure(build, method, *one) for one in _worst(found.get(method.label, []))])
        for method in build.run.methods
        if method.label in build.run.counted
    ]
    build.site.page("failures.html", "failures.html", title="Failures", methods=methods, shown=SHOWN)


def _worst(losses: list[tuple[DatasetView, Loss]]) -> list[tuple[DatasetView, Loss]]:
    return sorted(losses, key=lambda item: -item[1].gap)[:SHOWN]


def _failure(build: Build, method: MethodView, data: DatasetView, loss: Loss) -> Failure:
    titles = build.run.titles
    thumbs = {one.key: one.thumb for one in build.pictures.get((data.name, loss.pair), [])}
    keys = [
        ("@ir", "Infrared"), ("@vis", "Visible"), (method.label, method.title),
        (loss.best, f"{titles.get(loss.best, loss.best)} (best)"),
    ]  # fmt: skip
    text = f"{loss.gap:.2f} spreads behind {titles.get(loss.best, loss.best)}, most in {loss.metric}"
    link = f"{viewer_link(data.name, loss.pair, method.label, loss.best)}"
    return Failure(data, loss.pair, [(title, thumbs[key]) for key, title in keys if key in thumbs], text, link)


def _links(run: RunData) -> list[tuple[str, str]]:
    fair = len(run.counted) > 1 and any(data.conventions for data in run.datasets)
    return [("failures.html", "Failures")] if fair else []


def _steps(build: Build) -> Iterator[Step]:
    if _links(build.run):
        yield partial(_page, build)


KIND = PageKind("failures", _links, _steps)
