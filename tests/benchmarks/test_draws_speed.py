"""``bench stats`` over a detection run of the size of MFNet's test part: CPU time, the first time and again.

``pytest -m "" -n 0 --benchmark-only -s tests/benchmarks/test_draws_speed.py``; kernels are compiled before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.analysis.questions import SETTINGS
from bench.data.spec import load_datasets
from bench.run.record import declared
from bench.store.manifest import parse_manifest
from bench.store.run_folder import Store
from bench.store.scores import scores_frame
from bench.types import Score
from tasks.detection.weighted import warm

METHODS, IMAGES, SIZE = 5, 361, (640, 480)
BOXES = 8
"""In the truth of an image; as many false alarms of each class and more come beside, 60 to 120 boxes in all."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """5 methods, 361 labelled images, of which every third was seen in training, 2 classes."""
    folder, rng = tmp_path_factory.mktemp("draws"), np.random.default_rng(0)
    (folder / "truth").mkdir()
    boxes = np.concatenate(
        [rng.uniform(0.2, 0.8, (IMAGES, BOXES, 2)), rng.uniform(0.05, 0.2, (IMAGES, BOXES, 2))], axis=2
    )
    classes = rng.choice([0, 2], (IMAGES, BOXES))
    sources = {}
    for image in range(IMAGES):
        path = folder / "truth" / f"{image}.txt"
        lines = [f"{c} {' '.join(map(str, box))}" for c, box in zip(classes[image], boxes[image].tolist(), strict=True)]
        path.write_text("\n".join(lines) + "\n")
        sources[str(image)] = {"ir": str(path), "vis": str(path), "boxes": str(path)}
    store = Store(folder / "run")
    for number in range(METHODS):
        _predictions(rng, store.work_dir("detection", "mfnet", f"m{number}"), boxes, classes, 4.0 + 4 * number)
    spec = load_datasets()["mfnet"]
    store.write_scores(
        scores_frame([Score("detection", "mfnet", "test", f"m{number}", "AP@0.5", 0.5) for number in range(METHODS)])
    )
    facts = {"split": "test", "parts": {"test": {"sources": sources}}, **spec.model_dump(include={"box_classes"})}
    manifest = {"datasets": {"mfnet": facts}, "tasks": {"detection": declared("detection").model_dump()}}
    store.write_manifest(parse_manifest(store.root, json.loads(json.dumps(manifest))))
    return store


def _predictions(rng: np.random.Generator, folder: Path, boxes: np.ndarray, classes: np.ndarray, noise: float) -> None:
    """Each box found about four times, and false alarms."""
    folder.mkdir(parents=True)
    with (folder / "predictions.jsonl").open("w") as journal:
        for image, (own, kinds) in enumerate(zip(boxes, classes, strict=True)):
            centre, half = own[:, :2] * SIZE, own[:, 2:] * SIZE / 2
            right = np.repeat(np.concatenate([centre - half, centre + half], axis=1), 4, axis=0)
            wrong = rng.uniform([0, 0, 300, 300], [290, 290, 600, 440], (rng.integers(30, 90), 4))
            found = np.concatenate([right + rng.normal(0, noise, right.shape), wrong])
            line = {
                "pair": str(image), "image": "x", "detector": "y", "width": SIZE[0], "height": SIZE[1],
                "boxes": found.round(2).tolist(), "scores": rng.uniform(0.001, 1, len(found)).round(5).tolist(),
                "classes": [*np.repeat(kinds, 4).tolist(), *rng.choice([0, 2], len(wrong)).tolist()],
            }  # fmt: skip
            journal.write(json.dumps(line) + "\n")
    unseen = {str(image): {"unseen": image % 3 > 0} for image in range(len(boxes))}
    (folder / "images.json").write_text(json.dumps(unseen))


@pytest.mark.parametrize("state", ["first", "again"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_stats_of_a_detection_run(benchmark: Any, run: Store, state: str, jobs: int) -> None:
    warm()
    if state == "first":
        for path in (run.root / "parts" / "draws").glob("*"):
            path.unlink()
    before = os.times()
    command = [sys.executable, "-m", "bench", "stats", str(run.root), "--jobs", str(jobs)]
    asked = partial(subprocess.run, command, check=True, capture_output=True, text=True)
    said = benchmark.pedantic(asked, rounds=1)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    assert "AP@0.5 all (coco/unseen): 240 images drawn anew" in said.stdout
    benchmark.extra_info["cpu_s"] = round(cpu, 2)
    sys.stdout.write(
        f"\n{METHODS} methods, {IMAGES} images, {SETTINGS.resamples} draws, {jobs} workers, {state}: {cpu:.2f} CPU-s, "
        f"{after.elapsed - before.elapsed:.2f} s\n"
    )
