"""Scores of drawn images: equal to the task's own scores of the same images, once, twice or not at all."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.analysis import set_draws
from bench.analysis.numbers import Numbers
from bench.analysis.pairwise import Settings
from bench.analysis.set_draws import DRAWS
from bench.analysis.set_level import compare_task, task_sections
from bench.data.spec import DatasetSpec, load_datasets, recorded_spec
from bench.errors import BenchError
from bench.plugin.task import Detections
from bench.run import draw_unit
from bench.run.draw_unit import draw_ahead, draw_units
from bench.run.record import declared
from bench.store.manifest import parse_manifest
from bench.store.run_folder import Store
from bench.store.scores import scores_frame
from bench.types import PairFiles, Score
from tasks.detection.average_precision import CONVENTIONS, Matches, Truth, table, yolov5_curve
from tasks.detection.predictions import from_lists
from tasks.detection.resampling import read_resamplers
from tasks.detection.weighted import (
    RULES,
    Ranked,
    compiled_precision,
    numpy_precision,
    ranked,
    weighted_precision,
)
from tasks.segmentation.resampling import read_resampler as read_segmentation
from tasks.segmentation.scoring import score_set

SPEC = load_datasets()["mfnet"]
IMAGES = 12
SIZE = (640, 480)


def labels_of(path: Path) -> np.ndarray:
    return np.array(path.read_text().split(), dtype=float).reshape(-1, 5)


def made_detections(rng: np.random.Generator, work_dir: Path, truth_dir: Path, noise: float) -> list[PairFiles]:
    """People and cars, most of them found, some twice, with false alarms."""
    files = []
    work_dir.mkdir(parents=True)
    truth_dir.mkdir(parents=True, exist_ok=True)
    with (work_dir / "predictions.jsonl").open("w") as journal:
        for index in range(IMAGES):
            name = f"{index + 1}"
            boxes = np.column_stack([rng.uniform(0.2, 0.8, (4, 2)), rng.uniform(0.1, 0.3, (4, 2))])
            classes = rng.choice([0, 2], 4) if index else np.array([], dtype=int)  # the first image is empty
            boxes = boxes[: len(classes)]
            path = truth_dir / f"{name}.txt"
            if not path.exists():
                path.write_text(
                    "".join(f"{c} {' '.join(map(repr, box.tolist()))}\n" for c, box in zip(classes, boxes, strict=True))
                )
            labelled = labels_of(path)
            centre, half = labelled[:, 1:3] * SIZE, labelled[:, 3:] * SIZE / 2
            corners = np.concatenate([centre - half, centre + half], axis=1) + rng.normal(0, noise, (len(labelled), 4))
            found = np.concatenate([corners, rng.uniform([0, 0, 300, 300], [290, 290, 600, 600], (2, 4))])
            line = {
                "pair": name, "image": "x", "detector": "y", "width": SIZE[0], "height": SIZE[1],
                "boxes": found.tolist(), "scores": np.sort(rng.uniform(0.1, 1, len(found)))[::-1].tolist(),
                "classes": [*labelled[:, 0].astype(int).tolist(), 0, 2],
            }  # fmt: skip
            journal.write(json.dumps(line) + "\n")
            files.append(PairFiles("mfnet", "detection", name, path, path, boxes_path=path))
    return files


def keep_unseen(work_dir: Path, unseen: dict[str, bool | None]) -> None:
    """What the task keeps of each pair beside its predictions."""
    (work_dir / "images.json").write_text(json.dumps({pair: {"unseen": value} for pair, value in unseen.items()}))


def read_all(tmp_path: Path, files: list[PairFiles]) -> tuple[list[Truth], list[Detections]]:
    """Truth and detections of the made files, as the task would read them."""
    lines = [json.loads(line) for line in (tmp_path / "work/predictions.jsonl").read_text().splitlines()]
    found = [from_lists(line) for line in lines]
    truth = []
    for item in files:
        labelled = labels_of(item.ir_path)
        centre, half = labelled[:, 1:3] * SIZE, labelled[:, 3:] * SIZE / 2
        truth.append(Truth(np.concatenate([centre - half, centre + half], axis=1), labelled[:, 0].astype(int), *SIZE))
    return truth, found


@pytest.mark.parametrize("rule", CONVENTIONS)
@pytest.mark.parametrize("noise", [2.0, 12.0, 20.0])
def test_drawn_precision_is_that_of_the_repeated_images(tmp_path: Path, rule: str, noise: float) -> None:
    if rule == "coco":
        pytest.importorskip("faster_coco_eval")
    files = made_detections(np.random.default_rng(0), tmp_path / "work", tmp_path / "truth", noise)
    keep_unseen(tmp_path / "work", {item.id: int(item.id) % 3 > 0 for item in files})
    truth, found = read_all(tmp_path, files)
    unseen, every = read_resamplers(tmp_path / "work", files, SPEC)
    chosen = [at for at, item in enumerate(files) if int(item.id) % 3]
    for resampler, images, ending in ((unseen, chosen, "/unseen"), (every, range(IMAGES), "")):
        assert resampler.pairs == tuple(files[at].id for at in images)
        counts = np.random.default_rng(1).integers(0, 4, (5, len(images)))
        counts[0] = 1
        values = resampler.statistic(counts)
        for row, drawn in zip(counts, values.T, strict=True):
            index = np.repeat(list(images), row)
            expected = table(
                CONVENTIONS[rule]([truth[at] for at in index], [found[at] for at in index], [0, 2]), SPEC.box_classes
            )
            numbers = zip(resampler.numbers, drawn, strict=True)
            got = {name[:2]: number for name, number in numbers if name[2] == rule + ending}
            assert all(np.isnan(got.pop(name)) for name in list(got) if name[1] == "bicycle")  # none in this truth
            assert got == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_one_image_many_times_and_equal_scores_of_two_images(seed: int) -> None:
    random = np.random.default_rng(seed)
    parts = []
    for _ in range(5):
        count = int(random.integers(0, 6))
        right = random.random((count, 10)) < 0.5
        scores = np.sort(random.choice(np.arange(20), count, replace=False) / 20)[::-1]  # equal ones between images
        parts.append(Matches(right, scores, int(right.sum(axis=0).max(initial=0)) + 1))
    counts = np.vstack([[7, 0, 0, 0, 1], [0, 0, 0, 0, 3], random.integers(0, 5, (6, 5))])
    drawn = weighted_precision(ranked(parts), counts)
    for at, row in enumerate(counts):
        copies = [parts[image] for image in np.repeat(np.arange(5), row)]
        for rule, closing in (("yolov5", "drop"), ("yolov5_val", "slope")):
            expected = yolov5_curve(copies, closing)
            np.testing.assert_allclose(drawn[rule][:, at], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("unseen", "reason"),
    [
        (dict.fromkeys(map(str, range(1, IMAGES + 1))), "not known"),
        (dict.fromkeys(map(str, range(1, IMAGES + 1)), False), "seen all pairs"),
        ({}, "not known"),
        ({"1": True}, "not known"),
        ({**dict.fromkeys(map(str, range(1, IMAGES + 1)), True), "5": None}, "not known"),
    ],
    ids=["a folder", "all seen", "kept before", "in part", "one unknown"],
)
def test_without_unseen_pairs_it_is_said_why(tmp_path: Path, unseen: dict[str, bool | None], reason: str) -> None:
    files = made_detections(np.random.default_rng(0), tmp_path / "work", tmp_path / "truth", 12.0)
    keep_unseen(tmp_path / "work", unseen)
    own, every = read_resamplers(tmp_path / "work", files, SPEC)
    assert own.pairs == ()
    assert reason in own.reason
    assert len(every.pairs) == IMAGES


def test_images_without_any_truth_have_no_precision(tmp_path: Path) -> None:
    files = made_detections(np.random.default_rng(0), tmp_path / "work", tmp_path / "truth", 12.0)
    resampler = read_resamplers(tmp_path / "work", files, SPEC)[-1]
    assert np.isnan(resampler.statistic(np.eye(IMAGES, dtype=int)[:1])).all()


def test_without_predictions_there_is_nothing_to_draw(tmp_path: Path) -> None:
    assert read_resamplers(tmp_path, [], SPEC) == ()
    assert read_segmentation(tmp_path / "confusion.npz") is None


def made_matrices(rng: np.random.Generator, path: Path, accuracy: float) -> np.ndarray:
    classes = len(SPEC.classes)
    truth = rng.choice([0, 0, 0, 1, 2, 3, 7], (IMAGES, 400))  # five of the classes are nowhere
    guess = np.where(rng.random(truth.shape) < accuracy, truth, rng.integers(0, classes, truth.shape))
    cells = truth * classes + guess
    matrices = np.stack([np.bincount(row, minlength=classes**2).reshape(classes, classes) for row in cells])
    path.parent.mkdir(parents=True, exist_ok=True)
    pairs = np.array([f"{at:05d}D" for at in range(IMAGES)])
    np.savez_compressed(path, pairs=pairs, classes=np.array(SPEC.classes), single_scale=matrices)
    return matrices


def test_drawn_iou_is_the_tasks_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    matrices = made_matrices(rng, tmp_path / "confusion.npz", 0.7)
    resampler = read_segmentation(tmp_path / "confusion.npz")
    assert resampler is not None
    counts = rng.integers(0, 3, (5, IMAGES))
    for row, drawn in zip(counts, resampler.statistic(counts).T, strict=True):
        expected = score_set(np.einsum("n,nij->ij", row, matrices))
        assert drawn[0] == pytest.approx(expected.mean_iou, rel=1e-12)
        np.testing.assert_allclose(drawn[1:], expected.iou, rtol=1e-12)


def test_damaged_matrices_are_named(tmp_path: Path) -> None:
    (tmp_path / "confusion.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(BenchError, match=r"confusion\.npz: damaged"):
        read_segmentation(tmp_path / "confusion.npz")


@pytest.fixture
def run(tmp_path: Path) -> Store:
    """A run with two methods' matrices and predictions; the first is better at both."""
    store, rng = Store(tmp_path / "run"), np.random.default_rng(3)
    scores, sources = [], {}
    for method, accuracy, noise in (("good", 0.9, 2.0), ("poor", 0.5, 40.0)):
        made_matrices(rng, store.work_dir("segmentation", "mfnet", method) / "confusion.npz", accuracy)
        folder = store.work_dir("detection", "mfnet", method)
        files = made_detections(rng, folder, tmp_path / "truth", noise)
        keep_unseen(folder, {item.id: int(item.id) > 3 for item in files})
        for item in files:
            sources[item.id] = {"ir": str(item.ir_path), "vis": str(item.vis_path), "boxes": str(item.boxes_path)}
        scores += [Score(task, "mfnet", "test", method, "mIoU", 0.5) for task in ("segmentation", "detection")]
    store.root.mkdir(exist_ok=True)
    store.write_scores(scores_frame(scores))
    parts = {"test": {"sources": sources}}
    facts = {"split": "test", "parts": parts, **SPEC.model_dump(include={"classes", "palette", "box_classes"})}
    tasks = {name: declared(name).model_dump() for name in ("segmentation", "detection")}
    store.write_manifest(
        parse_manifest(store.root, {"datasets": {"mfnet": json.loads(json.dumps(facts))}, "tasks": tasks})
    )
    return store


