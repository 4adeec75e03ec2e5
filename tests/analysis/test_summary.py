"""The last screen of a run, against numbers worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.analysis.bootstrap import Interval
from bench.analysis.summary import shown, summary_sections
from bench.store.manifest import parse_manifest
from bench.store.run_folder import Store
from bench.types import SCORE_COLUMNS

PAIRS = 30


def row(method: str, pair: str, metric: str, value: float, task: str = "metrics") -> dict[str, object]:
    return {
        "task": task, "dataset": "demo", "split": "test", "method": method, "pair": pair, "metric": metric,
        "convention": "standard", "label": "", "value": value, "status": "ok", "reason": "",
    }  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """``good`` is above ``average`` on every pair, ``same`` is ``average`` with noise, ``visible`` a reference."""
    random = np.random.default_rng(0)
    base = random.normal(5.0, 1.0, PAIRS)
    values = {
        "visible": base + 3.0, "average": base, "good": base + 1.0, "same": base + random.choice([-1e-3, 1e-3], PAIRS),
    }  # fmt: skip
    rows = [
        row(method, f"{at:02d}", "EN", float(number))
        for method, numbers in values.items()
        for at, number in enumerate(numbers)
    ]
    store = Store(tmp_path)
    store.write_scores(pd.DataFrame(rows, columns=list(SCORE_COLUMNS)))
    kinds = {"visible": "reference", "average": "classical", "good": "classical", "same": "classical"}
    methods = {name: {"name": name, "kind": kind} for name, kind in kinds.items()}
    store.write_manifest(parse_manifest(tmp_path, {"methods": methods, "config": {"conventions": ["standard"]}}))
    return store


def test_means_come_with_intervals_and_references_are_shown(store: Store) -> None:
    (heading, rows), _ = summary_sections(store)
    assert heading == "demo: means over 30 pairs, 95 % intervals (standard)"
    assert [line["method"] for line in rows] == ["visible", "average", "good", "same"]
    scores = store.read_scores()
    mean = scores[scores["method"] == "good"]["value"].mean()
    value, low, high = (float(word.strip("[],")) for word in rows[2]["EN"].split())
    assert value == pytest.approx(mean, abs=0.005)
    assert low < value < high
    half = 1.96 * scores[scores["method"] == "good"]["value"].std() / np.sqrt(PAIRS)
    assert (high - low) / 2 == pytest.approx(half, rel=0.25)


def test_who_is_told_from_whom_leaves_references_out(store: Store) -> None:
    _, (heading, rows) = summary_sections(store)
    assert heading.startswith("demo: who is told from whom")
    assert rows == [
        {
            "metric": "EN", "best mean": "good", "not told from it": "nobody", "better than average": "good",
            "worse than average": "nobody",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(0.4512, 0.4333, 0.4671), "0.451 [0.433, 0.467]"),
        (Interval(6.7123, 6.5, 6.9), "6.71 [6.50, 6.90]"),
        (Interval(123.46, 120.0, 130.0), "123.5 [120.0, 130.0]"),
        (Interval(0.5, float("nan"), float("nan")), "0.500"),
    ],
)
def test_a_number_with_its_interval(interval: Interval, text: str) -> None:
    assert shown(interval) == text
