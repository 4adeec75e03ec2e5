"""An ablation is a run: its methods are variants with seeds of their own, trained, evaluated, kept and summed up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.cli import app
from bench.errors import BenchError
from bench.plugin.method import TrainRequest
from bench.run.ablation import TASKS, AblationResult, ablate, trials_of
from bench.run.config import RunConfig
from bench.run.stages import sole_writer
from bench.run.units import TaskUnit, TrainUnit
from bench.store.run_folder import Store
from methods.seafusion import SeaFusionMethod

TRAIN = {
    "rounds": "1", "fusion_steps": "2", "segmenter_steps": "2", "fusion_batch": "2", "segmenter_batch": "2",
    "image_scale": "1", "crop": "0.5",
}  # fmt: skip
TASK = {"steps": "2", "batch": "2", "image_scale": "1"}


def ablation(out: Path, data: Path, variants: tuple[str, ...], seeds: int = 1) -> AblationResult:
    options = {f"seafusion.{key}": value for key, value in TRAIN.items()}
    options |= {f"segmentation.{key}": value for key, value in TASK.items()}
    return ablate(RunConfig(
        methods=(), trials=trials_of("seafusion", variants, seeds), datasets=("mfnet",), tasks=TASKS,
        conventions=("standard",), preset="smoke", out=out, data_root=data, device="cpu", executor="inline",
        options=options,
    ))  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("toy_segmenter")
def test_variants_are_compared_over_seeds(msrs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    result = ablation(out, msrs, ("full", "no_semantic_loss", "visible"), 2)
    assert result.failed == []
    rows = result.rows
    assert [(row["variant"], row["seeds"]) for row in rows] == [
        ("full", "2"), ("no_semantic_loss", "2"), ("visible", "2"),
    ]  # fmt: skip
    assert "±" in rows[0]["mIoU single_scale"]
    assert "mIoU joint/single_scale" in rows[0]
    assert "mIoU joint/single_scale" not in rows[1]
    assert float(rows[2]["EN"].split(" ± ")[0]) > 0
    manifest = Store(out).read_manifest()
    assert manifest.complete
    assert {(facts.variant, facts.seed) for facts in manifest.methods.values()} == {
        (variant, seed) for variant in ("full", "no_semantic_loss", "visible") for seed in (0, 1)
    }  # fmt: skip
    trained = {path.parent.parent.name for path in (out / "trained").rglob("weights.safetensors")}
    assert trained >= {"full-0", "full-1", "no_semantic_loss-0", "no_semantic_loss-1"}
    assert (out / "report" / "ablation.html").is_file()
    # a second run does nothing
    monkeypatch.setattr(TaskUnit, "work", None)
    monkeypatch.setattr(TrainUnit, "work", None)
    assert ablation(out, msrs, ("full", "no_semantic_loss", "visible"), 2).rows == rows


@pytest.mark.usefixtures("toy_segmenter")
def test_a_variant_that_fails_is_named_and_the_rest_goes_on(
    msrs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def diverge(request: TrainRequest) -> Path:
        raise BenchError("fusion_loss is nan at step 20")

    with monkeypatch.context() as patch:
        patch.setattr(SeaFusionMethod, "train", diverge)
        result = ablation(out, msrs, ("full", "visible"))
    assert result.failed == ["full-0: training failed: fusion_loss is nan at step 20"]
    assert [row["variant"] for row in result.rows] == ["visible"]
    # what failed is tried again with its own seed and variant, what came out is kept
    seen: list[tuple[str, str, int]] = []
    work, evaluate = TrainUnit.work, TaskUnit.work
    monkeypatch.setattr(
        TrainUnit, "work", lambda unit: seen.append((unit.method, unit.ablation, unit.seed)) or work(unit)
    )
    monkeypatch.setattr(TaskUnit, "work", lambda unit: seen.append((unit.method, "", unit.seed)) or evaluate(unit))
    assert [row["variant"] for row in ablation(out, msrs, ("full", "visible")).rows] == ["full", "visible"]
    assert seen == [("full-0", "full", 0), ("full-0", "", 0)]


def test_two_ablations_in_one_folder_are_refused(msrs: Path, tmp_path: Path) -> None:
    with sole_writer(Store(tmp_path)), pytest.raises(BenchError, match="another bench run is writing here"):
        ablation(tmp_path, msrs, ("visible",))


def test_each_seed_is_that_of_its_training_and_of_its_segmenter(
    msrs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str, int]] = []

    def note(unit: Any) -> dict[str, Any]:
        seen.append((unit.kind, unit.method, unit.seed))
        raise BenchError("only noted")

    monkeypatch.setattr(TrainUnit, "work", note)
    monkeypatch.setattr(TaskUnit, "work", note)
    ablation(tmp_path / "out", msrs, ("no_semantic_loss", "average"), 2)
    assert sorted(seen) == [
        ("segmentation", "average-0", 0), ("segmentation", "average-1", 1),
        ("trained", "no_semantic_loss-0", 0), ("trained", "no_semantic_loss-1", 1),
    ]  # fmt: skip


def test_requests_that_cannot_be_met_are_named(tmp_path: Path) -> None:
    known = tuple(SeaFusionMethod.ablations)
    assert [trial.ablation for trial in trials_of("seafusion")] == list(known)
    with pytest.raises(BenchError, match="average has no ablations"):
        trials_of("average")
    with pytest.raises(BenchError, match="--seeds is 0"):
        trials_of("seafusion", seeds=0)
    with pytest.raises(BenchError, match="variant 'half' is not known, wanted one of full, no_semantic_loss"):
        trials_of("seafusion", ["half"])
    for option, text in (("--preset", "huge"), ("--executor", "moon")):
        with pytest.raises(BenchError, match=f"{option} is '{text}'"):
            app(["ablate", "--out", str(tmp_path / "out"), option, text], standalone_mode=False)
