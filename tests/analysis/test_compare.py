"""Comparing two runs names what changed, by how much and where to look."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.analysis.two_runs import compare_runs, render_text
from bench.errors import BenchError
from bench.images import encode_png
from bench.run.record import declared
from bench.store.manifest import parse_manifest
from bench.store.run_folder import Store
from bench.store.scores import scores_frame
from bench.types import Score
from reports.comparison import write_comparison as write_html

EFFICIENCY = declared("efficiency").model_dump()


def write(root: Path, scores: list[Score], **manifest: object) -> Path:
    store = Store(root)
    store.write_scores(scores_frame(scores))
    store.write_manifest(
        parse_manifest(root, {"version": "0.1.0", "seed": 0, "tasks": {"efficiency": EFFICIENCY}, **manifest})
    )
    return root


def metric(method: str, pair: str, value: float | None, name: str = "EN", **extra: str) -> Score:
    return Score("metrics", "tno", "test", method, name, value, pair, "standard", **extra)  # type: ignore[arg-type]


BASE = [metric("one", f"{index:02d}", 5.0 + index) for index in range(6)] + [
    metric("two", f"{index:02d}", 4.0 + index) for index in range(6)
]


def test_equal_runs_are_the_same(tmp_path: Path) -> None:
    found = compare_runs(write(tmp_path / "a", BASE), write(tmp_path / "b", BASE))
    assert found.same
    assert (found.equal, found.changes, found.shifts, found.causes) == (12, (), (), ())
    assert "The scores are the same." in render_text(found)


def test_a_changed_pair_is_named_with_its_change(tmp_path: Path) -> None:
    changed = [metric("one", "03", 11.0) if (row.method, row.pair) == ("one", "03") else row for row in BASE]
    found = compare_runs(write(tmp_path / "a", BASE), write(tmp_path / "b", changed))
    assert not found.same
    (change,) = found.changes
    assert (change.method, change.metric, change.convention) == ("one", "EN", "standard")
    assert (change.pairs, change.changed, change.better) == (6, 1, True)
    assert change.delta == pytest.approx(3.0 / 6)
    assert [(pair.pair, pair.delta) for pair in change.look_at] == [("03", 3.0)]
    assert "look at 03 +3" in render_text(found)


def test_a_lower_is_better_metric_that_rises_is_worse(tmp_path: Path) -> None:
    before = [metric("one", pair, 1.0 + i, name="MSE") for i, pair in enumerate(("01", "02"))]
    after = [metric("one", pair, 2.0 + i, name="MSE") for i, pair in enumerate(("01", "02"))]
    (change,) = compare_runs(write(tmp_path / "a", before), write(tmp_path / "b", after)).changes
    assert change.better is False


def test_other_times_do_not_make_two_runs_differ_and_lead_to_no_pair(tmp_path: Path) -> None:
    def timed(latency: float) -> list[Score]:
        numbers = ("latency_ms_median", "images_per_second", "data_ms", "peak_memory_MB")
        rows = [Score("efficiency", "tno", "test", "one", name, latency) for name in numbers]
        return [*BASE, *rows, Score("efficiency", "tno", "test", "one", "latency_ms", latency, "00")]

    a, b = write(tmp_path / "a", timed(5.0)), write(tmp_path / "b", timed(9.0))
    for root in (a, b):
        path = Store(root).fused_path("tno", "test", "one", "00")
        path.parent.mkdir(parents=True)
        path.write_bytes(encode_png(np.zeros((4, 4, 3), np.uint8)))
    found = compare_runs(a, b)
    assert found.same
    assert len(found.changes) == 5
    assert "Pairs to look at" not in write_html(found, tmp_path / "page.html").read_text(encoding="utf-8")


def test_changes_are_ordered_by_size_against_the_spread(tmp_path: Path) -> None:
    before = [metric(name, f"{i}", 1.0 + i) for name in ("slight", "strong") for i in range(4)]
    after = [
        metric(name, f"{i}", 1.0 + i + lift) for name, lift in (("slight", 0.1), ("strong", 2.0)) for i in range(4)
    ]
    found = compare_runs(write(tmp_path / "a", before), write(tmp_path / "b", after))
    assert [change.method for change in found.changes] == ["strong", "slight"]


def test_another_best_method_is_said(tmp_path: Path) -> None:
    after = [metric("two", row.pair, 20.0) if row.method == "two" else row for row in BASE]
    found = compare_runs(write(tmp_path / "a", BASE), write(tmp_path / "b", after))
    assert found.leads == ("tno, EN standard: one was best, now two",)


def test_scores_that_come_go_or_fail_are_counted(tmp_path: Path) -> None:
    after = [row for row in BASE if row.method != "two"]
    after = [metric("one", "00", None, status="failed", reason="NaN") if row.pair == "00" else row for row in after]
    after += [metric("three", "00", 1.0)]
    found = compare_runs(write(tmp_path / "a", BASE), write(tmp_path / "b", after))
    assert {(shift.method, shift.what, shift.count) for shift in found.shifts} == {
        ("two", "only in the first run", 6),
        ("three", "only in the second run", 1),
        ("one", "has no value any more", 1),
    }
    assert not found.same


def test_measured_times_do_not_make_runs_differ(tmp_path: Path) -> None:
    def latency(value: float) -> list[Score]:
        return [*BASE, Score("efficiency", "tno", "test", "one", "latency_ms_mean", value)]

    found = compare_runs(write(tmp_path / "a", latency(5.0)), write(tmp_path / "b", latency(6.0)))
    assert len(found.changes) == 1
    assert found.same


def test_causes_name_weights_settings_and_data(tmp_path: Path) -> None:
    def manifest(digest: str, way: str, data: str) -> dict[str, object]:
        methods = {"one": {"weights": [{"sha256": digest}], "way": way}}
        return {"methods": methods, "datasets": {"tno": {"fingerprint": data}}, "config": {"way": way, "out": digest}}

    a = write(tmp_path / "a", BASE, **manifest("1", "published", "x"))
    b = write(tmp_path / "b", BASE, **manifest("2", "plain", "y"))
    causes = compare_runs(a, b).causes
    assert "method one: other weights" in causes
    assert "method one: way published -> plain" in causes
    assert "data set tno: its files, or the pairs taken, differ" in causes
    assert "setting way: published -> plain" in causes
    assert not any("out" in cause.split(":")[0] for cause in causes)


def test_runs_without_common_scores_are_refused(tmp_path: Path) -> None:
    other = [metric("else", "00", 1.0)]
    with pytest.raises(BenchError, match="no score in common"):
        compare_runs(write(tmp_path / "a", BASE), write(tmp_path / "b", other))


def test_the_page_shows_changes_and_images_and_escapes_names(tmp_path: Path) -> None:
    name = "<b>one</b>"
    roots = []
    for folder, lift in (("a", 0.0), ("b", 1.0)):
        scores = [metric("one", f"{i}", i + lift) for i in range(3)] + [
            metric(name, f"{i}", i + lift) for i in range(3)
        ]
        roots.append(write(tmp_path / folder, scores))
        path = Store(roots[-1]).fused_path("tno", "test", "one", "0")
        path.parent.mkdir(parents=True)
        path.write_bytes(encode_png(np.zeros((2, 2), np.uint8)))
    page = write_html(compare_runs(*roots), tmp_path / "pages" / "compare.html")
    text = page.read_text(encoding="utf-8")
    assert "<b>one</b>" not in text
    assert "&lt;b&gt;one&lt;/b&gt;" in text
    for folder in ("a", "b"):
        assert f'src="../{folder}/fused/tno/one/0.png"' in text
