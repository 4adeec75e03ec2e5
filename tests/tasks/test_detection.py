"""The detection task as a run uses it: rows, the leak, what is kept, and what is said when something is wrong."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from bench.data.spec import DatasetSpec, load_datasets
from bench.errors import BenchError
from bench.files import write_atomic
from bench.images import encode_png, image_size, read_image
from bench.plugin.kinds import DETECTORS, TASKS
from bench.plugin.task import Detections, FusedSet, Job
from bench.types import PairFiles, Score
from tasks.detection import DetectionTask, draw, looking
from tasks.detection import task as module
from tasks.detection.average_precision import Truth
from tasks.detection.settings import read_settings

if not all(map(find_spec, ("ultralytics", "faster_coco_eval"))):
    pytest.skip("the detection extra is not installed", allow_module_level=True)

LABELS = {"1": "0 0.5 0.5 0.2 0.4\n2 0.25 0.5 0.25 0.25\n", "131": "0 0.5 0.5 0.2 0.4\n7 0.1 0.1 0.1 0.1\n", "69": "\n"}
"""A pair of the training part, one of the test part, and one without a box."""


@pytest.fixture(scope="module")
def spec() -> DatasetSpec:
    return load_datasets()["mfnet"]


@pytest.fixture
def job(tmp_path: Path, spec: DatasetSpec) -> Job:
    files, paths = [], []
    random = np.random.default_rng(0)
    for name, text in LABELS.items():
        labels, image = tmp_path / f"{name}.txt", tmp_path / f"{name}.png"
        labels.write_text(text)
        write_atomic(image, encode_png(random.integers(0, 256, (60, 80, 3), dtype=np.uint8)))
        files.append(PairFiles("mfnet", "detection", name, image, image, boxes_path=labels))
        paths.append(image)
    part = FusedSet("mine", tuple(files), tuple(paths))
    work = tmp_path / "work"
    work.mkdir()
    return Job(
        "mfnet", spec, "mine", {"detection": part}, work, "quick", 0, "cpu", seen=frozenset({("detection", "1")})
    )


class Perfect:
    """Finds what the labels say; counts how often it is asked."""

    def __init__(self, part: FusedSet) -> None:
        self.part, self.calls = part, 0

    def detect(self, images: Any, classes: Sequence[int] | None = None) -> list[Detections]:
        files = self.part.files[self.calls]
        self.calls += 1
        truth = module.read_truth(files, load_datasets()["mfnet"], *image_size(files.vis_path))
        kept = np.isin(truth.classes, list(classes or ()))
        boxes = truth.boxes[kept].astype(np.float32)
        return [Detections(boxes, np.linspace(0.9, 0.8, len(boxes)).astype(np.float32), truth.classes[kept])]


@pytest.fixture
def perfect(job: Job, monkeypatch: pytest.MonkeyPatch) -> Perfect:
    detector = Perfect(job.parts["detection"])
    monkeypatch.setattr(looking, "make_detector", lambda *_: detector)
    return detector


def value(rows: Sequence[Score], metric: str, convention: str, label: str) -> Score:
    found = [row for row in rows if (row.metric, row.convention, row.label) == (metric, convention, label)]
    assert len(found) == 1
    return found[0]


def test_the_registry_finds_the_task_and_the_detectors() -> None:
    assert TASKS.get("detection") is DetectionTask
    assert {"yolov5", "ultralytics"} <= set(DETECTORS.names())
    assert DETECTORS.summary("yolov5").startswith("The original, anchor-based YOLOv5")


def test_perfect_detections_score_one(job: Job, perfect: Perfect) -> None:
    rows = list(DetectionTask().run(job))
    for label in ("person", "car", "all"):
        assert value(rows, "AP@0.9", "coco", label).value == pytest.approx(1.0)
        assert value(rows, "AP@0.5", "yolov5", label).value == pytest.approx(0.995)
    assert all(row.task == "detection" and row.split == "detection" and row.method == "mine" for row in rows)


def test_unseen_pairs_are_scored_apart_and_every_pair_says_whether_it_was_seen(job: Job, perfect: Perfect) -> None:
    rows = list(DetectionTask().run(job))
    assert value(rows, "AP@0.5", "coco/unseen", "person").value == pytest.approx(1.0)
    car = value(rows, "AP@0.5", "coco/unseen", "car")
    assert (car.status, car.value, car.reason) == ("skipped", None, "no car in the truth of the 2 pairs")
    seen = {row.pair: row.value for row in rows if row.metric == "seen_in_training"}
    assert seen == {"1": 1.0, "131": 0.0, "69": 0.0}


def test_unseen_pairs_are_the_same_for_a_method_that_was_not_trained(job: Job, perfect: Perfect) -> None:
    rows = list(DetectionTask().run(dataclasses.replace(job, seen=frozenset())))
    assert value(rows, "AP@0.5", "coco/unseen", "car").status == "skipped"
    assert {row.value for row in rows if row.metric == "seen_in_training"} == {0.0}


def test_unknown_training_pairs_are_said_to_be_unknown(job: Job, perfect: Perfect) -> None:
    rows = list(DetectionTask().run(dataclasses.replace(job, seen=None)))
    unseen = [row for row in rows if row.convention.endswith("/unseen")]
    assert len(unseen) == 48
    assert all(row.status == "skipped" and "not known" in row.reason for row in unseen)
    assert value(rows, "AP@0.5", "coco", "all").status == "ok"


def test_a_second_run_detects_nothing_and_a_changed_image_only_itself(job: Job, perfect: Perfect) -> None:
    first = list(DetectionTask().run(job))
    assert perfect.calls == 3
    assert list(DetectionTask().run(job)) == first
    assert perfect.calls == 3
    path = job.parts["detection"].paths[1]
    write_atomic(path, encode_png(np.zeros((60, 80, 3), np.uint8)))
    perfect.calls = 1
    assert list(DetectionTask().run(job)) == first
    assert perfect.calls == 2


def test_a_half_written_line_is_detected_again(job: Job, perfect: Perfect) -> None:
    first = list(DetectionTask().run(job))
    journal = job.work_dir / "predictions.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    perfect.calls = 2
    assert list(DetectionTask().run(job)) == first
    assert perfect.calls == 3


def test_predictions_pictures_and_a_summary_are_kept(job: Job, perfect: Perfect) -> None:
    list(DetectionTask().run(job))
    lines = [json.loads(line) for line in (job.work_dir / "predictions.jsonl").read_text().splitlines()]
    assert [line["pair"] for line in lines] == list(LABELS)
    assert lines[0]["boxes"][0] == pytest.approx([32, 18, 48, 42])
    assert lines[0]["classes"] == [0, 2]
    summary = json.loads((job.work_dir / "images.json").read_text())
    found = {"right": 2, "wrong": 0, "missed": 0}
    assert summary["1"] == {**found, "seen": True, "unseen": False, "picture": "pictures/1.jpg"}
    assert summary["131"]["unseen"] is True
    with PillowImage.open(job.work_dir / "pictures/1.jpg") as picture:
        assert picture.size == (80, 60)


def test_a_bad_label_line_is_named_and_its_image_left_out(job: Job, perfect: Perfect) -> None:
    labels = job.parts["detection"].files[0].boxes_path
    assert labels is not None
    list(DetectionTask().run(job))
    labels.write_text("0 0.5 0.5 0.2 0.4\n0 0.5 0.5 wide 0.4\n")
    rows = list(DetectionTask().run(job))
    left_out = [row for row in rows if row.metric == "boxes"]
    assert [(row.pair, row.status) for row in left_out] == [("1", "skipped")]
    assert f"{labels}, line 2" in left_out[0].reason
    assert value(rows, "AP@0.5", "coco", "person").value == pytest.approx(1.0)
    assert value(rows, "AP@0.5", "coco", "car").status == "skipped"


def test_what_is_found_in_an_image_without_boxes_is_false(job: Job, perfect: Perfect) -> None:
    labels = job.parts["detection"].files[1].boxes_path
    assert labels is not None
    list(DetectionTask().run(job))
    labels.write_text("")
    rows = list(DetectionTask().run(job))
    assert not [row for row in rows if row.metric == "boxes"]
    # both people have score 0.9; the stable order keeps the right one first or second
    assert value(rows, "AP@0.5", "coco", "person").value in (pytest.approx(1.0), pytest.approx(0.5))
    summary = json.loads((job.work_dir / "images.json").read_text())
    assert summary["131"]["wrong"] == 1


def test_a_pair_without_a_label_file_is_named(job: Job, perfect: Perfect, tmp_path: Path) -> None:
    part = job.parts["detection"]
    files = (dataclasses.replace(part.files[0], boxes_path=None), *part.files[1:])
    list(DetectionTask().run(job))
    rows = list(DetectionTask().run(dataclasses.replace(job, parts={"detection": FusedSet("mine", files, part.paths)})))
    assert [row.reason for row in rows if row.metric == "boxes"] == [
        "left out: 1: has no label file; add one (an empty file says that there is nothing to find)"
    ]


def test_missing_weights_end_the_job_with_the_command_that_mends(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_WEIGHTS", raising=False)
    with pytest.raises(BenchError, match=r"yolov5n.pt not found; mend with: curl"):
        list(DetectionTask().run(job))


@pytest.mark.parametrize("package", ["ultralytics", "faster_coco_eval"])
def test_a_missing_package_is_named_with_the_install_command(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.detection import _files

    real = _files.find_spec
    monkeypatch.setattr(_files, "find_spec", lambda name: None if name == package else real(name))
    with pytest.raises(BenchError, match=rf"{package}, which is not installed; pip install 'ivif-bench\[detection\]'"):
        DetectionTask().check()


def test_the_fingerprint_follows_settings_weights_and_seen_pairs(job: Job, tmp_path: Path) -> None:
    task = DetectionTask()
    root = tmp_path / "weights"
    with_weights = dataclasses.replace(job, weights_root=root)
    prints = {task.fingerprint(job), task.fingerprint(dataclasses.replace(job, seen=frozenset()))}
    for content in (b"one", b"two"):
        write_atomic(root / "YOLOv5" / "yolov5n.pt", content)
        prints.add(task.fingerprint(with_weights))
    prints.add(task.fingerprint(dataclasses.replace(with_weights, options={"model": "yolov5s"})))
    assert len(prints) == 5
    assert task.fingerprint(with_weights) == task.fingerprint(with_weights)


def test_options_are_checked() -> None:
    assert [judge.plug_in for judge in read_settings({}).judges] == ["yolov5"]
    several = read_settings({"model": "weights/yolov5x6.pt,yolov5nu,rtdetr-l"}).judges
    assert [(judge.name, judge.plug_in) for judge in several] == [
        ("yolov5x6", "yolov5"), ("yolov5nu", "ultralytics"), ("rtdetr-l", "ultralytics")
    ]  # fmt: skip
    assert [judge.plug_in for judge in read_settings({"model": "yolov5nu", "detector": "mine"}).judges] == ["mine"]
    for options, text in (
        ({"modell": "x"}, "modell"),
        ({"finetune": "1"}, "true or false"),
        ({"epochs": "-1"}, "whole"),
        ({"steps": "0"}, "whole"),
        ({"seeds": "2"}, "nothing is trained"),
        ({"finetune": "true", "steps": "5", "epochs": "5"}, "leave one out"),
        ({"model": "yolov5nu,a/yolov5nu.pt"}, "different"),
        ({"model": "yolov5nu,x/untuned.pt"}, "another name"),
    ):
        with pytest.raises(BenchError, match=text):
            read_settings(options)


def test_fine_tuning_asks_for_the_training_part() -> None:
    assert DetectionTask().splits_for({}) == ("detection",)
    assert DetectionTask().splits_for({"finetune": "true"}) == ("train", "detection")


def test_fine_tuning_needs_a_labelled_training_part_and_a_model_it_can_train(job: Job) -> None:
    with pytest.raises(BenchError, match="no training part with boxes"):
        list(DetectionTask().run(dataclasses.replace(job, options={"finetune": "true"})))
    both = dataclasses.replace(job, parts={**job.parts, "train": job.parts["detection"]}, options={"finetune": "true"})
    with pytest.raises(BenchError, match="cannot be fine-tuned"):
        list(DetectionTask().run(both))


def test_drawing_shows_truth_right_and_wrong_boxes_and_leaves_the_image_alone() -> None:
    image = np.full((60, 80), 100, np.uint8)
    truth = Truth(np.array([[10.0, 20, 30, 40]]), np.array([0]), 80, 60)
    found = Detections(
        np.array([[10, 20, 30, 40], [50, 30, 70, 50], [1, 1, 9, 9]], np.float32),
        np.array([0.9, 0.6, 0.1], np.float32),
        np.array([0, 0, 0]),
    )
    drawn = draw(image, truth, found, {0: "person"})
    assert drawn.shape == (60, 80, 3)
    assert (image == 100).all()
    colours = {tuple(pixel) for pixel in drawn.reshape(-1, 3).tolist()}
    assert {(255, 255, 255), (64, 200, 96), (240, 72, 56)} <= colours
    assert tuple(drawn[5, 5]) == (100, 100, 100)


def test_published_detector_agrees_with_an_independent_implementation(
    shared: Path, spec: DatasetSpec, tmp_path: Path
) -> None:
    """Visible and infrared, all 24 numbers of both conventions, within 0.0001 of the sheet."""
    from bench.data.catalogue import open_dataset

    with (shared / "reference" / "detection_yolov5n_dev16.csv").open() as file:
        sheet = {
            (r["method"], r["metric"], r["convention"], r["label"]): float(r["value"]) for r in csv.DictReader(file)
        }
    files = tuple(open_dataset("mfnet:detection", shared / "data").listing().pairs)
    for method in ("visible", "infrared"):
        paths = tuple(item.vis_path if method == "visible" else item.ir_path for item in files)
        part, work = FusedSet(method, files, paths), tmp_path / method
        work.mkdir()
        job = Job(
            "mfnet", spec, method, {"detection": part}, work, "quick", 0, "cpu", seen=frozenset(),
            weights_root=shared / "weights" / "published", options={"pictures": "false"},
        )  # fmt: skip
        rows = {(method, r.metric, r.convention, r.label): r.value for r in DetectionTask().run(job)}
        wanted = {key: number for key, number in sheet.items() if key[0] == method}
        assert len(wanted) == 24
        assert {key: rows[key] for key in wanted} == pytest.approx(wanted, abs=1e-4)


def test_published_fused_images_are_read_as_they_are(shared: Path) -> None:
    """The authors' own SeAFusion image of a night scene: one person, who stands in the infrared only, and a car."""
    import torch

    detector = DETECTORS.get("yolov5")("yolov5n", shared / "weights" / "published", "cpu")
    image = read_image(shared / "reference" / "msrs_published" / "SeAFusion" / "01335N.png", colour=True)
    found = detector.detect(torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255, (0, 2))[0]
    pair = PairFiles(
        "mfnet", "detection", "1335", Path(), Path(), boxes_path=shared / "data/MSRS/detection/labels/1335.txt"
    )
    truth = module.read_truth(pair, load_datasets()["mfnet"], 480, 640)
    from tasks.detection.drawing import matches

    assert matches(truth, found).sum() == len(truth.boxes) == 2


