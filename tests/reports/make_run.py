"""Writes synthetic but complete run folders: what a run leaves, without running anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from bench.files import PROTOCOL
from bench.images import encode_png
from bench.metrics.catalogue import CONVENTIONS
from bench.run.record import declared
from bench.store.manifest import parse_manifest
from bench.store.run_folder import Store
from bench.store.scores import tidy
from bench.types import SCORE_COLUMNS, Score

CLASSES = ("unlabelled", "car", "person", "bike", "curve", "car_stop", "guardrail", "color_cone", "bump")
PALETTE = (
    (0, 0, 0), (64, 0, 128), (64, 64, 0), (0, 128, 192), (0, 0, 192), (128, 128, 0), (64, 64, 128), (192, 128, 128),
    (192, 64, 0),
)  # fmt: skip
HOSTILE = "<img src=x onerror=alert(1)>&\"'</script>"

PROOF = {
    "against": "tno_published/First", "level": "published images", "pairs": 13, "worst_psnr_db": 81.25,
    "largest_difference": 2, "relative_error": None, "ok": True, "date": "2026-11-25", "note": "one <b> file",
}  # fmt: skip
"""Of the first method, as the manifest holds it."""


@dataclass
class RunPlan:
    """What to make up.

    Attributes:
        methods: how many beside the two references.
        pairs: data set -> number of pairs.
        conventions: of the metrics.
        metrics: of every convention; its default ones if empty.
        size: width and height of the images.
        tasks: with scores.
        hostile: one method and one data set get names that are HTML.
        faults: some work is skipped or failed, some data is missing.
        seed: of the values.
        images: False writes scores only.
        distinct: only so many pairs have images of their own, the others are links to these; 0: all.
    """

    methods: int = 4
    pairs: dict[str, int] = field(default_factory=lambda: {"tno": 12, "mfnet": 6})
    conventions: Sequence[str] = ("standard", "seafusion2022")
    metrics: Sequence[str] = ()
    size: tuple[int, int] = (64, 48)
    tasks: Sequence[str] = ("metrics", "efficiency", "segmentation", "detection")
    hostile: bool = False
    faults: bool = True
    seed: int = 0
    images: bool = True
    distinct: int = 0


def make_run(root: Path, plan: RunPlan | None = None) -> Path:
    """Writes a run folder and returns it."""
    plan = plan or RunPlan()
    store = Store(root)
    labels = ["visible", "infrared", *(f"method{index}" for index in range(plan.methods))]
    generator = np.random.default_rng(plan.seed)
    pairs = {name: [f"{index:05d}{'DN'[index % 2]}" for index in range(count)] for name, count in plan.pairs.items()}
    if plan.images:
        _images(store, plan, labels, pairs)
    scores = [row for dataset in pairs for row in _rows(plan, generator, dataset, labels, pairs[dataset])]
    if plan.hostile:
        scores = [row if row.method != "method0" else _renamed(row, HOSTILE) for row in scores]
    frame = pd.DataFrame([_as_dict(score) for score in scores], columns=list(SCORE_COLUMNS))
    store.write_scores(tidy(frame))
    store.write_manifest(parse_manifest(root, _manifest(root, plan, labels, pairs)))
    if plan.images and "segmentation" in plan.tasks:
        _segmentation(store, plan, labels, pairs)
    if plan.images and "detection" in plan.tasks:
        _detection(store, plan, labels, pairs)
    return root


def _as_dict(score: Score) -> dict[str, object]:
    return {column: getattr(score, column) for column in SCORE_COLUMNS}


def _renamed(score: Score, label: str) -> Score:
    return Score(**{**_as_dict(score), "method": label})  # type: ignore[arg-type]


def _images(store: Store, plan: RunPlan, labels: Sequence[str], pairs: dict[str, list[str]]) -> None:
    width, height = plan.size
    rows, columns = np.mgrid[0:height, 0:width]
    for dataset, names in pairs.items():
        for index, pair in enumerate(names):
            if plan.distinct and index >= plan.distinct:
                for label in labels:
                    path = store.fused_path(dataset, "test", label, pair)
                    path.hardlink_to(store.fused_path(dataset, "test", label, names[index % plan.distinct]))
                continue
            vis = np.stack(
                [
                    (columns * 255 // width + 9 * index) % 256,
                    rows * 255 // height,
                    np.full_like(rows, (37 * index) % 256),
                ],
                axis=-1,
            ).astype(np.uint8)
            spot = (rows - height / 2) ** 2 + (columns - (index * 7) % width) ** 2 < (height / 6) ** 2
            ir = np.where(spot, 235, 40).astype(np.uint8)
            for number, label in enumerate(labels):
                weight = number / max(1, len(labels) - 1)
                image = vis if label == "visible" else np.repeat(ir[..., None], 3, axis=2)
                if label not in ("visible", "infrared"):
                    image = ((1 - weight) * vis + weight * ir[..., None]).astype(np.uint8)
                path = store.fused_path(dataset, "test", label, pair)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encode_png(image))


def _rows(
    plan: RunPlan, generator: np.random.Generator, dataset: str, labels: Sequence[str], pairs: Sequence[str]
) -> Iterable[Score]:
    if "metrics" in plan.tasks:
        for convention in plan.conventions:
            for metric in plan.metrics or CONVENTIONS[convention].default:
                difficulty = generator.normal(0, 1, len(pairs))
                for number, label in enumerate(labels):
                    values = 5 + 0.3 * number + difficulty + generator.normal(0, 0.3, len(pairs))
                    for index, (pair, value) in enumerate(zip(pairs, values, strict=True)):
                        if plan.faults and label == labels[-1] and index == 0:
                            yield Score(
                                "metrics", dataset, "test", label, metric, None, pair, convention, "", "failed",
                                "image is not finite",
                            )  # fmt: skip
                        else:
                            yield Score("metrics", dataset, "test", label, metric, float(value), pair, convention)
    for number, label in enumerate(labels):
        yield from _task_rows(plan, generator, dataset, label, number)


def _task_rows(plan: RunPlan, generator: np.random.Generator, dataset: str, label: str, number: int) -> Iterable[Score]:
    if "efficiency" in plan.tasks:
        latency = float(5 + 10 * number + generator.random())
        yield Score("efficiency", dataset, "test", label, "latency_ms_mean", latency)
        yield Score("efficiency", dataset, "test", label, "latency_ms_std", latency / 10)
        yield Score("efficiency", dataset, "test", label, "params_M", 0.17 * number)
        yield Score("efficiency", dataset, "test", label, "flops_G", 12.5 * number)
    if dataset != "mfnet":
        return
    if "segmentation" in plan.tasks:
        for way in ("single_scale", "single_scale/night"):
            ious = generator.uniform(0.3, 0.95, len(CLASSES))
            for name, iou in zip(CLASSES, ious, strict=True):
                yield Score("segmentation", dataset, "test", label, "IoU", float(iou), "", way, name)
            yield Score("segmentation", dataset, "test", label, "mIoU", float(ious.mean()), "", way)
            yield Score("segmentation", dataset, "test", label, "mAcc", float(ious.mean()) + 0.03, "", way)
    if "detection" in plan.tasks:
        for name in ("person", "car", "all"):
            for metric in ("AP@0.5", "AP@0.7", "AP@0.9", "AP@[0.5:0.95]"):
                value = float(generator.random())
                yield Score("detection", dataset, "detection", label, metric, value, "", "coco", name)


TASKS = ("metrics", "segmentation", "detection", "efficiency")


def _manifest(root: Path, plan: RunPlan, labels: Sequence[str], pairs: dict[str, list[str]]) -> dict[str, object]:
    titles = {"tno": "TNO", "mfnet": "MFNet (MSRS release)", "roadscene": "RoadScene"}
    methods: dict[str, object] = {}
    for label in labels:
        name = HOSTILE if plan.hostile and label == "method0" else label
        reference = label in ("visible", "infrared")
        methods[name] = {
            "name": name, "title": name if name == HOSTILE else label.title(), "year": 2022,
            "paper": "doi:10.1016/j.inffus.2021.12.004",
            "licence": "MIT", "kind": "reference" if reference else "learned",
            "origin": "no weights needed" if reference else "authors' weights",
            "weights": [] if reference else [{"path": "A/a.pth", "sha256": "0" * 64, "licence": ""}],
            "trained_on": ["mfnet"] if label == "method1" else [], "way": "published", "precision": "exact",
            "proofs": [PROOF] if label == "method1" else [],
            "parameters": 170000, "status": "ok", "reason": "", "notes": HOSTILE if plan.hostile else "",
            "training": None,
        }  # fmt: skip
    if plan.faults:
        methods["absent"] = {
            "name": "absent", "title": "Absent", "year": 2020, "paper": "", "licence": "", "kind": "learned",
            "origin": "", "weights": [], "trained_on": [], "status": "skipped", "notes": "", "training": None,
            "reason": "no weights; bench weights fetch absent",
        }  # fmt: skip
    datasets = {
        name: {
            "title": HOSTILE if plan.hostile and name == "tno" else titles.get(name, name), "licence": "unknown",
            "homepage": "https://example.org", "split": "test", "subset": "",
            "listed": len(names) + (10 if plan.faults else 0), "found": len(names),
            "parts": {"test": {"pairs": names,
            "tags": {pair: ["night" if pair.endswith("N") else "day"] for pair in names},
            "sources": {
                pair: {
                    "ir": str(root / "fused" / name / "infrared" / f"{pair}.png"),
                    "vis": str(root / "fused" / name / "visible" / f"{pair}.png"),
                    "labels": str(root / "labels" / f"{pair}.png"),
                }
                for pair in names
            }}},
            "problems": [{"where": "00099N", "text": "its visible image is missing"}] if plan.faults else [],
            "fingerprint": "abc123", "classes": list(CLASSES), "palette": [list(colour) for colour in PALETTE],
        }
        for name, names in pairs.items()
    }  # fmt: skip
    return {
        "version": "0.1.0", "protocol": PROTOCOL, "created": "2026-01-01T10:00:00+00:00",
        "updated": "2026-01-01T11:00:00+00:00",
        "commands": [{"command": ["bench", "run"], "rows": 3, "complete": True}],
        "config": {"conventions": list(plan.conventions)}, "seed": 0,
        "machine": {
            "cpu": "Synthetic CPU", "cores": 2, "memory_gb": 8.0, "gpu": "", "driver": "", "python": "3.11",
            "torch": "2.5", "cuda": "", "platform": "Linux", "threads": 1, "packages": {"numpy": "2.0"},
        },
        "datasets": datasets, "methods": methods,
        "tasks": {name: declared(name).model_dump() for name in TASKS}, "complete": not plan.faults,
    }  # fmt: skip


def _segmentation(store: Store, plan: RunPlan, labels: Sequence[str], pairs: dict[str, list[str]]) -> None:
    """Predictions and confusion matrices as ``tasks/segmentation`` keeps them; the labels as a data set has them."""
    width, height = plan.size
    generator = np.random.default_rng(plan.seed + 1)
    colours = [level for colour in PALETTE for level in colour]
    for dataset in [name for name in pairs if name == "mfnet"]:
        truths = {}
        for pair in pairs[dataset]:
            truths[pair] = np.zeros((height, width), np.uint8)
            for number in range(1, 5):
                top, left = generator.integers(0, height // 2), generator.integers(0, width // 2)
                truths[pair][top : top + height // 4, left : left + width // 5] = number
            _write_ids(store.root / "labels" / f"{pair}.png", truths[pair], [])
        for label in labels:
            work = store.work_dir("segmentation", dataset, label)
            matrices = []
            for pair in pairs[dataset]:
                found = truths[pair].copy()
                wrong = generator.random(found.shape) < generator.uniform(0.01, 0.2)
                found[wrong] = generator.integers(0, len(CLASSES), int(wrong.sum()))
                _write_ids(work / "predictions" / "single_scale" / f"{pair}.png", found, colours)
                index = truths[pair].astype(np.int64).ravel() * len(CLASSES) + found.ravel()
                matrices.append(np.bincount(index, minlength=len(CLASSES) ** 2).reshape(len(CLASSES), -1))
            np.savez_compressed(
                work / "confusion.npz", pairs=np.array(pairs[dataset]), classes=np.array(CLASSES),
                single_scale=np.stack(matrices),
            )  # fmt: skip


def _write_ids(path: Path, ids: np.ndarray, palette: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(ids)
    if palette:
        image.putpalette(palette)
    image.save(path)


def _detection(store: Store, plan: RunPlan, labels: Sequence[str], pairs: dict[str, list[str]]) -> None:
    """Summary and pictures as ``tasks/detection`` keeps them."""
    generator = np.random.default_rng(plan.seed + 2)
    for dataset in [name for name in pairs if name == "mfnet"]:
        for label in labels:
            work = store.work_dir("detection", dataset, label)
            (work / "pictures").mkdir(parents=True, exist_ok=True)
            summary = {}
            for pair in pairs[dataset]:
                right, wrong, missed = (int(number) for number in generator.integers(0, 5, 3))
                picture = f"pictures/{pair}.jpg"
                Image.new("RGB", plan.size, (40 * right, 40 * wrong, 40 * missed)).save(work / picture)
                summary[pair] = {
                    "right": right, "wrong": wrong, "missed": missed, "seen": label == "method1", "picture": picture,
                }  # fmt: skip
            (work / "images.json").write_text(json.dumps(summary))


__all__ = ["CLASSES", "HOSTILE", "PALETTE", "RunPlan", "make_run"]
