"""Times that other work had a part in: taken again, then marked and not ranked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.analysis.means import mean_table
from bench.analysis.numbers import Numbers
from bench.files import write_atomic
from bench.fusion import load as module
from bench.fusion.efficiency import measure
from bench.fusion.harness import Fuser
from bench.fusion.load import REPEATS, Load, Watch
from bench.images import encode_png
from bench.plugin.method import Method, MethodInfo
from bench.run.record import declared
from bench.store.scores import scores_frame
from bench.types import UNDER_LOAD, PairFiles, Score

CALM = Load(1.6, 0.4, 2)


@pytest.mark.parametrize(
    ("load", "high"),
    [
        (CALM, False),
        (Load(0.97, 2.3, 2), False),
        (Load(0.4, 0.4, 2), True),
        (Load(1.9, 7.9, 2), True),
        (Load(0.4, 0.4, 2, on_cpu=False), False),
        (Load(0.1, 70.0, 64, on_cpu=False), True),
        (Load(1.0, math.nan, 4), False),
    ],
    ids=["alone", "busy but alone", "starved", "crowded", "waiting for a GPU", "crowded host", "no load average"],
)
def test_load_is_read_from_both_clocks_and_the_machine(load: Load, high: bool) -> None:
    assert load.is_high is high
    assert (UNDER_LOAD in load.in_words()) is high


def test_waiting_takes_wall_time_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, cpu = iter([0.0, 1.0, 5.0, 6.0]), iter([0.0, 0.25, 1.0, 1.25])
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(wall))
    monkeypatch.setattr(module.time, "process_time", lambda: next(cpu))
    watch = Watch(on_cpu=True)
    assert [watch.stop(watch.start()) for _ in range(2)] == [1000.0, 1000.0]
    assert watch.load().share == 0.25


class Mean(Method):
    """The mean."""

    name = "mean"
    info = MethodInfo("Mean", 2026, "doi:10.0000/none", "Apache-2.0", kind="classical")

    def fuse(self, ir: torch.Tensor, vis: torch.Tensor) -> torch.Tensor:
        return (ir + vis) / 2


def timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loads: list[Load]) -> tuple[list[Score], int]:
    """The rows, and how many of the loads were asked for."""
    paths = [tmp_path / f"{kind}.png" for kind in ("ir", "vis")]
    for path, shape in zip(paths, ((24, 20), (24, 20, 3)), strict=True):
        write_atomic(path, encode_png(np.full(shape, 90, np.uint8)))
    asked: list[Load] = []
    left: Iterator[Load] = iter(loads)

    def ask(_: Watch) -> Load:
        asked.append(next(left))
        return asked[-1]

    monkeypatch.setattr(Watch, "load", ask)
    return measure(Fuser(Mean()), [PairFiles("set", "test", "1", *paths)]), len(asked)


HIGH = Load(0.3, 9.0, 2)


@pytest.mark.parametrize(
    ("loads", "asked", "marked"),
    [
        ([CALM], 1, False),
        ([HIGH, CALM], 2, False),
        ([HIGH, HIGH, CALM], 3, False),
        ([HIGH] * (1 + REPEATS), 1 + REPEATS, True),
        ([Load(1.9, 8.0, 2)] * (1 + REPEATS), 1 + REPEATS, True),
    ],
    ids=["alone", "once", "twice", "always starved", "always crowded"],
)
def test_times_under_load_are_taken_again_and_then_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loads: list[Load], asked: int, marked: bool
) -> None:
    rows, count = timed(tmp_path, monkeypatch, loads)
    assert count == asked
    assert sum(row.metric == "latency_ms" for row in rows) == 1
    for row in rows:
        disturbed = row.metric.startswith(("latency", "compute", "data", "write", "images"))
        assert (UNDER_LOAD in row.reason) is (marked and disturbed)


@pytest.mark.parametrize("metric", ["latency_ms_mean", "latency_ms_median", "images_per_second", "params_M", "flops_G"])
def test_a_time_under_load_is_shown_and_not_ranked(metric: str) -> None:
    numbers = Numbers({"efficiency": declared("efficiency")})
    rows = [Score("efficiency", "tno", "test", name, metric, value) for name, value in (("a", 3.0), ("b", 2.0))]
    rows.append(Score("efficiency", "tno", "test", "hurried", metric, 2.5, reason=f"a CPU; {HIGH.in_words()}"))
    table = mean_table(scores_frame(rows), "tno", task="efficiency", numbers=numbers)
    cell = table.cell("hurried", metric)
    counted = metric in ("params_M", "flops_G")  # load does not move a count
    assert cell.mean == 2.5
    assert (cell.rank is not None) is counted
    assert (UNDER_LOAD in cell.reason) is not counted
    assert {table.cell(name, metric).rank for name in "ab"} <= {1, 2, 3}
