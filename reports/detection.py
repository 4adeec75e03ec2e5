"""Pictures of the detection task: the boxes that each method's image led to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.standing import most_disagreed
from bench.errors import BenchError
from bench.images import read_image
from bench.store.thumbnails import slug
from reports.pictures import url_of
from reports.scenes import SHOWN, Drawing, Scene, Shot, draw_all
from reports.source import DatasetView, RunData, viewer_link


def scenes(run: RunData, data: DatasetView, jobs: int) -> list[Scene]:
    """The pairs on which what was found differs most, with each method's boxes."""
    kept = {method.label: _summary(run, data, method.label) for method in run.methods}
    kept = {label: pairs for label, pairs in kept.items() if pairs}
    values = pd.DataFrame(
        {label: {pair: _success(facts) for pair, facts in pairs.items()} for label, pairs in kept.items()}
    )
    order = most_disagreed(values).head(SHOWN) if not values.empty else pd.Series(dtype="float64")
    drawings: list[Drawing] = []
    found = [
        Scene(
            str(pair),
            float(difference),
            [
                _shot(run, data, str(pair), label, pairs[str(pair)], drawings)
                for label, pairs in kept.items()
                if pair in pairs
            ],
            viewer_link(data.name, str(pair)) if pair in data.pairs else "",
        )
        for pair, difference in order.items()
    ]
    draw_all(drawings, jobs)
    return found


def _summary(run: RunData, data: DatasetView, method: str) -> dict[str, dict[str, Any]]:
    """Pair -> what the task kept of it: ``right``, ``wrong``, ``missed``, ``seen``, ``picture``."""
    try:
        path = run.store.work_dir("detection", data.name, method) / "images.json"
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (BenchError, OSError, ValueError):
        return {}
    return {str(pair): facts for pair, facts in loaded.items() if isinstance(facts, dict)}


def _success(facts: dict[str, Any]) -> float:
    """Right boxes among all found or to be found; NaN where nothing was to be found and nothing was."""
    total = sum(int(facts.get(key) or 0) for key in ("right", "wrong", "missed"))
    return int(facts.get("right") or 0) / total if total else np.nan


def _shot(
    run: RunData, data: DatasetView, pair: str, method: str, facts: dict[str, Any], drawings: list[Drawing]
) -> Shot:
    pictures = {}
    name = str(facts.get("picture") or "")
    path = run.store.work_dir("detection", data.name, method) / name
    if name and ".." not in Path(name).parts and path.is_file():
        target = run.store.report_dir / "scenes" / slug(data.name) / slug(method) / f"{slug(pair)}.boxes.jpg"
        drawings.append(Drawing(target, (path,), lambda: read_image(path, colour=True)))
        pictures["Boxes"] = url_of(target, run.store.report_dir)
    text = ", ".join(f"{int(facts.get(key) or 0)} {key}" for key in ("right", "wrong", "missed"))
    return Shot(run.titles.get(method, method), pictures, text, "seen in training" if facts.get("seen") else "")
