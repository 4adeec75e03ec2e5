"""The segmentation task: IoU by hand, the published multi-scale convention, retraining, resuming, joint segmenters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from bench.data.catalogue import open_dataset
from bench.data.spec import load_datasets
from bench.errors import BenchError
from bench.plugin.kinds import TASKS
from bench.plugin.task import FusedSet, Job, Segmenter, Setting
from bench.types import PairFiles, Score
from tasks.segmentation import SegmentationTask, runner
from tasks.segmentation.budget import BUDGETS, make_budget
from tasks.segmentation.inference import SCALES, confusion_matrices, predict_multi, predict_single, windows
from tasks.segmentation.scoring import score_rows, score_set
from tasks.segmentation.segmenters.banet import BanetSegmenter

CLASSES = load_datasets()["mfnet"].classes
OPTIONS = {"steps": "6", "batch": "2", "image_scale": "1", "multi_scale": "true", "crop": "1"}

# ------------------------------------------------------------------ numbers


def test_iou_and_accuracy_by_hand() -> None:
    # class 0: 6 right, 2 missed, 1 false; class 1: 3 right, 1 missed, 2 false; class 2 is absent but predicted once
    confusion = np.array([[6, 1, 1], [1, 3, 0], [0, 0, 0]])
    scores = score_set(confusion)
    assert scores.iou[:2] == pytest.approx([6 / 9, 3 / 5])
    assert scores.accuracy[:2] == pytest.approx([6 / 8, 3 / 4])
    assert np.isnan(scores.iou[2])
    assert scores.mean_iou == pytest.approx((6 / 9 + 3 / 5) / 2)
    assert scores.mean_accuracy == pytest.approx(0.75)


def test_matrices_equal_a_plain_count() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 4, (3, 5, 7))
    truth[truth == 3] = 255
    predicted = generator.integers(0, 3, (3, 5, 7))
    wanted = np.zeros((3, 3, 3), int)
    for index in range(3):
        for real, seen in zip(truth[index].ravel(), predicted[index].ravel(), strict=True):
            if real != 255:
                wanted[index, real, seen] += 1
    seen_counts = confusion_matrices(torch.from_numpy(truth), torch.from_numpy(predicted), 3)
    assert np.array_equal(seen_counts.numpy(), wanted)


def test_rows_of_the_set_and_its_parts() -> None:
    files = [
        PairFiles("mfnet", "test", name, Path("x"), Path("y"), tags=(tag,))
        for name, tag in (("a", "day"), ("b", "night"))
    ]
    matrices = np.array([[[4, 0], [0, 0]], [[2, 2], [0, 4]]])
    template = Score("segmentation", "mfnet", "test", "average", "", None)
    rows = {(row.convention, row.metric, row.label): row for row in score_rows(template, "s", files, matrices, "xy")}
    assert rows["s", "IoU", "x"].value == pytest.approx(6 / 8)
    assert rows["s", "mIoU", ""].value == pytest.approx((6 / 8 + 4 / 6) / 2)
    assert rows["s/night", "mAcc", ""].value == pytest.approx((2 / 4 + 4 / 4) / 2)
    absent = rows["s/day", "IoU", "y"]
    assert (absent.value, absent.status) == (None, "skipped")
    assert "no pixel of this class" in absent.reason
    assert rows["s/day", "mIoU", ""].value == 1
    assert rows["s/day", "mIoU", ""].reason == "mean without y, absent from the truth of this part"
    assert len(rows) == 3 * 4


def test_a_set_of_ignored_pixels_has_no_score() -> None:
    template = Score("segmentation", "mfnet", "test", "average", "", None)
    rows = list(score_rows(template, "s", [], np.zeros((1, 2, 2), np.int64), "xy"))
    assert [(row.status, row.value) for row in rows] == [("skipped", None)]


# ------------------------------------------------------------------ multi-scale


def toy_network(seed: int = 0) -> Callable[[Tensor], Sequence[Tensor]]:
    weight = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    return lambda images: (F.conv2d(images, weight, padding=2),)


def plain_multi_scale(net: Callable[[Tensor], Sequence[Tensor]], image: Tensor) -> Tensor:
    """One image after the authors' evaluate.py as the fact sheet words it, window by window."""
    height, width = image.shape[-2:]
    side = min(height, width)
    total = torch.zeros(1, 4, height, width)
    for scale in (0.75, 0.9, 1.0, 1.1, 1.2, 1.25):
        size = (int(height * scale), int(width * scale))
        scaled = F.interpolate(image, size=size, mode="bilinear", align_corners=True)
        top, left = max(0, side - size[0]) // 2, max(0, side - size[1]) // 2
        canvas = torch.zeros(1, 3, max(size[0], side), max(size[1], side))
        canvas[..., top : top + size[0], left : left + size[1]] = scaled
        score = torch.zeros(1, 4, *canvas.shape[-2:])
        stride = math.ceil(side * 5 / 6)
        for row in range(math.ceil((canvas.shape[-2] - side) / stride) + 1):
            for column in range(math.ceil((canvas.shape[-1] - side) / stride) + 1):
                bottom = min(row * stride + side, canvas.shape[-2])
                right = min(column * stride + side, canvas.shape[-1])
                window = canvas[..., bottom - side : bottom, right - side : right]
                straight = net(window)[0].softmax(1)
                mirrored = net(window.flip(-1))[0].softmax(1).flip(-1)
                score[..., bottom - side : bottom, right - side : right] += torch.exp(straight + mirrored)
        score = score[..., top : top + size[0], left : left + size[1]]
        total += F.interpolate(score, size=(height, width), mode="bilinear", align_corners=True)
    return total.argmax(1)


