"""A method is trained anew on one set and stands beside its published self."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from bench.errors import BenchError
from bench.run.config import RunConfig
from bench.run.stages import run
from methods.sdnet import SDNetMethod


@pytest.fixture
def quick_training(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """SDNet's training, replaced by one that only notes what it was asked for and leaves random weights."""
    from safetensors.torch import save_file

    asked: list[object] = []

    def train(request: object) -> Path:
        asked.append(request)
        net = SDNetMethod(None, "cpu").net
        torch.manual_seed(5)
        path = request.out / "weights.safetensors"  # type: ignore[attr-defined]
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({key: torch.rand_like(value) * 0.1 for key, value in net.state_dict().items()}, path)
        return path

    monkeypatch.setattr(SDNetMethod, "train", train)
    return asked


def config(msrs: Path, out: Path, shared: Path, **more: object) -> RunConfig:
    values = {"methods": ("sdnet",), "options": {"sdnet.trained_on": "mfnet"}, "preset": "smoke", **more}
    return RunConfig(
        datasets=("mfnet",), tasks=("metrics",), metrics=("EN",), conventions=("standard",), data_root=msrs, out=out,
        weights_root=shared / "weights" / "published", executor="inline", device="cpu", **values,
    )  # fmt: skip


def test_both_stand_side_by_side(msrs: Path, tmp_path: Path, shared: Path, quick_training: list[object]) -> None:
    result = run(config(msrs, tmp_path / "out", shared))
    assert result.failed == []
    scores = pd.read_csv(tmp_path / "out" / "scores.csv")
    assert set(scores["method"]) == {"sdnet", "sdnet-mfnet"}
    assert scores.groupby("method")["value"].mean().nunique() == 2
    methods = json.loads((tmp_path / "out" / "manifest.json").read_text())["methods"]
    assert methods["sdnet-mfnet"]["trained_on"] == ["mfnet"]
    assert methods["sdnet-mfnet"]["origin"] == "trained here"
    assert methods["sdnet"]["origin"] != "trained here"
    assert (tmp_path / "out" / "fused" / "mfnet" / "sdnet-mfnet").is_dir()
    assert len(quick_training) == 1
    again = run(config(msrs, tmp_path / "out", shared))
    assert (again.computed["train"], again.computed["fuse"]) == (0, 0)
    assert len(quick_training) == 1


WRONG = [
    ({"options": {"average.trained_on": "mfnet"}}, "average has no trainer here"),
    ({"options": {"gtf.trained_on": "mfnet"}}, "gtf has no trainer here"),
    ({"preset": None}, "give --preset smoke, quick or paper"),
    ({"options": {"sdnett.trained_on": "mfnet"}}, "sdnet"),
    ({"options": {"visible.trained_on": "demo"}}, "visible has no trainer here"),
]


@pytest.mark.parametrize(("more", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_cannot_be_trained_is_refused(
    msrs: Path, tmp_path: Path, shared: Path, more: dict[str, object], said: str
) -> None:
    with pytest.raises(BenchError, match=said):
        run(config(msrs, tmp_path / "out", shared, **more))