@pytest.mark.parametrize(
    ("task", "number"), [("segmentation", "mIoU single_scale"), ("detection", "AP@0.5 all yolov5")]
)
def test_methods_are_compared_over_the_same_draws(run: Store, task: str, number: str) -> None:
    compared = compare_task(run, task, "mfnet", SPEC, Settings(resamples=199, interval="percentile"))
    comparison, left_out = compared[-1].comparison, compared[-1].left_out
    at = comparison.names.index(number)
    good, poor = comparison.values["good"][at], comparison.values["poor"][at]
    assert good.low <= good.value <= good.high
    assert good.value > poor.value
    lead = comparison.differences["good", "poor"][at]
    assert lead.value == pytest.approx(good.value - poor.value)
    assert lead.low > 0
    assert left_out == {}


def test_sections_are_printed_best_first(run: Store) -> None:
    sections = dict(task_sections(run))
    wanted = [
        f"mfnet · detection · {metric} all ({rule}{part}): "
        for part in ("/unseen", "")
        for rule in ("coco", "yolov5", "yolov5_val")
        for metric in ("AP@0.5", "AP@[0.5:0.95]")
    ]
    wanted.append("mfnet · segmentation · mIoU (single_scale): ")
    ends = {True: "9 images drawn anew", False: "12 images drawn anew"}
    assert list(sections) == [title + end for title in wanted for end in (ends["/unseen" in title], "differences")]
    for title, rows in sections.items():
        if title.endswith("differences"):
            assert [(row["methods"], row["holds 0"]) for row in rows] == [("good - poor", "no")]
            assert rows[0]["difference"].startswith("+")
            continue
        assert [row["method"] for row in rows] == ["good", "poor"]
        assert rows[0]["difference's interval holds 0"] == ""