@pytest.mark.parametrize("size", [(24, 32), (32, 24), (20, 20)])
def test_multi_scale_equals_the_plain_procedure(size: tuple[int, int]) -> None:
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    net = toy_network()
    seen = predict_multi(net, images, size)
    for index in range(2):
        assert torch.equal(seen[index], plain_multi_scale(net, images[index : index + 1])[0])
    assert not torch.equal(seen, predict_single(net, images, size))


def test_windows_of_the_published_size() -> None:
    # 640x480 at scale 1.25 is 800x600: rows 0 and 120, columns 0 and 320 of a 480 window, stride 400
    seen = [(rows.start, columns.start) for rows, columns in windows(600, 800, 480)]
    assert seen == [(0, 0), (0, 320), (120, 0), (120, 320)]
    assert SCALES == (0.75, 0.9, 1.0, 1.1, 1.2, 1.25)


def test_answers_come_in_full_size() -> None:
    images = torch.rand(1, 3, 12, 16)
    assert predict_single(toy_network(), images, (24, 32)).shape == (1, 24, 32)
    assert predict_multi(toy_network(), images, (24, 32)).shape == (1, 24, 32)


# ------------------------------------------------------------------ segmenters


def test_banet_is_as_large_as_published() -> None:
    net, initial = BanetSegmenter().build(9, seed=0)
    assert sum(parameter.numel() for parameter in net.parameters()) == 12_894_080
    assert initial == "random"
    groups = BanetSegmenter().parameter_groups(net, 5e-4)
    counts = {(group["weight_decay"], group["lr_scale"]): len(group["params"]) for group in groups}  # type: ignore[arg-type]
    assert counts == {(5e-4, 1.0): 33, (0.0, 1.0): 66, (5e-4, 10.0): 4, (0.0, 10.0): 4}


def test_banet_answers_twice_in_full_size_and_is_seeded() -> None:
    images = torch.rand(2, 3, 40, 56)
    nets = [BanetSegmenter().build(5, seed)[0].eval() for seed in (3, 3, 4)]
    with torch.inference_mode():
        first, second, other = (net(images) for net in nets)
    assert [tuple(output.shape) for output in first] == [(2, 5, 40, 56)] * 2
    assert torch.equal(first[0], second[0])
    assert not torch.equal(first[0], other[0])


# ------------------------------------------------------------------ the task


@pytest.fixture
def job(msrs: Path, tmp_path: Path) -> Job:
    """Six steps on four made training images, the fused image being the visible one."""
    dataset = open_dataset("mfnet", msrs)
    parts = {}
    for split in ("train", "test"):
        files = tuple(
            replace(item, tags=("day" if index % 2 else "night",))
            for index, item in enumerate(dataset.listing(split).pairs)
        )
        parts[split] = FusedSet("visible", files, tuple(item.vis_path for item in files))
    return Job(
        "mfnet",
        dataset.spec,
        "visible",
        parts,
        tmp_path / "work",
        "smoke",
        0,
        "cpu",
        options=OPTIONS,
        train_precision="float32",
    )


def run(job: Job) -> list[Score]:
    return list(SegmentationTask().run(job))


