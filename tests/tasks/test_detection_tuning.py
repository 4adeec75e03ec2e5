"""Detectors that learn on a method's images: windows and boxes together, kill and resume, seeds, judges, controls."""

from __future__ import annotations

import dataclasses
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.data.catalogue import open_dataset
from bench.data.demo import ensure_demo
from bench.data.spec import DatasetSpec, load_datasets
from bench.errors import BenchError
from bench.files import write_atomic
from bench.fusion.check_kinds import check_detector
from bench.images import encode_png
from bench.plugin.kinds import DETECTORS
from bench.plugin.task import FusedSet, Job, Setting
from bench.train import TrainingStopped, run_phases
from bench.types import PairFiles, Score
from tasks.detection import DetectionTask, _files, finetuning
from tasks.detection._ultralytics_tuning import outputs_of
from tasks.detection.finetuning import WEIGHTS
from tasks.detection.settings import read_settings
from tasks.detection.tuning_budget import TuningSchedule
from tasks.detection.tuning_data import Windows, cut_boxes, cut_images, draw_windows, load_stack

if not all(map(find_spec, ("ultralytics", "faster_coco_eval"))):
    pytest.skip("the detection extra is not installed", allow_module_level=True)

OPTIONS = {"finetune": "true", "model": "yolov5nu", "steps": "4", "batch": "2", "seeds": "1"}


@pytest.fixture
def spec() -> DatasetSpec:
    return load_datasets()["demo"]


def make_part(folder: Path, split: str, names: list[str]) -> FusedSet:
    """Dark images with a bright rectangle, which is the one box."""
    files, paths = [], []
    for place, name in enumerate(names):
        image = np.full((64, 96, 3), 40, np.uint8)
        left, top = 8 + 6 * place, 10 + 3 * place
        image[top : top + 30, left : left + 24] = 220
        path, labels = folder / split / f"{name}.png", folder / split / f"{name}.txt"
        write_atomic(path, encode_png(image))
        labels.write_text(f"{2 * (place % 2)} {(left + 12) / 96} {(top + 15) / 64} {24 / 96} {30 / 64}\n")
        tags = ("day",) if place % 2 else ("night",)
        files.append(PairFiles("demo", split, name, path, path, boxes_path=labels, tags=tags))
        paths.append(path)
    return FusedSet("mine", tuple(files), tuple(paths))


@pytest.fixture
def job(tmp_path: Path, spec: DatasetSpec) -> Job:
    parts = {
        "train": make_part(tmp_path, "train", ["00001D", "00002N", "00003D", "00004N"]),
        "detection": make_part(tmp_path, "detection", ["1", "2", "3"]),
    }
    return Job("demo", spec, "mine", parts, tmp_path / "work", "quick", 0, "cpu", seen=frozenset(), options=OPTIONS)


def moved(job: Job, to: Path, **changes: Any) -> Job:
    return dataclasses.replace(job, work_dir=to, **changes)


def run(job: Job) -> list[Score]:
    return list(DetectionTask().run(job))


def values(rows: list[Score]) -> dict[tuple[str, str, str], float | None]:
    return {(row.metric, row.convention, row.label): row.value for row in rows if not row.pair}


# ------------------------------------------------------------------ windows


def test_boxes_follow_the_pixels_into_every_window(job: Job, spec: DatasetSpec) -> None:
    data = load_stack(job.parts["train"], spec, [0, 2], torch.device("cpu"), 640, 32)
    schedule = TuningSchedule(steps=1, epochs=0, batch=4, crop=0.8, jitter=0.0)
    random, seen = np.random.default_rng(1), 0
    for _ in range(10):
        windows = draw_windows(random, data.boxes, schedule, (64, 96), 32)
        images, boxes = cut_images(data.images, windows), cut_boxes(data.boxes, windows)
        assert images.shape == (4, 3, 64, 64)
        for place, _, x, y, width, height in boxes.tolist():
            bright = np.argwhere(images[int(place), 0].numpy() > 0.5)
            low, high = bright.min(axis=0), bright.max(axis=0) + 1
            wanted = 64 * np.array([y - height / 2, x - width / 2, y + height / 2, x + width / 2])
            assert np.concatenate([low, high]) == pytest.approx(wanted, abs=1.01)
            seen += 1
    assert seen > 25


