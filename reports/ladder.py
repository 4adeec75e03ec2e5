"""The ladders of the robustness task: what each method keeps, severity by severity, and its images along the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.analysis.table import select
from bench.errors import BenchError
from reports.source import DatasetView, MethodView, RunData, viewer_link

TASK = "robustness"
SHOWN = ("kept_at", "self_SSIM", "self_PSNR")
"""Numbers with curves, before each metric's own share and AP."""
WIDTH, HEIGHT, FOOT = 220.0, 130.0, 16.0


@dataclass(frozen=True, slots=True)
class Line:
    """One method along one ladder; ``points`` as in SVG, in the panel's own units."""

    method: MethodView
    points: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One fault.

    Attributes:
        title: of the fault.
        unit: of its strength.
        ticks: place on the x axis -> strength.
        lines: references last, so that they lie on top.
    """

    title: str
    unit: str
    ticks: list[tuple[float, str]]
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Curves:
    """One number over all faults.

    Attributes:
        title: of the number.
        low: lower end of all panels.
        high: their upper end.
    """

    title: str
    low: str
    high: str
    panels: list[Panel]


@dataclass(frozen=True, slots=True)
class LadderView:
    """What a data set's part of the task's page shows besides its table.

    Attributes:
        formulas: (fault, formula, strengths) of each.
        links: (pair, address in the viewer) of the pairs whose images are kept.
    """

    curves: list[Curves]
    methods: list[MethodView]
    formulas: list[tuple[str, str, str]]
    links: list[tuple[str, str]]


def ladder_view(run: RunData, data: DatasetView) -> LadderView | None:
    """Of one data set; None where there are no such rows."""
    rows = select(run.scores, TASK, data.name)
    rows = rows[(rows["status"] == "ok") & (rows["pair"] == "") & rows["label"].str.contains("@")]
    if rows.empty:
        return None
    faults = _faults(run)
    metrics = [name for name in dict.fromkeys(rows["metric"]) if name.startswith(("kept_", "AP@"))]
    shown = [name for name in (*SHOWN, *metrics) if (rows["metric"] == name).any()]
    curves = [found for name in dict.fromkeys(shown) if (found := _curves(run, rows, name, faults)).panels]
    known = set(rows["method"])
    formulas = [
        (str(facts.get("title", name)), str(facts.get("formula", "")), _strengths(facts))
        for name, facts in faults.items()
    ]
    ladder = ladder_of(run, data)
    firsts: dict[str, str] = {}
    for name in ladder.pairs if ladder else ():
        firsts.setdefault(name.rpartition(" ")[0], name)
    links = [(pair, viewer_link(_ladder_name(data), name)) for pair, name in firsts.items()]
    return LadderView(curves, [one for one in run.methods if one.label in known], formulas, links)


def _faults(run: RunData) -> dict[str, dict[str, Any]]:
    facts = run.manifest.tasks[TASK].settings.get("faults") if TASK in run.manifest.tasks else None
    return {str(name): one for name, one in facts.items() if isinstance(one, dict)} if isinstance(facts, dict) else {}


def _strengths(facts: dict[str, Any]) -> str:
    return f"{', '.join(f'{one:g}' for one in facts.get('strengths', ()))} {facts.get('unit', '')}"


def _curves(run: RunData, rows: pd.DataFrame, metric: str, faults: dict[str, dict[str, Any]]) -> Curves:
    own = rows[rows["metric"] == metric]
    own = own[own["convention"] == own["convention"].iloc[0]]
    split = own["label"].str.partition("@")
    own = own.assign(fault=split[0], at=pd.to_numeric(split[2], errors="coerce")).dropna(subset=["at"])
    if own.empty:
        return Curves("", "", "", [])
    low, high = min(0.0, float(own["value"].min())), float(own["value"].max())
    panels = [
        _panel(run, part, str(fault), faults.get(str(fault), {}), (low, high if high > low else low + 1.0))
        for fault, part in sorted(own.groupby("fault", sort=False), key=lambda item: _place(faults, str(item[0])))
    ]
    return Curves(run.numbers.title(TASK, metric), f"{low:.3g}", f"{high:.3g}", panels)


def _place(faults: dict[str, dict[str, Any]], name: str) -> int:
    return list(faults).index(name) if name in faults else len(faults)


def _panel(run: RunData, rows: pd.DataFrame, fault: str, facts: dict[str, Any], ends: tuple[float, float]) -> Panel:
    last = max(1.0, float(rows["at"].max()))
    strengths = list(facts.get("strengths", ()))
    ticks = [
        (WIDTH * at / last, f"{strengths[int(at) - 1]:g}" if 0 < at <= len(strengths) else "0")
        for at in sorted(set(rows["at"]))
    ]
    lines = []
    for method in sorted(run.methods, key=lambda one: one.reference):
        part = rows[rows["method"] == method.label].sort_values("at")
        points = [
            f"{WIDTH * at / last:.1f},{HEIGHT * (1 - (value - ends[0]) / (ends[1] - ends[0])):.1f}"
            for at, value in zip(part["at"], part["value"], strict=True)
        ]
        if points:
            lines.append(Line(method, " ".join(points)))
    return Panel(str(facts.get("title", fault)), str(facts.get("unit", "")), ticks, lines)


# ------------------------------------------------------------------ images along the ladder


def ladder_of(run: RunData, data: DatasetView) -> DatasetView | None:
    """The pairs whose images are kept, each once for every rung, as a data set of its own in the viewer."""
    order = ["clean", *(f"{name}@{at}" for name in _faults(run) for at in range(1, 6))]
    rungs: dict[str, set[str]] = {}
    for method in run.methods:
        folder = _folder(run, data, method.label)
        for path in folder.glob("*/*.png") if folder else ():
            rungs.setdefault(path.stem, set()).add(path.parent.name)
    pairs = [f"{pair} {rung}" for pair in sorted(rungs) for rung in order if rung in rungs[pair]]
    if not pairs:
        return None
    return DatasetView(_ladder_name(data), f"{data.title} along the ladder", data.facts, tuple(pairs), ())


def _ladder_name(data: DatasetView) -> str:
    return f"{data.name} ladder"


def rung_images(run: RunData, data: DatasetView, name: str, methods: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Method and file of every image of a pair's rung, as ``ladder_of`` names it."""
    pair, _, rung = name.rpartition(" ")
    for label in methods:
        folder = _folder(run, data, label)
        if folder is not None and (folder / rung / f"{pair}.png").is_file():
            yield label, folder / rung / f"{pair}.png"


def _folder(run: RunData, data: DatasetView, method: str) -> Path | None:
    try:
        folder = run.store.work_dir(TASK, data.name, method) / "pictures"
    except BenchError:
        return None
    return folder if folder.is_dir() else None