def test_the_registry_finds_the_task() -> None:
    assert TASKS.get("segmentation") is SegmentationTask
    SegmentationTask().check()


def test_a_job_yields_all_rows_and_keeps_its_evidence(job: Job) -> None:
    rows = run(job)
    conventions = {row.convention for row in rows}
    assert conventions == {
        f"{name}{part}" for name in ("single_scale", "multi_scale") for part in ("", "/day", "/night")
    }
    for convention in conventions:
        own = [row for row in rows if row.convention == convention]
        assert [row.label for row in own if row.metric == "IoU"] == list(CLASSES)
        values = [row.value for row in own if row.metric == "IoU" and row.value is not None]
        assert next(row.value for row in own if row.metric == "mIoU") == pytest.approx(np.mean(values))
    kept = np.load(job.work_dir / "confusion.npz")
    assert kept["pairs"].tolist() == [item.id for item in job.parts["test"].files]
    assert kept["single_scale"].sum() == 4 * 48 * 64
    with Image.open(job.work_dir / "predictions" / "single_scale" / f"{kept['pairs'][0]}.png") as picture:
        assert picture.mode == "P"
        predicted = np.asarray(picture)
        assert tuple(picture.convert("RGB").getpixel((0, 0))) == job.spec.palette[predicted[0, 0]]  # type: ignore[arg-type]
    assert kept["single_scale"][0].sum(axis=0).tolist() == np.bincount(predicted.ravel(), minlength=9).tolist()


