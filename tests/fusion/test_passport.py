"""The latency passport: steps, percentiles, forms that are not offered, what a form changes, energy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from made_data import write_pairs
from small_method import Small

from bench.errors import BenchError
from bench.fusion import forms, load, passport
from bench.fusion.efficiency import row_of
from bench.fusion.energy import Counter, Meter, meter_of, rapl_counters
from bench.fusion.export import SIX
from bench.fusion.forms import in_form
from bench.fusion.harness import Fuser
from bench.fusion.passport import RUN, STEPS, PassportOrder, read_passport
from bench.fusion.passport import passport as measure
from bench.fusion.peak import peak_memory
from bench.fusion.subject import random_pair
from bench.memory import retained_memory
from bench.types import PairFiles, Score
from tasks.efficiency import EfficiencyTask

SIZE = ((48, 64),)
QUIET = PassportOrder((), SIZE, repeats=3)


@pytest.fixture(autouse=True)
def _calm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load.Watch, "load", lambda _: load.Load(1.0, 0.0, 2))


@pytest.fixture
def files(tmp_path: Path) -> list[PairFiles]:
    return write_pairs(tmp_path, [(40, 50), (90, 60)])


def rows_of(files: Sequence[PairFiles], order: PassportOrder, meter: Meter | None = None) -> list[Score]:
    fuser = Fuser(Small())
    return list(measure(fuser, files, row_of(fuser, files), order, meter))


def found(rows: Sequence[Score], form: str = RUN) -> dict[str, Score]:
    return {row.metric: row for row in rows if row.convention == form}


def test_every_step_has_its_percentiles_and_they_add_up(files: list[PairFiles]) -> None:
    rows = found(rows_of(files, PassportOrder((), SIZE, repeats=12)))
    values = {name: row.value for name, row in rows.items()}
    for step in (*STEPS, "total"):
        assert 0 < values[f"{step}_ms_median"] <= values[f"{step}_ms_p95"]  # type: ignore[operator]
    assert sum(values[f"{step}_ms_median"] or 0 for step in STEPS) == pytest.approx(values["total_ms_median"], rel=0.5)
    assert values["measurements"] == 12
    assert values["pairs_per_second"] > 0  # type: ignore[operator]
    assert {row.label for row in rows.values()} == {"64x48"}


def test_every_row_names_machine_and_runtime(files: list[PairFiles]) -> None:
    for row in rows_of(files, QUIET):
        if row.status == "ok":
            assert "cores" in row.reason
            assert "computed by torch" in row.reason


def test_the_task_declares_every_number_and_form(files: list[PairFiles]) -> None:
    declared = {number.metric for number in EfficiencyTask.numbers}
    assert {row.metric for row in rows_of(files, PassportOrder(("torch",), SIZE, repeats=2))} <= declared
    assert {f"{step}_ms_p99" for step in (*STEPS, "total")} | {f"change_{name}" for name in SIX} <= declared
    assert set(forms.FORMS) <= set(EfficiencyTask.ways)


def test_a_99th_percentile_wants_300_measurements(files: list[PairFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    few = found(rows_of(files, QUIET))
    assert few["total_ms_p99"].status == "skipped"
    assert "3 measurements, wanted 300" in few["total_ms_p99"].reason
    monkeypatch.setattr(passport, "_once", lambda *_: list(np.arange(6) * 0.001))
    many = found(rows_of(files, PassportOrder((), SIZE, repeats=300)))
    assert many["total_ms_p99"].value == pytest.approx(5.0)
    assert many["infer_ms_p99"].value == pytest.approx(1.0)


def test_the_budget_ends_it(files: list[PairFiles]) -> None:
    rows = found(rows_of(files, PassportOrder((), SIZE, repeats=10_000, seconds=0.0)))
    assert rows["measurements"].value == 2


def test_times_under_load_say_so(files: list[PairFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load.Watch, "load", lambda _: load.Load(0.3, 9.0, 2))
    rows = found(rows_of(files, QUIET))
    assert "measured under load" in rows["total_ms_median"].reason
    assert "measured under load" not in rows["peak_MB"].reason


@pytest.mark.parametrize("form", ["torch_bf16", "openvino_bf16", "openvino_int8", "onnx_int8"])
def test_reduced_precision_is_not_offered_without_its_instructions(
    form: str, files: list[PairFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "fast_instructions", lambda: ())
    monkeypatch.setattr(forms, "require", lambda _: None)
    (row,) = found(rows_of(files, PassportOrder((form,), SIZE, repeats=2)), form).values()
    assert row.status == "skipped"
    assert "not offered here: the processor has none of avx512_bf16" in row.reason


def test_reduced_precision_shows_what_it_changes(files: list[PairFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "fast_instructions", lambda: ("avx512_bf16",))
    fuser = Fuser(Small())
    before = [fuser.fuse_pair(*passport._read(item)) for item in files]
    order = PassportOrder(("torch_bf16", "torch"), ((96, 96),), repeats=2)
    rows = list(measure(fuser, files, row_of(fuser, files), order))
    fast, same = found(rows, "torch_bf16"), found(rows, "torch")
    assert fast["changed_levels"].value > 0  # type: ignore[operator]
    assert fast["psnr_dB"].value > 20  # type: ignore[operator]
    assert fast["change_SF"].value != 0
    assert same["changed_levels"].value == same["changed_share"].value == 0
    after = [fuser.fuse_pair(*passport._read(item)) for item in files]
    assert all(np.array_equal(*each) for each in zip(before, after, strict=True))  # put back as it was


def test_networks_on_other_runtimes_are_timed(files: list[PairFiles]) -> None:
    pytest.importorskip("openvino")
    rows = rows_of(files, PassportOrder(("openvino",), SIZE, repeats=2))
    own = found(rows, "openvino")
    assert own["infer_ms_median"].status == "ok", own["infer_ms_median"].reason
    assert own["changed_levels"].value <= 1  # type: ignore[operator]


@pytest.mark.parametrize("form", ["openvino", "onnx"])
def test_memory_that_a_runtime_keeps_between_pairs_is_the_pairs(form: str) -> None:
    pytest.importorskip("openvino")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    fuser = Fuser(Small())
    tensors = fuser.prepare([random_pair((480, 640), 0)])
    plane = 480 * 640 * 4 / 1e6
    with torch.no_grad(), retained_memory(), in_form(fuser, form, [tensors]):
        for _ in range(2):
            assert peak_memory(fuser, tensors) > 4 * plane


def test_options_are_read_and_wrong_ones_refused() -> None:
    assert read_passport({}, 1.0) is None
    order = read_passport({"passport": "all", "repeats": "5"}, 1.0)
    assert order is not None
    assert order.sizes == ((480, 640), (768, 1024))
    assert set(order.forms) == set(forms.FORMS) - {RUN}
    for options in (
        {"passport": "tensorrt"},
        {"passport": "torch", "sizes": "big"},
        {"passport": "torch", "repeats": "x"},
    ):
        with pytest.raises(BenchError, match=r"option efficiency"):
            read_passport(options, 1.0)


# ------------------------------------------------------------------ energy


def zone(root: Path, name: str, title: str, energy: int, most: int = 1000_000_000) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    for file, text in (("name", title), ("energy_uj", energy), ("max_energy_range_uj", most)):
        (folder / file).write_text(f"{text}\n")
    return folder / "energy_uj"


def test_rapl_adds_packages_and_memory_and_not_what_they_hold(tmp_path: Path) -> None:
    first = zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    core = zone(tmp_path, "intel-rapl:0:0", "core", 1_000_000)
    dram = zone(tmp_path, "intel-rapl:0:1", "dram", 7_000_000)
    second = zone(tmp_path, "intel-rapl:1", "package-1", 0)
    zone(tmp_path, "intel-rapl:2", "psys", 9_000_000)
    meter = meter_of(torch.device("cpu"), tmp_path)
    meter.start()
    for file, energy in ((first, 8_000_000), (core, 99_000_000), (dram, 7_500_000), (second, 250_000)):
        file.write_text(f"{energy}\n")
    assert meter.stop() == pytest.approx(3.0 + 0.5 + 0.25)


def test_a_counter_that_starts_again_is_followed(tmp_path: Path) -> None:
    file = zone(tmp_path, "intel-rapl:0", "package-0", 990_000_000)
    meter = meter_of(torch.device("cpu"), tmp_path)
    meter.start()
    file.write_text("15000000\n")
    assert meter.stop() == pytest.approx(25.0)


def test_a_machine_that_tells_nothing_gives_none(tmp_path: Path, files: list[PairFiles]) -> None:
    unreadable = zone(tmp_path, "intel-rapl:0", "package-0", 1)
    unreadable.unlink()  # as a user without the right to read it sees it
    assert rapl_counters(tmp_path) == []
    row = found(rows_of(files, QUIET, meter_of(torch.device("cpu"), tmp_path)))["energy_J"]
    assert row.status == "skipped"
    assert "RAPL" in row.reason


def test_energy_is_given_for_one_pair(files: list[PairFiles]) -> None:
    counts = iter((10.0, 40.0))
    row = found(rows_of(files, QUIET, Meter([Counter("made", lambda: next(counts))])))["energy_J"]
    assert row.value == pytest.approx(10.0)
