"""The ablation runner: every variant is trained, evaluated, kept, and summed up with its spread over seeds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bench.data.catalogue import open_dataset
from bench.errors import BenchError
from bench.plugin.method import TrainRequest
from bench.run.ablation import Ablation, AblationUnit, ablation_command, known_variants, run_ablation, table
from bench.run.stages import sole_writer
from bench.store.run_folder import Store
from methods.seafusion import SeaFusionMethod

TRAIN = (
    ("rounds", "1"), ("fusion_steps", "2"), ("segmenter_steps", "2"), ("fusion_batch", "2"), ("segmenter_batch", "2"),
    ("image_scale", "1"), ("crop", "0.5"),
)  # fmt: skip
TASK = {"steps": "2", "batch": "2", "image_scale": "1"}


@pytest.mark.slow
@pytest.mark.usefixtures("toy_segmenter")
def test_variants_are_compared_over_seeds(msrs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ablation = Ablation(
        open_dataset("mfnet", msrs), "smoke", (0, 1), tmp_path, ("full", "no_semantic_loss", "visible"),
        options=TRAIN, task_options=TASK, executor="inline",
    )  # fmt: skip
    result = run_ablation(ablation)
    assert result.failed == []
    rows = result.rows
    assert [(row["variant"], row["seeds"]) for row in rows] == [
        ("full", "2"), ("no_semantic_loss", "2"), ("visible", "2"),
    ]  # fmt: skip
    assert "±" in rows[0]["mIoU single_scale"]
    assert "mIoU joint/single_scale" in rows[0]
    assert "mIoU joint/single_scale" not in rows[1]
    assert float(rows[2]["EN"].split(" ± ")[0]) > 0
    frame = pd.read_csv(tmp_path / "ablation.csv", keep_default_na=False)
    assert set(frame["seed"]) == {0, 1}
    assert (tmp_path / "trained" / "full-1" / "weights.safetensors").is_file()
    # a second run does nothing
    monkeypatch.setattr(AblationUnit, "work", None)
    assert run_ablation(ablation).rows == rows


@pytest.mark.usefixtures("toy_segmenter")
def test_a_variant_that_fails_is_named_and_the_rest_goes_on(
    msrs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ablation = Ablation(
        open_dataset("mfnet", msrs), "smoke", (0,), tmp_path, ("full", "visible"), options=TRAIN, task_options=TASK,
        executor="inline",
    )  # fmt: skip

    def diverge(request: TrainRequest) -> Path:
        raise BenchError("fusion_loss is nan at step 20")

    with monkeypatch.context() as patch:
        patch.setattr(SeaFusionMethod, "train", diverge)
        result = run_ablation(ablation)
    assert result.failed == ["full-0: fusion_loss is nan at step 20"]
    assert [row["variant"] for row in result.rows] == ["visible"]
    # what failed is tried again, what came out is kept
    seen: list[str] = []
    work = AblationUnit.work
    monkeypatch.setattr(AblationUnit, "work", lambda unit: seen.append(unit.method) or work(unit))
    assert [row["variant"] for row in run_ablation(ablation).rows] == ["full", "visible"]
    assert seen == ["full-0"]


def test_two_ablations_in_one_folder_are_refused(msrs: Path, tmp_path: Path) -> None:
    ablation = Ablation(open_dataset("mfnet", msrs), "smoke", (0,), tmp_path, ("visible",), executor="inline")
    with sole_writer(Store(tmp_path)), pytest.raises(BenchError, match="another bench run is writing here"):
        run_ablation(ablation)


def test_the_table_takes_mean_and_spread() -> None:
    common = {
        "variant": "full", "task": "segmentation", "dataset": "demo", "split": "test", "method": "full", "pair": "",
        "convention": "single_scale", "label": "", "status": "ok", "reason": "",
    }  # fmt: skip
    scores = [{**common, "seed": seed, "metric": "mIoU", "value": value} for seed, value in ((0, 0.5), (1, 0.6))]
    scores += [{**common, "seed": 0, "metric": "IoU", "label": "car", "value": 0.25}]
    scores += [{**common, "seed": 1, "metric": "IoU", "label": "car", "value": None, "status": "skipped"}]
    row = table(pd.DataFrame(scores))[0]
    assert row["mIoU single_scale"] == "55.00 ± 7.07"
    assert row["car"] == "25.00"
    assert row["EN"] == ""


def test_requests_that_cannot_be_met_are_named(msrs: Path, tmp_path: Path) -> None:
    assert known_variants("seafusion") == SeaFusionMethod.ablations
    with pytest.raises(BenchError, match="average has no ablations"):
        known_variants("average")
    with pytest.raises(BenchError, match="--seeds is 0"):
        ablation_command("mfnet", "smoke", [], 0, tmp_path, msrs, "cpu")
    with pytest.raises(BenchError, match="--preset is 'huge'"):
        ablation_command("mfnet", "huge", [], 1, tmp_path, msrs, "cpu")
    with pytest.raises(BenchError, match="variant 'half' is not known, wanted one of full, no_semantic_loss"):
        ablation_command("mfnet", "smoke", ["half"], 1, tmp_path, msrs, "cpu")
    with pytest.raises(BenchError, match="--executor is 'moon'"):
        ablation_command("mfnet", "smoke", [], 1, tmp_path, msrs, "cpu", executor="moon")
