"""The ablation runner: every variant is trained, evaluated, kept, and summed up with its spread over seeds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bench.ablation import Ablation, ablation_command, known_variants, run_ablation, table
from bench.datasets import open_dataset
from bench.types import BenchError
from methods.seafusion import SeaFusionMethod

TRAIN = (
    ("rounds", "1"), ("fusion_steps", "2"), ("segmenter_steps", "2"), ("fusion_batch", "2"), ("segmenter_batch", "2"),
    ("image_scale", "1"), ("crop", "0.5"), ("precision", "float32"),
)  # fmt: skip
TASK = {"steps": "2", "batch": "2", "image_scale": "1", "precision": "float32"}


@pytest.mark.slow
@pytest.mark.usefixtures("toy_segmenter")
def test_variants_are_compared_over_seeds(msrs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ablation = Ablation(
        open_dataset("mfnet", msrs), "smoke", (0, 1), tmp_path, ("full", "no_semantic_loss", "visible"),
        options=TRAIN, task_options=TASK,
    )  # fmt: skip
    rows = run_ablation(ablation)
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
    # a second run trains nothing
    monkeypatch.setattr("methods._training.seafusion.run_phases", None)
    assert run_ablation(ablation) == rows


def test_the_table_takes_mean_and_spread() -> None:
    common = {"variant": "full", "task": "segmentation", "convention": "single_scale", "label": ""}
    scores = [{**common, "seed": seed, "metric": "mIoU", "value": value} for seed, value in ((0, 0.5), (1, 0.6))]
    scores += [{**common, "seed": 0, "metric": "IoU", "label": "car", "value": 0.25}]
    scores += [{**common, "seed": 1, "metric": "IoU", "label": "car", "value": None}]
    row = table(pd.DataFrame(scores))[0]
    assert row["mIoU single_scale"] == "55.00 ± 7.07"
    assert row["car"] == "25.00"
    assert row["EN"] == ""


def test_requests_that_cannot_be_met_are_named(msrs: Path, tmp_path: Path) -> None:
    assert known_variants("seafusion") == SeaFusionMethod.variants
    with pytest.raises(BenchError, match="average has no ablations"):
        known_variants("average")
    with pytest.raises(BenchError, match="--seeds is 0"):
        ablation_command("mfnet", "smoke", [], 0, tmp_path, msrs, "cpu", None)
    with pytest.raises(BenchError, match="--preset is 'huge'"):
        ablation_command("mfnet", "huge", [], 1, tmp_path, msrs, "cpu", None)
    with pytest.raises(BenchError, match="variant 'half' is not known, wanted one of full, no_semantic_loss"):
        ablation_command("mfnet", "smoke", ["half"], 1, tmp_path, msrs, "cpu", None)
