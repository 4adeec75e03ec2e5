"""Whether fusion and learning help, asked of run folders: who is compared with whom, on what, and in which words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.analysis import asked
from bench.analysis.asked import run_findings
from bench.analysis.pairwise import Settings
from bench.analysis.questions import ASKED, closing_lines, finding_rows, findings
from bench.analysis.stats_command import stats_command
from bench.plugin.task import Detections
from bench.run.record import declared
from bench.store.manifest import parse_manifest
from bench.store.run_folder import Store
from bench.store.scores import scores_frame
from bench.store.statements import verdicts_path
from bench.store.work_mark import mark_work
from bench.types import Score
from tasks.detection.merging import merge_boxes

IMAGES = 24
FEW = Settings(resamples=99, interval="percentile")
KINDS = {
    "visible": "reference", "infrared": "reference", "average": "classical", "maximum": "classical",
    "seafusion": "learned", "merged_boxes": "control", "old": "classical",
}  # fmt: skip
SHIFTS = {"visible": 9, "infrared": 12, "average": 2, "maximum": 3, "seafusion": 2, "merged_boxes": 6, "old": 20}
"""How far boxes lie from the truth: the fewer pixels, the better the method."""


def made_run(root: Path, missing: str = "", sequence: str = "", seed: int = 0) -> Store:
    """A run of detection on one person and one car an image; half of the images are of the night."""
    store = Store(root)
    rng = np.random.default_rng(seed)
    names = [f"{index // 4}_{index}" for index in range(IMAGES)]
    truth = root / "truth"
    truth.mkdir(parents=True)
    for name in names:
        (truth / f"{name}.txt").write_text("0 0.3 0.5 0.1 0.2\n2 0.7 0.5 0.2 0.2\n")
    rows = []
    for method in KINDS:
        if method == missing:
            continue
        work = store.work_dir("detection", "made", method)
        work.mkdir(parents=True)
        lines = []
        for name in names:
            boxes = np.array([[160, 192, 224, 288], [384, 192, 512, 288]]) + rng.normal(0, SHIFTS[method], (2, 4))
            lines.append(
                {"pair": name, "image": "x", "detector": "y", "width": 640, "height": 480, "boxes": boxes.tolist(),
                 "scores": sorted(rng.uniform(0.3, 1, 2).tolist(), reverse=True), "classes": [0, 2]}
            )  # fmt: skip
        (work / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (work / "images.json").write_text(json.dumps({name: {"unseen": True} for name in names}))
        mark_work(work, "key")
        rows.append(Score("detection", "made", "test", method, "AP@0.5", 0.5, convention="coco", label="all"))
    sources = {name: {"ir": "a", "vis": "b", "boxes": str(truth / f"{name}.txt")} for name in names}
    tags = {name: ["night" if index % 2 else "day"] for index, name in enumerate(names)}
    facts = {
        "version": "1", "tasks": {"detection": declared("detection").model_dump()},
        "methods": {name: {"name": name, "title": name.title(), "kind": kind} for name, kind in KINDS.items()},
        "datasets": {"made": {
            "title": "Made", "split": "test", "box_classes": {"0": "person", "2": "car"}, "sequence": sequence,
            "parts": {"test": {"pairs": names, "sources": sources, "tags": tags}},
        }},
    }  # fmt: skip
    store.write_manifest(parse_manifest("made", facts))
    store.write_scores(scores_frame(rows))
    return store


@pytest.fixture(scope="module", autouse=True)
def _few_draws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asked, "SETTINGS", FEW)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return made_run(tmp_path_factory.mktemp("run"))


def test_every_method_is_asked_against_sources_and_learned_ones_against_rules(run: Store) -> None:
    found = run_findings(run)
    heads = {one.question: one for one in found if one.headline and one.part == "unseen" and "0.95" in one.metric}
    fusion, learning = heads["fusion"], heads["learning"]
    assert set(fusion.references) == {"visible", "infrared"}
    assert {one.method for one in fusion.verdicts} == {"average", "maximum", "seafusion", "merged_boxes", "old"}
    assert set(learning.references) == {"average", "maximum", "merged_boxes"}
    assert [one.method for one in learning.verdicts] == ["seafusion"]
    answers = {one.method: one.answer for one in fusion.verdicts}
    assert answers["seafusion"] == answers["average"] == "helps"
    assert answers["old"] == "hurts"
    assert learning.verdicts[0].answer == "no evidence"
    assert (fusion.images, fusion.units, fusion.effect) == (IMAGES, IMAGES, 0.01)
    assert fusion.verdicts[0].detectable > 0


def test_classes_and_day_and_night_are_answered_apart(run: Store) -> None:
    keys = {(one.metric, one.label, one.part, one.question) for one in run_findings(run)}
    for metric in ("AP@0.5", "AP@[0.5:0.95]"):
        for label in ("person", "car", "all"):
            for part in ("unseen", "day", "night"):
                assert {(metric, label, part, question) for question in ASKED} <= keys
    night = next(one for one in run_findings(run) if one.part == "night")
    assert night.images == IMAGES // 2
    assert not any(one.metric == "AP@0.9" for one in run_findings(run))  # no effect is declared


def test_drives_are_drawn_whole_where_names_say_which(tmp_path: Path) -> None:
    alone, by_drive = made_run(tmp_path / "a"), made_run(tmp_path / "b", sequence="([0-9]+)_.*")
    units = [findings([store], FEW)[0].units for store in (alone, by_drive)]
    assert units == [IMAGES, IMAGES // 4]
    assert "of 6 drives, drawn whole" in findings([by_drive], FEW)[0].summary()


def test_without_a_source_nothing_is_claimed(tmp_path: Path) -> None:
    found = findings([made_run(tmp_path / "run", missing="infrared")], FEW)
    assert {one.question for one in found} == {"learning"}


def test_answers_are_kept_with_the_scores_they_are_of(tmp_path: Path) -> None:
    store = made_run(tmp_path / "run")
    first = run_findings(store)
    kept = verdicts_path(store).read_text()
    assert run_findings(store) == first
    verdicts_path(store).write_text(kept.replace('"answer": "helps"', '"answer": "hurts"'))
    assert run_findings(store) != first  # read, not drawn anew
    frame = store.read_scores()
    store.write_scores(frame.assign(value=frame["value"] + 0.1))
    assert run_findings(store) == first  # other scores: drawn anew
    verdicts_path(store).write_text("{broken")
    assert run_findings(store) == first


def test_several_seeds_are_one_question(tmp_path: Path) -> None:
    stores = [made_run(tmp_path / str(seed), seed=seed) for seed in range(3)]
    (first, *_) = findings(stores, FEW)
    assert first.seeds == 3
    assert "3 seeds" in first.summary()


def test_words_name_reference_interval_and_what_could_have_been_shown(run: Store) -> None:
    found = run_findings(run)
    lines = closing_lines(found)
    assert len(lines) == 3
    assert "against the better single source" in lines[0]
    assert "could have been shown, 0.01 counts" in lines[0]
    assert "learning helps 0 of 1" in lines[1]
    assert "by class" in lines[2]
    assert "person" in lines[2]
    assert "car" in lines[2]
    rows = finding_rows(found[0])
    assert [row["verdict"] for row in rows][-2:] == ["compared with"] * 2
    title, _ = next(iter(stats_command([run.root])))
    assert "Does fusion help?" in title


def test_boxes_of_two_lists_are_merged_by_score() -> None:
    first = Detections(
        np.array([[0, 0, 10, 10], [50, 50, 60, 60]], np.float32), np.array([0.8, 0.5], np.float32), np.array([0, 0])
    )
    second = Detections(
        np.array([[1, 0, 11, 10], [50, 50, 60, 60]], np.float32), np.array([0.4, 0.5], np.float32), np.array([0, 2])
    )
    merged = merge_boxes([first, second])
    # weights 0.8 and 0.4: a third of the way from the first to the second; scores (0.8 + 0.4) / 2 x 2 / 2
    assert merged.boxes[0] == pytest.approx([1 / 3, 0, 31 / 3, 10], abs=1e-5)
    assert merged.scores == pytest.approx([0.6, 0.25, 0.25])  # what one list alone has counts half
    assert merged.classes.tolist() == [0, 0, 2]
    assert len(merge_boxes([Detections(first.boxes[:0], first.scores[:0], first.classes[:0])] * 2).scores) == 0


def test_the_order_of_the_lists_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    lists = []
    for _ in range(2):
        corner = rng.uniform(0, 60, (30, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(10, 30, (30, 2))], axis=1).astype(np.float32)
        lists.append(Detections(boxes, np.sort(rng.uniform(0, 1, 30))[::-1].astype(np.float32), rng.choice([0, 2], 30)))
    one, other = merge_boxes(lists), merge_boxes(lists[::-1])
    assert one.scores == pytest.approx(other.scores)
    assert one.boxes == pytest.approx(other.boxes)
    assert (np.diff(one.scores) <= 0).all()