@pytest.mark.usefixtures("toy_segmenter")
def test_an_interrupted_job_goes_on_to_the_same_scores(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = run(job)
    again = replace(job, work_dir=tmp_path / "again")

    def stop(*arguments: object, **settings: object) -> None:
        run_phases(*arguments, **{**settings, "stop_after": 3})  # type: ignore[arg-type]

    run_phases = runner.run_phases
    monkeypatch.setattr(runner, "run_phases", stop)
    with pytest.raises(BenchError, match="stopped after step 3"):
        run(again)
    monkeypatch.setattr(runner, "run_phases", run_phases)
    assert run(again) == wanted
    monkeypatch.setattr(runner, "run_phases", None)  # a third time nothing is trained
    assert run(again) == wanted


@pytest.mark.usefixtures("toy_segmenter")
def test_other_images_are_trained_anew(job: Job) -> None:
    run(job)
    folder = next(job.work_dir.glob("training-*"))
    infrared = {
        split: replace(part, paths=tuple(item.ir_path for item in part.files)) for split, part in job.parts.items()
    }
    run(replace(job, parts=infrared))
    folders = list(job.work_dir.glob("training-*"))
    assert len(folders) == 1
    assert folders[0] != folder


def test_a_jointly_trained_segmenter_is_scored_too(job: Job, tmp_path: Path, toy_segmenter: type[Segmenter]) -> None:
    net, _ = toy_segmenter().build(9, seed=1)
    facts = {"segmenter": "toy", "classes": "9", "image_scale": "0.5"}
    save_file(net.state_dict(), tmp_path / "segmenter.safetensors", metadata=facts)
    plain = replace(job, options={**OPTIONS, "multi_scale": "false"})
    both = replace(plain, weights=tmp_path / "weights.safetensors")
    task = SegmentationTask()
    assert task.fingerprint(plain) != task.fingerprint(both)
    rows = run(both)
    assert {row.convention for row in rows if row.metric == "mIoU"} == {
        f"{name}{part}" for name in ("single_scale", "joint/single_scale") for part in ("", "/day", "/night")
    }
    assert set(np.load(job.work_dir / "confusion.npz").files) == {
        "pairs", "classes", "single_scale", "joint.single_scale",
    }  # fmt: skip
    save_file(net.state_dict(), tmp_path / "segmenter.safetensors", metadata={**facts, "classes": "5"})
    with pytest.raises(BenchError, match="trained for 5 classes, mfnet has 9"):
        run(both)


@pytest.mark.usefixtures("toy_segmenter")
def test_the_logits_of_both_sources_are_averaged(job: Job, tmp_path: Path) -> None:
    sources = {name: replace(job, method=name, work_dir=tmp_path / name) for name in ("visible", "infrared")}
    rows = {name: run(one) for name, one in sources.items()}
    control = replace(job, method="merged_logits", work_dir=tmp_path / "merged")
    merged = list(SegmentationTask().run_control(control, sources))
    assert {row.method for row in merged} == {"merged_logits"}
    assert (tmp_path / "merged" / "confusion.npz").is_file()

    def values(scores: Sequence[Score]) -> dict[tuple[str, str, str], float | None]:
        return {(row.convention, row.metric, row.label): row.value for row in scores}

    # equal images, equal seeds: the mean of two equal answers is the answer
    assert values(merged) == pytest.approx(values(rows["visible"]), nan_ok=True)


def test_without_labels_there_is_one_skipped_row(job: Job) -> None:
    bare = replace(job.parts["train"], files=tuple(replace(item, label_path=None) for item in job.parts["train"].files))
    rows = run(replace(job, parts={**job.parts, "train": bare}))
    assert [(row.status, row.metric) for row in rows] == [("skipped", "mIoU")]
    assert "no training pair of mfnet has both a fused image and segmentation labels" in rows[0].reason


@pytest.mark.usefixtures("toy_segmenter")
def test_labels_of_another_size_are_named(job: Job, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((10, 12), np.uint8)).save(tmp_path / "small.png")
    files = (replace(job.parts["test"].files[0], label_path=tmp_path / "small.png"), *job.parts["test"].files[1:])
    parts = {**job.parts, "test": replace(job.parts["test"], files=files)}
    with pytest.raises(BenchError, match=r"small\.png: labels of 12x10, wanted the image's 64x48"):
        run(replace(job, parts=parts))


@pytest.mark.usefixtures("toy_segmenter")
def test_the_cost_is_told_in_advance(job: Job) -> None:
    options = {"batch": "2"}
    text = SegmentationTask().estimate_cost(replace(job, preset="paper", options=options))
    assert "preset paper, banet on cpu (float32" in text
    assert "80000 steps of " in text
    assert not job.work_dir.exists()


def test_the_fingerprint_follows_the_settings(job: Job) -> None:
    task = SegmentationTask()
    assert task.fingerprint(job) == task.fingerprint(job)
    for changes in (
        {"preset": "paper", "options": {**OPTIONS, "random_backbone": "true"}},
        {"precision": "fast"},
        {"options": {**OPTIONS, "steps": "7"}},
    ):
        assert task.fingerprint(replace(job, **changes)) != task.fingerprint(job)  # type: ignore[arg-type]


def test_random_weights_of_the_paper_preset_must_be_asked_for(job: Job) -> None:
    with pytest.raises(BenchError, match=r"segmentation, preset paper: .*--option segmentation.random_backbone=true"):
        SegmentationTask().fingerprint(replace(job, preset="paper"))


@pytest.mark.parametrize(
    ("options", "weights"),
    [({}, (1.0, 0.75)), ({"auxiliary": "0.1"}, (1.0, 0.1)), ({"auxiliary": "0"}, (1.0, 0.0))],
)
def test_the_weight_of_the_auxiliary_output_is_an_option_and_a_fact(
    options: dict[str, str], weights: tuple[float, float]
) -> None:
    assert make_budget("quick", options).loss_weights(BanetSegmenter().loss_weights()) == weights
    facts = SegmentationTask().facts(Setting("quick", options, "cpu"))
    assert facts["auxiliary"] == weights[1]
    assert facts["backbone_sha256"] == "random"


def test_the_paper_budget_is_the_published_one() -> None:
    schedule = BUDGETS["paper"].schedule
    assert (schedule.steps, schedule.batch, schedule.image_scale) == (80_000, 16, 1)
    assert (schedule.rate, schedule.momentum, schedule.weight_decay, schedule.power) == (1e-2, 0.9, 5e-4, 0.9)
    assert schedule.warmup * schedule.steps == 1000


@pytest.mark.parametrize(
    ("preset", "options", "message"),
    [
        ("huge", {}, "preset 'huge' is not known"),
        ("quick", {"depth": "3"}, "option 'depth' is unknown"),
        ("quick", {"steps": "many"}, "option steps='many', wanted a whole number"),
        ("quick", {"precision": "half"}, "option 'precision' is unknown"),
        ("quick", {"auxiliary": "-1"}, "wanted a weight of 0 or more"),
        ("quick", {"auxiliary": "nan"}, "wanted a weight of 0 or more"),
        ("quick", {"batch": "1"}, "batch norm needs two"),
    ],
)
def test_settings_that_do_not_fit_are_named(preset: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        make_budget(preset, options)
