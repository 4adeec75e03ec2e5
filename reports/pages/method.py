"""The page of a method: where it comes from, its scores, its best and worst pairs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from reports.method_blocks import method_blocks
from reports.pages.kind import Build, PageKind, Step, no_links
from reports.pictures import Pictures
from reports.source import DatasetView, MethodView, viewer_link


def _method_page(build: Build, method: MethodView) -> None:
    run, overview = build.run, build.overview
    standings = []
    for data in run.datasets:
        standing = overview.standing.get(data.name)
        if standing is None or method.label not in standing.columns:
            continue
        ranks = standing[method.label].dropna().sort_values(kind="stable")
        if len(ranks) < 2:
            continue
        count = min(4, len(ranks) // 2)
        shown = {"best": ranks.head(count), "worst": ranks.tail(count)[::-1]}
        standings.append({"data": data, "count": len(ranks), "mean": float(ranks.mean())} | {
            which: [_ranked_pair(build.pictures, data, method, pair, rank) for pair, rank in some.items()]
            for which, some in shown.items()
        })  # fmt: skip
    blocks = [
        block
        for task, by_dataset in [("metrics", overview.tables), *overview.task_tables.items()]
        for block in method_blocks(run, task, by_dataset, method)
    ]
    build.site.page(method.page, "method.html", title=method.title, method=method, blocks=blocks, standings=standings)


def _ranked_pair(pictures: Pictures, data: DatasetView, method: MethodView, pair: Any, rank: float) -> dict[str, Any]:
    thumbs = [one for one in pictures[data.name, str(pair)] if one.key == method.label]
    return {
        "pair": pair,
        "rank": rank,
        "thumb": thumbs[0].thumb if thumbs else "",
        "link": viewer_link(data.name, str(pair), method.label),
    }


def _steps(build: Build) -> Iterator[Step]:
    for method in build.run.methods:
        yield partial(_method_page, build, method)


KIND = PageKind("methods", no_links, _steps)
