"""SegFormer and several segmenters in one run: sizes, normalisation, schedules, ways of scoring, the merged control."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.data.catalogue import open_dataset
from bench.errors import BenchError
from bench.fusion.check_kinds import check_segmenter
from bench.plugin.kinds import SEGMENTERS
from bench.plugin.task import FusedSet, Job, Setting
from bench.train.segmenter_schedule import SegmenterSchedule, short_schedule
from tasks.segmentation import SegmentationTask
from tasks.segmentation.budget import make_budget
from tasks.segmentation.starts import starting_weights

SIZES = {"b0": 3.8, "b1": 13.7, "b2": 27.5, "b3": 47.3}
"""Million parameters, Xie et al., table 1, with the 150 classes of ADE20K."""


@pytest.mark.parametrize(("size", "millions"), SIZES.items())
def test_segformer_has_the_size_of_its_paper(size: str, millions: float) -> None:
    pytest.importorskip("mmengine")
    net, initial = SEGMENTERS.get(f"segformer_{size}")().build(150, seed=0)
    assert sum(weight.numel() for weight in net.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)
    assert initial == "random"


def test_segformer_keeps_the_contract_and_learns_by_adamw() -> None:
    pytest.importorskip("mmengine")
    assert check_segmenter("segformer_b0") == []
    segmenter = SEGMENTERS.get("segformer_b0")()
    paper = segmenter.schedule(SegmenterSchedule(steps=80_000, batch=16))
    assert (paper.optimiser, paper.rate, paper.power, paper.weight_decay) == ("adamw", 6e-5, 1.0, 0.01)
    assert paper.warmup * paper.steps == pytest.approx(1500)
    assert (paper.steps, paper.batch) == (80_000, 16)
    short = short_schedule(steps=900, batch=4)
    assert segmenter.schedule(short) == replace(short, rate=5e-4, warmup_from=5e-5)


def test_every_segmenter_says_what_it_does_to_images_first() -> None:
    for name in SEGMENTERS.names():
        assert SEGMENTERS.get(name).normalisation, name
    assert "0.485" in SEGMENTERS.get("segformer_b0").normalisation
    assert "as they are" in SEGMENTERS.get("banet").normalisation


def test_weights_that_are_not_free_are_taken_where_a_user_put_them_and_never_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mmengine")
    from bench.weights import backbones

    monkeypatch.delenv("BENCH_WEIGHTS", raising=False)
    monkeypatch.setattr(backbones, "_fetch", lambda _: pytest.fail("fetched"))
    budget = make_budget("paper", {"segmenter": "segformer_b0"}).each()[0]
    setting = Setting("paper", {}, "cpu", tmp_path)
    with pytest.raises(BenchError, match=r"no SegFormer/mit_b0\*\.pth below the weights root.*random_backbone=true"):
        starting_weights(budget, setting)
    assert starting_weights(replace(budget, random_backbone=True), setting) is None
    net, _ = SEGMENTERS.get("segformer_b0")().build(9, seed=0)
    path = tmp_path / "SegFormer" / "mit_b0_20220624-7e0fe6dd.pth"
    path.parent.mkdir()
    torch.save(net.get_submodule("model.backbone").state_dict(), path)
    assert starting_weights(budget, setting) == path
    options = {"segmenter": "segformer_b0"}
    assert SegmentationTask().starts_from(Setting("paper", options, "cpu", tmp_path)) == {path.name: path}
    other, initial = SEGMENTERS.get("segformer_b0")().build(9, 1, path)
    assert initial == f"ImageNet ({path.name})"
    pairs = zip(
        net.get_submodule("model.backbone").parameters(),
        other.get_submodule("model.backbone").parameters(),
        strict=True,
    )
    assert all(torch.equal(first, second) for first, second in pairs)
    with pytest.raises(BenchError, match="not this backbone"):
        SEGMENTERS.get("segformer_b1")().build(9, 1, path)


@pytest.fixture
def job(msrs: Path, tmp_path: Path) -> Job:
    dataset = open_dataset("mfnet", msrs)
    parts = {}
    for split in ("train", "test"):
        files = tuple(dataset.listing(split).pairs)
        parts[split] = FusedSet("visible", files, tuple(item.vis_path for item in files))
    options = {"segmenter": "unet,banet", "steps": "2", "batch": "2", "image_scale": "1", "multi_scale": "false"}
    return Job(
        "mfnet", dataset.spec, "visible", parts, tmp_path / "work", "smoke", 0, "cpu", options=options,
        train_precision="float32",
    )  # fmt: skip


def test_several_segmenters_look_in_one_run_and_the_first_speaks(job: Job, tmp_path: Path) -> None:
    task = SegmentationTask()
    rows = [row for row in task.run(job) if row.metric == "mIoU"]
    assert {row.convention.rpartition("/day")[0] or row.convention.rpartition("/night")[0] or row.convention
            for row in rows} == {"single_scale", "banet/single_scale"}  # fmt: skip
    alone = {
        name: {row.convention: row.value for row in task.run(replace(
            job, work_dir=tmp_path / name, options={**job.options, "segmenter": name})) if row.metric == "mIoU"}
        for name in ("unet", "banet")
    }  # fmt: skip
    found = {row.convention: row.value for row in rows}
    assert found["single_scale"] == alone["unet"]["single_scale"]
    assert found["banet/single_scale"] == alone["banet"]["single_scale"]
    resampler = task.resampler(job.work_dir, job.parts["test"].files, job.spec)
    assert resampler is not None
    whole = resampler.statistic(np.ones((1, len(resampler.pairs)), np.int64))[:, 0]
    drawn = dict(zip(resampler.numbers, whole, strict=True))
    for way in ("single_scale", "banet/single_scale"):
        assert drawn["mIoU", "", way] == pytest.approx(found[way])
    control = replace(job, work_dir=tmp_path / "control", method="merged_logits")
    merged = list(task.run_control(control, {"visible": job, "infrared": job}))
    assert {row.convention for row in merged} == {row.convention for row in task.run(job)}
    same = {row.convention: row.value for row in merged if row.metric == "mIoU"}
    assert same == pytest.approx(found)


def test_judges_and_facts_name_every_segmenter() -> None:
    task, options = SegmentationTask(), {"segmenter": "unet,banet"}
    assert task.judges(options) == ("unet", "banet")
    assert task.judges({}) == ()
    facts = task.facts(Setting("quick", options, "cpu"))
    assert facts["segmenter"] == "unet,banet"
    assert set(facts["segmenters"]) == {"unet", "banet"}  # type: ignore[call-overload]
    assert "as they are" in str(facts["normalisation"])
    with pytest.raises(BenchError, match="names one twice"):
        make_budget("quick", {"segmenter": "unet,unet"})
    with pytest.raises(BenchError, match="unknown segmenter"):
        make_budget("quick", {"segmenter": "unet,unnet"}).each()
