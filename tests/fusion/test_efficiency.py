"""What a method costs: the rows of task efficiency, with numbers that can be known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from made_data import write_pairs
from torch import Tensor, nn

from bench.errors import BenchError
from bench.fusion import efficiency as runtime
from bench.fusion import load
from bench.fusion.efficiency import measure
from bench.fusion.harness import Fuser
from bench.machine import describe_machine
from bench.plugin.method import Method, MethodInfo
from bench.types import PairFiles, Score

SUMMARY = {
    "latency_ms_mean", "latency_ms_std", "latency_ms_median", "latency_ms_p95", "data_ms", "compute_ms", "write_ms",
    "images_per_second", "batch_size", "params_M", "flops_G", "peak_memory_MB",
}  # fmt: skip


class OneLayer(Method):
    """One convolution of 2 to 1 channels, 3x3: 19 parameters, 36 operations per pixel; counts its runs."""

    name = "onelayer"
    info = MethodInfo("OneLayer", 2026, "doi:10.0000/none", "Apache-2.0")

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.net = nn.Conv2d(2, 1, 3, padding=1)
        self.runs: list[tuple[int, ...]] = []

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        self.runs.append(tuple(ir.shape))
        return torch.sigmoid(self.net(torch.cat([ir, vis], dim=1)))


class Classical(Method):
    """No network at all."""

    name = "classical"
    info = MethodInfo("Classical", 2026, "doi:10.0000/none", "Apache-2.0", kind="classical")
    batched = False

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return torch.from_numpy((ir.numpy() + vis.numpy()) / 2)


@pytest.fixture(autouse=True)
def _calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with nothing else to do, whatever runs beside these tests."""
    monkeypatch.setattr(load.Watch, "load", lambda _: load.Load(1.0, 0.0, 2))


@pytest.fixture
def files(tmp_path: Path) -> list[PairFiles]:
    return write_pairs(tmp_path, [(40, 50), (40, 50), (30, 20)])


def numbers(rows: Sequence[Score], convention: str = "") -> dict[str, float | None]:
    return {row.metric: row.value for row in rows if not row.pair and row.convention == convention}


def test_every_pair_and_every_summary_has_its_row_with_the_machine(files: list[PairFiles]) -> None:
    rows = measure(Fuser(OneLayer()), files, label="mine")
    assert [row.pair for row in rows if row.metric == "latency_ms"] == ["0", "1", "2"]
    assert set(numbers(rows)) == SUMMARY
    machine = describe_machine()
    for row in rows:
        assert (row.task, row.dataset, row.split, row.method, row.status) == ("efficiency", "set", "test", "mine", "ok")
        assert row.value is not None
        assert row.value >= 0
        assert machine.cpu in row.reason
        assert machine.torch in row.reason


def test_the_summaries_are_those_of_the_rows(files: list[PairFiles]) -> None:
    rows = measure(Fuser(OneLayer()), files)
    values = np.array([row.value for row in rows if row.metric == "latency_ms"])
    summary = numbers(rows)
    assert summary["latency_ms_mean"] == summary["compute_ms"] == pytest.approx(values.mean())
    assert summary["latency_ms_std"] == pytest.approx(values.std(ddof=1))
    assert summary["latency_ms_median"] == pytest.approx(np.median(values))
    assert summary["latency_ms_p95"] == pytest.approx(np.percentile(values, 95))


def test_parameters_and_operations_are_counted_at_the_most_frequent_size(files: list[PairFiles]) -> None:
    summary = numbers(measure(Fuser(OneLayer()), files))
    assert summary["params_M"] == pytest.approx(19e-6)
    # 2 inputs x 9 taps, two operations per multiply-add, at 40 x 50
    assert summary["flops_G"] == pytest.approx(2 * 2 * 9 * 40 * 50 / 1e9)


def test_a_classical_method_has_no_parameters_and_says_that_operations_cannot_be_counted(
    files: list[PairFiles],
) -> None:
    rows = measure(Fuser(Classical()), files)
    assert numbers(rows)["params_M"] == 0
    flops = next(row for row in rows if row.metric == "flops_G")
    assert (flops.status, flops.value) == ("skipped", None)
    assert flops.reason.startswith("not counted")
    assert numbers(rows)["batch_size"] == 1


