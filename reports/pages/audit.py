"""The page of the metric audit, where ``bench audit`` was run."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.store.statements import audit_path
from reports.pages.kind import Build, PageKind, Step
from reports.source import RunData


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Rank correlations of metrics.

    Attributes:
        names: of the metrics, like ones side by side.
        rows: for each its name and (text, opacity 0 to 1, True if negative) of each cell.
    """

    names: list[str]
    rows: list[tuple[str, list[tuple[str, float, bool]]]]


def _read(run: RunData) -> list[dict[str, Any]]:
    try:
        found = json.loads(audit_path(run.store).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


def heat_map(table: Mapping[str, Mapping[str, float]]) -> HeatMap:
    """The correlations as cells."""
    names = list(table)
    return HeatMap(names, [(name, [_cell(table[name].get(other, math.nan)) for other in names]) for name in names])


def _cell(value: float) -> tuple[str, float, bool]:
    if not math.isfinite(value):
        return "–", 0.0, False
    return f"{value:.2f}".replace("-", "−"), round(abs(value), 2), value < 0


def _links(run: RunData) -> Sequence[tuple[str, str]]:
    return [("audit.html", "Audit")] if _read(run) else ()


def _page(build: Build, found: Sequence[Mapping[str, Any]]) -> None:
    titles = {data.name: data.title for data in build.run.datasets}
    parts = [(titles.get(each["dataset"], each["dataset"]), each, heat_map(each["redundancy"])) for each in found]
    build.site.page("audit.html", "audit.html", title="Audit of the metrics", parts=parts, titles=build.run.titles)


def _steps(build: Build) -> Iterator[Step]:
    found = _read(build.run)
    if found:
        yield partial(_page, build, found)


KIND = PageKind("audit", _links, _steps)