def test_differences_are_left_out_where_none_are_wanted(run: Store) -> None:
    assert [title for title in dict(task_sections(run, shown="none")) if title.endswith("differences")] == []
    assert len(dict(task_sections(run, shown="none"))) * 2 == len(dict(task_sections(run, shown="all")))


def test_the_best_is_the_lowest_where_lower_is_better(run: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Numbers, "better", lambda *_: "lower")
    for title, rows in task_sections(run):
        if title.endswith("differences"):
            assert [row["methods"] for row in rows] == ["poor - good"]
        else:
            assert [row["method"] for row in rows] == ["poor", "good"]


def test_a_method_scored_on_other_images_is_left_out(run: Store) -> None:
    journal = run.work_dir("detection", "mfnet", "poor") / "predictions.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:5]))
    title = next(title for title, _ in task_sections(run))
    assert title.endswith("left out: poor (it was scored on 2 other images)")


def test_a_folder_of_images_is_compared_on_all_pairs_alone(run: Store) -> None:
    folder = run.work_dir("detection", "mfnet", "poor")
    keep_unseen(folder, dict.fromkeys(map(str, range(1, IMAGES + 1))))
    titles = [title for title, _ in task_sections(run)]
    assert "coco/unseen" in titles[0]
    assert titles[0].endswith("left out: poor (it is not known which pairs it was trained on)")
    assert any("(coco): 12 images drawn anew" in title and "left out" not in title for title in titles)