def test_each_size_is_warmed_up_before_its_first_timing(
    files: list[PairFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    method = OneLayer()
    monkeypatch.setattr(runtime, "_memory", lambda *_: None)
    monkeypatch.setattr(runtime, "_static", lambda *_: [])
    monkeypatch.setattr(runtime, "_best_batch", lambda *_: [])
    measure(Fuser(method), files)
    assert [shape[-2:] for shape in method.runs] == [(40, 50)] * (runtime.WARM_UP + 2) + [(30, 20)] * (
        runtime.WARM_UP + 1
    )


def test_the_best_batch_is_among_the_sizes_and_the_rate_is_at_least_that_of_one(files: list[PairFiles]) -> None:
    method = OneLayer()
    summary = numbers(measure(Fuser(method), files))
    assert summary["batch_size"] in (1, *runtime.BATCH_SIZES)
    assert {shape[0] for shape in method.runs} >= {1, 2}
    assert summary["images_per_second"] is not None
    assert summary["latency_ms_median"] is not None
    assert summary["images_per_second"] >= 0.999 * 1000 / summary["latency_ms_median"]


def test_running_out_of_memory_ends_the_search_for_a_batch(files: list[PairFiles]) -> None:
    class Small(OneLayer):
        def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
            if len(ir) > 1:
                raise RuntimeError("out of memory")
            return super().fuse(ir, vis)

    assert numbers(measure(Fuser(Small()), files))["batch_size"] == 1


def test_timing_stops_at_its_budget(files: list[PairFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "LEAST_PAIRS", 2)
    rows = measure(Fuser(OneLayer()), files, budget_s=0.0)
    assert [row.pair for row in rows if row.metric == "latency_ms"] == ["0", "1"]


def test_a_pair_that_cannot_be_read_is_a_failed_row(files: list[PairFiles]) -> None:
    files[0].ir_path.write_bytes(b"no image")
    rows = measure(Fuser(OneLayer()), files)
    failed = [row for row in rows if row.status == "failed"]
    assert [(row.pair, row.metric) for row in failed] == [("0", "latency_ms")]
    assert str(files[0].ir_path) in failed[0].reason
    assert set(numbers(rows)) == SUMMARY


def test_a_method_that_always_fails_gives_only_failed_rows(files: list[PairFiles]) -> None:
    class Broken(OneLayer):
        def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
            raise ValueError("never works")

    rows = measure(Fuser(Broken()), files)
    assert [row.status for row in rows] == ["failed"] * 3
    assert all("never works" in row.reason for row in rows)


def test_variants_are_rows_of_their_own_with_the_change_they_make(files: list[PairFiles]) -> None:
    fuser = Fuser(OneLayer())
    rows = measure(fuser, files, variants=("plain", "fast_bf16"))
    plain, fast = numbers(rows, "plain"), numbers(rows, "fast_bf16")
    assert plain["max_difference"] in (0.0, 1.0)
    assert fast["max_difference"] is not None
    assert 0 <= fast["max_difference"] <= 3
    assert {"latency_ms_mean", "latency_ms_median", "data_ms", "write_ms"} <= set(fast)
    assert "max_difference" not in numbers(rows)
    assert fuser.precision == "exact"
    assert fuser.layout == torch.channels_last


def test_a_variant_that_cannot_be_made_is_skipped_and_says_why(
    files: list[PairFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "compile_fuser", lambda *_: (0.1, "not compiled: no compiler"))
    rows = [row for row in measure(Fuser(OneLayer()), files, variants=("compiled",)) if row.convention == "compiled"]
    assert [(row.metric, row.status, row.reason) for row in rows] == [
        ("latency_ms_mean", "skipped", "not compiled: no compiler")
    ]


def test_wrong_requests_are_named(files: list[PairFiles]) -> None:
    with pytest.raises(BenchError, match="no pairs to time"):
        measure(Fuser(OneLayer()), [])
    with pytest.raises(BenchError, match=r"'fp8' is unknown, wanted some of plain, fast_bf16, compiled"):
        measure(Fuser(OneLayer()), files, variants=("fp8",))


def test_options_are_read_and_checked() -> None:
    assert runtime.read_options({}) == ((), runtime.BUDGET_S)
    assert runtime.read_options({"variants": "plain, compiled", "seconds": "5"}) == (("plain", "compiled"), 5.0)
    for options, text in (({"variants": "int8"}, "int8"), ({"seconds": "soon"}, "a number"), ({"speed": "1"}, "speed")):
        with pytest.raises(BenchError, match=text):
            runtime.read_options(options)


def test_memory_that_a_method_takes_is_seen(files: list[PairFiles]) -> None:
    class Hungry(OneLayer):
        def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
            block = torch.ones(20_000_000)
            for _ in range(10):  # long enough to be looked at
                block += 1
            return super().fuse(ir, vis)

    memory = numbers(measure(Fuser(Hungry()), files[:1]))["peak_memory_MB"]
    assert memory is not None
    assert 60 < memory < 200


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_compiled_form_is_timed_and_equal_up_to_rounding(files: list[PairFiles]) -> None:
    rows = measure(Fuser(OneLayer()), files, variants=("compiled",))
    compiled = numbers(rows, "compiled")
    reasons = [row.reason for row in rows if row.convention == "compiled" and row.status == "skipped"]
    if reasons:
        pytest.skip(reasons[0])
    assert compiled["compile_s"] is not None
    assert compiled["compile_s"] > 0
    assert compiled["max_difference"] in (0.0, 1.0)


def test_the_machine_is_described_the_same_way_each_time() -> None:
    machine = describe_machine()
    assert machine == describe_machine()
    assert machine.cpu
    assert machine.cores >= 1
    assert machine.memory_gb > 0
    assert machine.torch == torch.__version__
    assert machine.packages["numpy"] == np.__version__
