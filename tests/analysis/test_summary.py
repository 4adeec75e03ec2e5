"""The last screen of a run, against numbers worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.analysis.bootstrap import Interval
from bench.analysis.summary import shown, summary_sections
from bench.metrics.facts import CAPPED
from bench.run.record import declared
from bench.store.manifest import parse_manifest
from bench.store.run_folder import Store
from bench.types import SCORE_COLUMNS, UNDER_LOAD

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
    (heading, rows), _, _ = summary_sections(store)
    assert heading == "demo, mean over 30 pairs, convention standard; 95 % intervals"
    assert [line["method"] for line in rows] == ["visible", "average", "good", "same"]
    scores = store.read_scores()
    mean = scores[scores["method"] == "good"]["value"].mean()
    value, low, high = (float(word.strip("[],")) for word in rows[2]["EN (bit) ↑"].split())
    assert value == pytest.approx(mean, abs=0.005)
    assert low < value < high
    half = 1.96 * scores[scores["method"] == "good"]["value"].std() / np.sqrt(PAIRS)
    assert (high - low) / 2 == pytest.approx(half, rel=0.25)


def test_who_is_told_from_whom_leaves_references_out(store: Store) -> None:
    _, _, (heading, rows) = summary_sections(store)
    assert heading.startswith("demo: who is told from whom")
    assert rows == [
        {
            "metric": "EN", "pairs": 30, "best mean": "good", "not told from it": "nobody",
            "better than average": "good", "worse than average": "nobody",
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


def table(rows: list[dict[str, object]], kinds: dict[str, dict[str, object]], folder: Path) -> list[tuple[str, list]]:
    store = Store(folder)
    store.write_scores(pd.DataFrame(rows, columns=list(SCORE_COLUMNS)))
    methods = {name: {"name": name, "kind": "classical", **facts} for name, facts in kinds.items()}
    config = {"conventions": ["standard"]}
    store.write_manifest(parse_manifest(folder, {"methods": methods, "config": config}))
    return list(summary_sections(store))


def test_the_screen_says_what_the_page_says(tmp_path: Path) -> None:
    """Over how many pairs each mean is, the way, stretches, what was trained on the set, and who is not compared."""
    rows = [
        row(method, f"{at}", metric, at + shift)
        for method, shift in (("average", 0.0), ("other", 1.0), ("few", 2.0))
        for metric in ("EN", "PSNR")
        for at in range(8)
        if method != "few" or at < 3
    ]
    rows += [{**row(method, "8", "PSNR", 99.0), "reason": CAPPED} for method in ("average", "other")]
    kinds: dict[str, dict[str, object]] = {
        "average": {"way": "plain"}, "few": {},
        "other": {"way": "published", "stretches": True, "seen": {"demo": ["1"]}},
    }  # fmt: skip
    (heading, lines), (said, _), (_, told) = table(rows, kinds, tmp_path)
    assert heading == (
        "demo, mean over 3 to 8 pairs, as marked, convention standard, published and plain ways, as marked; "
        "95 % intervals"
    )
    assert [line["method"] for line in lines] == ["average", "other†‡", "few (3 of 8 pairs)"]
    assert "PSNR without 1 pair of three equal images" in said
    assert "† trained on this set: other (on 1 of the pairs scored here)" in said
    assert "‡ its published way stretches the contrast: other" in said
    assert "plain way: average" in said
    assert [(line["pairs"], line["left out"]) for line in told] == [(8, "few"), (8, "few")]


def test_a_remark_on_one_number_stands_beside_that_number(tmp_path: Path) -> None:
    rows = [row(method, f"{at}", "EN", float(at)) for method in ("average", "other") for at in range(4)]
    rows += [
        row(method, f"{at}", "MI", float(at))
        for method in ("average", "other")
        for at in range(4)
        if method == "average" or at
    ]
    (heading, lines), *_ = table(rows, {"average": {}, "other": {}}, tmp_path)
    assert heading.startswith("demo, mean over 3 to 4 pairs, as marked")
    assert lines[1]["method"] == "other"
    assert lines[1]["MI (bit) ↑"].endswith(" (3 of 4 pairs)")
    assert lines[1]["EN (bit) ↑"].endswith("]")


def test_times_under_load_are_named_in_a_line(tmp_path: Path) -> None:
    machine = "a processor"
    rows = [
        {**row(method, "", metric, 1.0, "efficiency"), "convention": "", "reason": reason}
        for method, reason in (("calm", machine), ("hurried", f"{machine}; {UNDER_LOAD}: CPU time 50 % of wall time"))
        for metric in ("latency_ms_mean", "params_M")
    ]
    store = Store(tmp_path)
    store.write_scores(pd.DataFrame(rows, columns=list(SCORE_COLUMNS)))
    store.write_manifest(parse_manifest(tmp_path, {"tasks": {"efficiency": declared("efficiency").model_dump()}}))
    said = [heading for heading, _ in summary_sections(store) if UNDER_LOAD in heading]
    assert said == [
        "demo · efficiency: measured under load, so not ranked: hurried; "
        "--tasks efficiency --rerun all on a quiet machine measures anew"
    ]