def test_aimed_windows_hold_the_middle_of_an_object(job: Job, spec: DatasetSpec) -> None:
    data = load_stack(job.parts["train"], spec, [0, 2], torch.device("cpu"), 640, 32)
    corner = [np.array([[0, 2, 2, 10, 10]], np.float32)] * 4
    counts = {}
    for aimed in (0.0, 1.0):
        schedule = TuningSchedule(steps=1, epochs=0, batch=4, crop=0.4, aimed=aimed, zoom=(1.0, 2.0))
        random, counts[aimed] = np.random.default_rng(2), 0
        for boxes in (data.boxes, corner):
            for _ in range(25):
                windows = draw_windows(random, boxes, schedule, (64, 96), 32)
                room = np.array((96, 64)) * windows.zoom[:, None] - 32
                assert (windows.corner >= 0).all()
                assert (windows.corner <= room + 1e-3).all(), "windows lie within their canvas"
                for place in range(4):
                    x, y = (boxes[place][0, 1:3] + boxes[place][0, 3:5]) / 2 * windows.zoom[place]
                    inside = (windows.corner[place] <= (x, y)) & ((x, y) <= windows.corner[place] + 32)
                    counts[aimed] += bool(inside.all())
    assert counts[1.0] == 200
    assert counts[0.0] < 120
    nothing = [np.zeros((0, 5), np.float32)] * 4
    assert draw_windows(random, nothing, schedule, (64, 96), 32).corner.shape == (4, 2)


@pytest.mark.parametrize("model", ["yolov5nu", "yolov10n", "yolo26n"])
def test_an_untrained_network_expects_boxes_of_a_few_cells(model: str) -> None:
    """So that objects overlap with what it expects, without which nothing is learned from them."""
    detector = DETECTORS.get("ultralytics").tunable(model, None, "cpu", {0: "person", 2: "car"}, 0)
    with torch.no_grad():
        output: Any = detector.net.eval()(torch.full((1, 3, 64, 96), 0.4))
    sides = (output[0] if isinstance(output, tuple) else output)[0, 2:4]
    assert sides.shape[1] == 8 * 12 + 4 * 6 + 2 * 3
    for place, stride in ((0, 8), (8 * 12, 16), (8 * 12 + 4 * 6, 32)):
        assert (sides[:, place] / stride).tolist() == pytest.approx([4, 4], abs=0.2)


def test_what_lies_beyond_the_canvas_is_grey_and_boxes_outside_are_left_out(job: Job, spec: DatasetSpec) -> None:
    data = load_stack(job.parts["train"], spec, [0, 2], torch.device("cpu"), 640, 32)
    beside = Windows(
        zoom=np.ones(1, np.float32), corner=np.array([[96.0, 0.0]], np.float32), flip=np.zeros(1, bool),
        colour=np.ones((1, 3), np.float32), size=(64, 64), canvas=(64, 96),
    )  # fmt: skip
    assert cut_boxes(data.boxes[:1], beside).shape == (0, 6)
    picture = cut_images(data.images[:1], beside)
    assert picture[..., 1:].min() == pytest.approx(114 / 255)
    assert picture[..., 1:].max() == pytest.approx(114 / 255)


def test_images_of_several_sizes_share_a_grey_canvas(tmp_path: Path, job: Job, spec: DatasetSpec) -> None:
    part = job.parts["train"]
    write_atomic(part.paths[0], encode_png(np.full((100, 200, 3), 200, np.uint8)))
    data = load_stack(part, spec, [0, 2], torch.device("cpu"), 100, 32)
    assert data.images.shape == (4, 3, 64, 128)  # 200 wide is shrunk to 100
    assert data.boxes[0][0, 1:].tolist() == pytest.approx([8 / 96 * 100 + 14, 10 / 64 * 50 + 7, 32 / 96 * 100 + 14,
                                                           40 / 64 * 50 + 7], abs=1e-3)  # fmt: skip
    assert data.images[0, 0, 0, 0] == 114


# ------------------------------------------------------------------ learning


