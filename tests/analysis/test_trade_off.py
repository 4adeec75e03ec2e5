"""Quality against time: the front, what is left out, and the picture."""

from __future__ import annotations

import re

import pandas as pd

from bench.analysis.trade_off import AP, trade_off, trade_off_svg, trade_offs
from bench.types import SCORE_COLUMNS, UNDER_LOAD

TIMES = {
    "slow": (90.0, False), "quick": (1.0, False), "mid": (10.0, True), "twin": (10.0, False), "poor": (50.0, False),
}  # fmt: skip


def row(task: str, method: str, metric: str, value: float, **more: str) -> dict[str, object]:
    blank = dict.fromkeys(SCORE_COLUMNS, "")
    return {**blank, "task": task, "dataset": "d", "split": "test", "method": method, "metric": metric, "value": value,
            "status": "ok", **more}  # fmt: skip


def test_the_front_holds_what_no_other_method_beats_in_both() -> None:
    ranks = {"slow": 1.0, "quick": 4.0, "mid": 2.0, "twin": 2.0, "poor": 3.0, "untimed": 1.5}
    found = trade_off("Mean rank", False, TIMES, ranks)
    assert found.front == ["quick", "mid", "twin", "slow"]
    assert [trade.method for trade in found.trades] == ["quick", "mid", "twin", "poor", "slow"]
    assert [trade.method for trade in found.trades if trade.loaded] == ["mid"]


def test_more_is_better_where_it_is_so() -> None:
    assert trade_off("AP", True, TIMES, {"slow": 0.1, "quick": 0.5, "poor": 0.9}).front == ["quick", "poor"]


def test_precision_is_that_of_all_classes_in_the_first_way() -> None:
    rows = [row("efficiency", name, "latency_ms_mean", time, reason=UNDER_LOAD if name == "a" else "")
            for name, time in (("a", 1.0), ("b", 2.0))]  # fmt: skip
    rows += [row("efficiency", "a", "latency_ms_mean", 99.0, convention="plain")]
    for name, value in (("a", 0.3), ("b", 0.4)):
        rows += [
            row("detection", name, AP, 1.0, label="all", convention="coco/unseen"),
            row("detection", name, AP, value, label="all", convention="coco"),
            row("detection", name, AP, 0.9, label="car", convention="coco"),
            row("detection", name, AP, 0.8, label="all", convention="yolov5"),
        ]
    (found,) = trade_offs(pd.DataFrame(rows), "d", None)
    assert [(trade.method, trade.latency_ms, trade.quality, trade.loaded) for trade in found.trades] == [
        ("a", 1.0, 0.3, True), ("b", 2.0, 0.4, False),
    ]  # fmt: skip
    assert trade_offs(pd.DataFrame(rows), "other", None) == []


def test_the_picture_names_every_method_and_is_the_same_twice() -> None:
    found = trade_off("Mean rank", False, TIMES, dict.fromkeys(TIMES, 2.0))
    text = trade_off_svg(found, {"slow": "The $low one"})
    assert text == trade_off_svg(found, {"slow": "The $low one"})
    assert text.startswith("<svg")
    for name in ("The $low one", "quick", "mid", "twin", "poor", "Latency of one pair (ms)"):
        assert name in text


def test_times_are_plain_numbers_and_names_of_twins_stand_apart() -> None:
    found = trade_off("Mean rank", False, TIMES, dict.fromkeys(TIMES, 2.0))
    text = trade_off_svg(found, {})
    assert re.findall(r">(1|10|100)</text>", text) == ["1", "10", "100"]
    places = dict(re.findall(r'rotate\(-0 ([\d.]+ [\d.]+)\)">(mid|twin)</text>', text))
    assert sorted(places.values()) == ["mid", "twin"]