@pytest.mark.parametrize(
    ("label", "pictures", "objects", "left_out"),
    [
        ("", 3, None, 0),
        ("0 1.002 0.5 0.2 0.2\n", 2, None, 1),
        ("0 0.5 0.5\n", 2, None, 1),
        ("0 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2\n", 3, 1, 0),
        ("0 0.5 0.5 0.2 0.2\n0 0.2 0.2 0.2 0.2\n2 0.5 0.5 0.2 0.2\n", 3, 3, 0),
    ],
)
def test_every_table_says_what_it_is_over(
    job: Job, perfect: Perfect, label: str, pictures: int, objects: int | None, left_out: int
) -> None:
    files = job.parts["detection"].files[1]
    before = value(list(DetectionTask().run(job)), "objects", "coco", "all").value
    own = [line for line in files.boxes_path.read_text().splitlines() if line[:2] in ("0 ", "2 ")]
    if label:
        files.boxes_path.write_text(label)
    rows = list(DetectionTask().run(job))
    for convention in {row.convention for row in rows if row.metric == "AP@0.5"}:
        if "/unseen" in convention:
            continue
        assert value(rows, "pictures", convention, "").value == pictures
        assert value(rows, "left_out", convention, "").value == left_out
        now = value(rows, "objects", convention, "all").value
        kept = objects if objects is not None else (0 if left_out else len(own))
        assert now == before - len(own) + kept


def test_a_class_that_coco_lacks_has_no_precision_and_no_part_in_that_of_all(
    job: Job, perfect: Perfect, spec: DatasetSpec
) -> None:
    before = value(list(DetectionTask().run(job)), "AP@0.5", "coco", "all").value
    labels = job.parts["detection"].files[0].boxes_path
    assert labels is not None
    labels.write_text(f"{labels.read_text()}80 0.5 0.5 0.3 0.3\n")
    more = spec.model_copy(update={"box_classes": {**spec.box_classes, 80: "Lamp"}})
    perfect.calls = 0
    rows = list(DetectionTask().run(dataclasses.replace(job, spec=more)))
    assert value(rows, "AP@0.5", "coco", "all").value == before
    lamp = [row for row in rows if row.label == "Lamp"]
    assert len(lamp) == 12
    assert all(row.status == "skipped" and "no class of COCO" in row.reason for row in lamp)