def test_a_training_that_is_stopped_goes_on_to_the_same_weights_and_numbers(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(moved(job, tmp_path / "whole"))
    broken = moved(job, tmp_path / "broken")
    with monkeypatch.context() as patch:
        patch.setattr(finetuning, "run_phases", partial(run_phases, stop_after=2))
        with pytest.raises(TrainingStopped):
            run(broken)
    assert len(list((tmp_path / "broken").rglob("checkpoint.pt"))) == 1
    assert values(run(broken)) == values(whole)
    first, second = (next((tmp_path / name).rglob(WEIGHTS)).read_bytes() for name in ("whole", "broken"))
    assert first == second
    monkeypatch.setattr(finetuning, "run_phases", lambda *_, **__: pytest.fail("trained again"))
    assert values(run(broken)) == values(whole)


def test_seeds_give_a_mean_and_its_deviation_and_the_detector_before_it_learned_stands_beside(job: Job) -> None:
    rows = values(run(dataclasses.replace(job, options={**OPTIONS, "seeds": "2"})))
    assert rows["seeds", "coco", ""] == 2
    assert ("AP@0.5 std", "coco", "all") in rows
    assert ("AP@0.5", "untuned/coco", "all") in rows
    assert ("AP@0.5 std", "untuned/coco", "all") not in rows
    assert {convention for _, convention, _ in rows} >= {
        "coco", "coco/unseen", "coco/unseen/day", "coco/unseen/night", "coco/unseen/small", "yolov5", "yolov5_val",
        "untuned/coco/unseen",
    }  # fmt: skip
    each = [values(run(moved(job, job.work_dir / str(seed), seed=seed)))["AP@0.5", "coco", "all"] for seed in (0, 1)]
    assert rows["AP@0.5", "coco", "all"] == pytest.approx(np.mean(each))
    assert rows["AP@0.5 std", "coco", "all"] == pytest.approx(np.std(each, ddof=1))
    every = DetectionTask().resamplers(job.work_dir, job.parts["detection"].files, job.spec)[-1]
    drawn = dict(zip(every.numbers, every.statistic(np.ones((1, 3), np.int64))[:, 0], strict=True))
    for (metric, label, convention), number in drawn.items():
        assert number == pytest.approx(rows[metric, convention, label], abs=1e-9), (metric, label, convention)
    assert len(every.runs) == 2


def test_scenes_that_the_detector_learned_from_are_no_unseen_ones(job: Job) -> None:
    train, scored = job.parts["train"], job.parts["detection"]
    names = ("00001D", "8", "9")
    files = tuple(dataclasses.replace(one, id=name) for one, name in zip(scored.files, names, strict=True))
    parts = {"train": train, "detection": dataclasses.replace(scored, files=files)}
    rows = values(run(dataclasses.replace(job, parts=parts)))
    assert (rows["pictures", "coco", ""], rows["pictures", "coco/unseen", ""]) == (3, 2)


def test_a_second_judge_has_ways_of_its_own_and_the_control_follows_every_judge(job: Job, tmp_path: Path) -> None:
    options = {**OPTIONS, "model": "yolov5nu,yolov8n", "steps": "2"}
    sources = {name: moved(job, tmp_path / name, options=options) for name in ("visible", "infrared")}
    for one in sources.values():
        rows = values(run(one))
        assert ("AP@0.5", "yolov8n/coco/unseen", "all") in rows
        assert ("AP@0.5", "yolov8n/untuned/coco", "all") in rows
    control = moved(job, tmp_path / "merged", options=options, method="merged_boxes")
    merged = values(list(DetectionTask().run_control(control, sources)))
    assert {way for _, way, _ in merged} == {way for _, way, _ in rows}
    found = DetectionTask().resamplers(control.work_dir, job.parts["detection"].files, job.spec)
    assert ("AP@0.5", "all", "yolov8n/coco") in found[-1].numbers


def test_where_weights_are_absent_learning_starts_at_random_and_paper_wants_that_said(job: Job, tmp_path: Path) -> None:
    task, setting = DetectionTask(), Setting("quick", OPTIONS, "cpu")
    task.ready(OPTIONS, None)
    with pytest.raises(BenchError, match=r"yolov5nu\.pt not found"):
        task.ready({"model": "yolov5nu"}, tmp_path)
    assert task.starts_from(setting) == {"yolov5nu.pt": None}
    assert task.facts(setting)["start"] == {"yolov5nu": "random weights: none at hand"}
    paper = dataclasses.replace(setting, preset="paper")
    with pytest.raises(BenchError, match=r"yolov5nu\.pt not found.*random_start=true"):
        task.starts_from(paper)
    said = dataclasses.replace(paper, options={**OPTIONS, "random_start": "true"})
    assert task.starts_from(said) == {"yolov5nu.pt": None}
    with pytest.raises(BenchError, match="is no model of this ultralytics"):
        run(dataclasses.replace(job, options={**OPTIONS, "model": "yolov77n"}))


@pytest.mark.filterwarnings("ignore")
def test_a_checkpoint_keeps_its_outputs_and_new_classes_take_free_ones(tmp_path: Path, job: Job) -> None:
    from bench.data.coco import NAMES

    _files.require_ultralytics()
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(1)
    model: Any = DetectionModel("yolov5n.yaml", ch=3, nc=80, verbose=False)
    model.names = dict(enumerate(NAMES))
    for branch in model.model[-1].cv3:
        branch[-1].bias.data.fill_(-2.0)  # so that a random network finds something
    start = tmp_path / "mine.pt"
    torch.save({"model": model}, start)
    classes = {0: "person", 2: "car", 80: "Lamp"}
    assert outputs_of(classes, NAMES, "") == [0, 2, 79]
    assert outputs_of({0: "person"}, ["car", "Person"], "") == [1]
    with pytest.raises(BenchError, match="has 1 outputs for 2 classes"):
        outputs_of({0: "person", 2: "car"}, ["car"], "x.pt")
    detector = DETECTORS.get("ultralytics").tunable(str(start), start, "cpu", classes, 0)
    plain = DETECTORS.get("ultralytics")(str(start), None, "cpu")
    image = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    tuned, before = detector.detect(image, (0, 2))[0], plain.detect(image, (0, 2))[0]
    assert len(before.scores)
    assert (tuned.boxes == before.boxes).all()
    assert set(detector.detect(image, (0, 2, 80))[0].classes.tolist()) == {0, 2, 80}
    rows = run(dataclasses.replace(job, options={**OPTIONS, "model": str(start), "steps": "1"}))
    assert values(rows)["pictures", "coco", ""] == 3


def test_the_contract_of_detectors_asks_what_they_can_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_detector("ultralytics") == []
    assert check_detector("yolov5") == []
    with pytest.raises(BenchError, match="cannot be fine-tuned"):
        DETECTORS.get("yolov5").tunable("yolov5n", None, "cpu", {0: "person"}, 0)
    from tasks.detection._ultralytics_tuning import TunableUltralytics

    monkeypatch.setattr(TunableUltralytics, "loss", lambda *_: torch.tensor(1.0, requires_grad=True) * 2)
    assert check_detector("ultralytics") == [
        "ultralytics: its loss has no gradient in the network, so nothing is learned"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["yolov5su", "yolov8n", "yolov10n", "yolo11n", "rtdetr-l"])
def test_every_family_learns(model: str) -> None:
    detector = DETECTORS.get("ultralytics").tunable(model, None, "cpu", {0: "person", 2: "car"}, 0)
    detector.net.train()
    images = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    loss = detector.loss(images, torch.tensor([[0, 0, 0.5, 0.5, 0.4, 0.5], [1, 1, 0.3, 0.4, 0.3, 0.3]]))
    torch.autograd.backward(loss)
    assert torch.isfinite(loss)
    found = detector.net.eval() and detector.detect(images[:1], (0, 2))[0]
    assert set(found.classes.tolist()) <= {0, 2}


def test_sources_and_average_stand_beside_where_detectors_learn() -> None:
    task = DetectionTask()
    assert task.stands_beside({}) == ()
    assert task.stands_beside(OPTIONS) == ("visible", "infrared", "average")
    assert task.judges({"model": "yolov5nu,yolov8n"}) == ("yolov5nu", "yolov8n")
    assert "trained" in task.about_under(OPTIONS)
    assert task.about_under({}) == task.about


def test_the_budget_is_the_same_for_all_and_can_be_set() -> None:
    assert read_settings(OPTIONS).schedule("quick").total(100) == 4
    by_epochs = read_settings({"finetune": "true", "epochs": "3", "batch": "8"}).schedule("quick")
    assert by_epochs.total(100) == 38
    assert by_epochs.learning_rate(38, 38) == 0.0
    rates = [by_epochs.learning_rate(step, 38) for step in range(38)]
    assert max(rates) <= by_epochs.rate
    assert rates[0] < rates[3] > rates[-1] > 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_quick_teaches_an_untrained_detector_to_find_what_the_demo_scenes_show(tmp_path: Path) -> None:
    """On the infrared images alone; AP@0.5 was 0.75 on one processor, and 0 before it learned."""
    ensure_demo(tmp_path, seed=0)
    demo = open_dataset("demo", tmp_path)
    parts = {}
    for part in ("train", "detection"):
        files = demo.listing(part).pairs
        parts[part] = FusedSet("infrared", files, tuple(one.ir_path for one in files))
    options = {"finetune": "true", "model": "yolov5nu", "seeds": "1", "pictures": "false"}
    job = Job(
        "demo", demo.spec, "infrared", parts, tmp_path / "work", "quick", 0, "cpu", seen=frozenset(), options=options
    )
    rows = values(run(job))
    assert rows["AP@0.5", "coco", "all"] > 0.4
    assert rows["AP@0.5", "untuned/coco", "all"] < 0.05
