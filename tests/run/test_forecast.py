"""Before the published schedules start, a run says what they will cost, and the manifest says what they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bench.errors import BenchError
from bench.run.config import RunConfig
from bench.run.forecast import forecast
from bench.run.stages import Runner, run
from bench.store.run_folder import Store
from tasks.segmentation.task import SegmentationTask


def config(msrs: Path, out: Path, **more: object) -> RunConfig:
    return RunConfig(
        methods=("visible", "average"), datasets=("mfnet",), tasks=("segmentation",), preset="paper", out=out,
        data_root=msrs, device="cpu", executor="inline", **more,
        options={"segmentation.batch": "2", "segmentation.random_backbone": "true"},
    )  # type: ignore[arg-type]  # fmt: skip


def test_the_cost_of_a_task_is_said_for_all_its_methods(msrs: Path, tmp_path: Path) -> None:
    said: list[str] = []
    threads = torch.get_num_threads()
    Runner(config(msrs, tmp_path), Store(tmp_path), (), say=said.append).forecast()
    assert len(said) == 1
    assert "segmentation, preset paper, banet on cpu" in said[0]
    assert "1 threads" in said[0]
    assert "80000 steps of " in said[0]
    assert "2 methods, " in said[0]
    assert torch.get_num_threads() == threads
    assert not (tmp_path / "tasks").exists()


def test_nothing_is_measured_where_all_is_done(msrs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    runner = Runner(config(msrs, tmp_path), Store(tmp_path), (), say=said.append)
    for method in ("visible", "average"):
        line = {"method": method, "key": "any", "status": "ok"}
        Store(tmp_path).journal("segmentation", "mfnet", method).append(line)
    monkeypatch.setattr(SegmentationTask, "estimate_cost", lambda *_: pytest.fail("measured"))
    runner.forecast()
    assert said == []


def test_a_cost_that_cannot_be_known_does_not_end_the_run(
    msrs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise BenchError("labels are broken")

    monkeypatch.setattr(SegmentationTask, "estimate_cost", broken)
    runner = Runner(config(msrs, tmp_path), Store(tmp_path), ())
    assert list(forecast([], list(runner.work.tasks.jobs_ahead()), 2)) == [
        "segmentation: cost not known (labels are broken); 2 methods, 2 at a time"
    ]


def test_the_manifest_says_how_the_segmenter_learns(msrs: Path, tmp_path: Path) -> None:
    run(config(msrs, tmp_path, rerun="none"))
    facts = json.loads((tmp_path / "manifest.json").read_text())["tasks"]["segmentation"]["settings"]
    assert facts["segmenter"] == "banet"
    assert (facts["schedule"]["steps"], facts["schedule"]["batch"]) == (80_000, 2)
    assert facts["backbone"].startswith(("ImageNet", "random"))