@pytest.mark.parametrize(("detections", "hit"), [(400, 0.4), (60, 0.9), (25, 0.0), (0, 0.0)])
def test_compiled_precision_is_numpys(detections: int, hit: float) -> None:
    pytest.importorskip("numba", reason="the extra fast is not installed")
    rng, images = np.random.default_rng(detections), 9
    quality = rng.random(detections)[:, None] - np.linspace(0, 0.6, 10)
    right = (rng.random((detections, 1)) < hit) & (quality > 0)
    totals = np.bincount(rng.integers(1, images, max(1, right.any(axis=1).sum() + 5)), minlength=images)  # none in 0
    parts = Ranked(right, rng.integers(0, images, detections), totals)
    counts = rng.integers(0, 3, (50, images))
    counts[:4] = 0
    counts[1, 0], counts[2, 1:] = 5, 1  # no truth; all images but one
    compiled, reference = compiled_precision(parts, counts), numpy_precision(parts, counts)
    for rule in RULES:
        np.testing.assert_allclose(compiled[rule], reference[rule], rtol=0, atol=1e-12)
        assert np.isnan(compiled[rule][:, :2]).all()


FEW = replace(DRAWS, resamples=49)


def recorded(run: Store) -> DatasetSpec:
    """As all who show draws take it from the manifest."""
    return recorded_spec(run.read_manifest().datasets["mfnet"].model_dump())


def test_draws_are_made_once_for_all_who_show_them(run: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, int, int]] = []
    draw_ahead(run, FEW, 1, lambda *told: said.append(told))
    assert said == [("draw", done, 4) for done in range(5)]
    monkeypatch.setattr(set_draws, "draws", lambda *_: pytest.fail("drawn again"))
    shown = compare_task(run, "detection", "mfnet", recorded(run), FEW)
    draw_ahead(run, FEW, 1, lambda *_: pytest.fail("nothing is lacking"))
    with pytest.raises(pytest.fail.Exception, match="drawn again"):
        compare_task(run, "detection", "mfnet", recorded(run), replace(FEW, seed=4))
    monkeypatch.undo()
    shutil.rmtree(run.root / "parts" / "draws")
    assert repr(compare_task(run, "detection", "mfnet", recorded(run), FEW)) == repr(shown)


@pytest.mark.parametrize("change", ["predictions", "a training's", "truth", "damage"])
def test_draws_of_other_results_are_made_anew(run: Store, change: str) -> None:
    lacking = {(task, method) for task in ("detection", "segmentation") for method in ("good", "poor")}
    draw_ahead(run, FEW, 1, lambda *_: None)
    assert draw_units(run, FEW) == []
    if change == "predictions":
        journal = run.work_dir("detection", "mfnet", "poor") / "predictions.jsonl"
        journal.write_text(journal.read_text() + "\n")
        lacking = {("detection", "poor")}
    elif change == "a training's":
        folder = run.work_dir("detection", "mfnet", "good") / "1"
        folder.mkdir()
        (folder / "predictions.jsonl").write_text("")
        lacking = {("detection", "good")}
    elif change == "truth":
        boxes = next(iter(run.read_manifest().datasets["mfnet"].parts["test"].sources.values())).boxes
        Path(boxes).write_text(Path(boxes).read_text() + "\n")
    else:
        for path in (run.root / "parts" / "draws").iterdir():
            path.write_bytes(path.read_bytes()[:-100])
    assert {(unit.task.task, unit.method) for unit in draw_units(run, FEW)} == lacking


def test_workers_draw_what_this_process_draws(run: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    here = compare_task(run, "segmentation", "mfnet", recorded(run), FEW)
    shutil.rmtree(run.root / "parts" / "draws")
    monkeypatch.setattr(draw_unit, "MUCH", 0)
    draw_ahead(run, FEW, 2, lambda *_: None)
    monkeypatch.setattr(set_draws, "draws", lambda *_: pytest.fail("drawn again"))
    assert repr(compare_task(run, "segmentation", "mfnet", recorded(run), FEW)) == repr(here)
