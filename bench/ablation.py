"""``bench ablate``: trains a method's ablations over seeds and compares what a retrained segmenter makes of each.

Every piece lies in its own folder of ``out`` and is taken up where it was left: ``trained/VARIANT-SEED``,
``fused/VARIANT-SEED``, ``segmentation/VARIANT-SEED``; ``ablation.csv`` holds every number, ``ablation.json`` the table.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from bench.datasets import Dataset, open_dataset, read_pair
from bench.harness import Fuser, create_fuser, pick_device
from bench.images import encode_png, read_image, write_atomic
from bench.method import Preset, TrainRequest
from bench.metrics import evaluate
from bench.plugins import METHODS, TASKS
from bench.store import file_digest
from bench.task import FusedSet, Job
from bench.throughput import Timings, fuse_stream
from bench.types import BenchError, Image, PairFiles, Score

METRICS = ("EN", "MI", "VIF", "SF", "SD", "Qabf")
"""Fusion metrics of the test part, convention ``standard``: what an ablation does to the looks."""

CONVENTIONS = ("single_scale", "multi_scale", "joint/single_scale", "joint/multi_scale")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Ablation:
    """What is compared and how.

    Attributes:
        dataset: with a training and a test part, both with labels.
        preset: schedule sizes of training and segmentation.
        seeds: one training and one segmenter for each.
        out: folder of everything.
        variants: ablations of ``method``, or names of other methods (``visible``, ``infrared``, ``average`` ...).
        method: a trainable method that names its ``variants``.
        device: torch device.
        options: of the training.
        task_options: of the segmentation task.
        progress: called with (what, done, total).
    """

    dataset: Dataset
    preset: Preset
    seeds: tuple[int, ...]
    out: Path
    variants: tuple[str, ...]
    method: str = "seafusion"
    device: str = "cpu"
    options: tuple[tuple[str, str], ...] = ()
    task_options: dict[str, str] = field(default_factory=dict)
    progress: Progress | None = None


def ablation_command(
    dataset: str, preset: str, variants: Sequence[str], seeds: int, out: Path, data_root: Path | None, device: str,
    progress: Progress | None,
) -> list[dict[str, str]]:  # fmt: skip
    """What ``bench ablate`` does; returns the table's rows, all text.

    Raises:
        BenchError: an unknown preset or variant, no seeds, or a data set without labelled parts.
    """
    if preset not in ("smoke", "quick", "paper"):
        raise BenchError(f"--preset is {preset!r}, wanted smoke, quick or paper")
    if seeds < 1:
        raise BenchError(f"--seeds is {seeds}, wanted at least 1")
    return run_ablation(Ablation(
        open_dataset(dataset, data_root), preset, tuple(range(seeds)), out,  # type: ignore[arg-type]
        tuple(variants) or known_variants("seafusion"), device=pick_device(device), progress=progress,
    ))  # fmt: skip


def known_variants(method: str) -> tuple[str, ...]:
    """The names of a method's ablations.

    Raises:
        BenchError: it has none.
    """
    variants = getattr(METHODS.get(method), "variants", ())
    if not variants:
        raise BenchError(f"{method} has no ablations; wanted a method with some, e.g. seafusion")
    return tuple(variants)


def run_ablation(ablation: Ablation) -> list[dict[str, str]]:
    """Trains, fuses, evaluates, and fills the table: mean and standard deviation over the seeds.

    Raises:
        BenchError: as ``ablation_command``, or whatever a piece raises.
    """
    variants = known_variants(ablation.method)
    for name in ablation.variants:
        if name not in variants and name not in METHODS.names():
            raise BenchError(f"variant {name!r} is not known, wanted one of {', '.join(variants)}, or a method's name")
    scores = []
    for name in ablation.variants:
        for seed in ablation.seeds:
            scores += [{"variant": name, "seed": seed, **asdict(score)} for score in _scores(ablation, name, seed)]
    frame = pd.DataFrame(scores)
    ablation.out.mkdir(parents=True, exist_ok=True)
    write_atomic(ablation.out / "ablation.csv", frame.to_csv(index=False).encode())
    rows = table(frame)
    write_atomic(ablation.out / "ablation.json", json.dumps(rows, indent=2).encode())
    return rows


def _scores(ablation: Ablation, name: str, seed: int) -> Iterator[Score]:
    """All numbers of one variant and seed."""
    weights, fuser = _fuser(ablation, name, seed)
    parts = {}
    for split in ("train", "test"):
        files = ablation.dataset.listing(split).pairs
        if not files:
            raise BenchError(f"{ablation.dataset.name}: no {split} pair is on disk; see bench data check")
        parts[split] = _fuse(ablation, f"{name}-{seed}", fuser, weights, files)
    yield from _looks(ablation, name, parts["test"])
    work_dir = ablation.out / "segmentation" / f"{name}-{seed}"
    work_dir.mkdir(parents=True, exist_ok=True)
    job = Job(
        dataset=ablation.dataset.name, spec=ablation.dataset.spec, method=name, parts=parts, work_dir=work_dir,
        preset=ablation.preset, seed=seed, device=ablation.device, weights=weights, progress=ablation.progress,
        options=ablation.task_options,
    )  # fmt: skip
    yield from TASKS.get("segmentation")().run(job)


def _fuser(ablation: Ablation, name: str, seed: int) -> tuple[Path | None, Fuser]:
    if name not in known_variants(ablation.method):
        return None, create_fuser(name, device=ablation.device, seed=seed)
    cls: Any = METHODS.get(ablation.method)
    out = ablation.out / "trained" / f"{name}-{seed}"
    weights = cls.train(TrainRequest(
        dataset=ablation.dataset.name, pairs=ablation.dataset.listing("train").pairs, preset=ablation.preset, out=out,
        variant=name, device=ablation.device, seed=seed, progress=ablation.progress, options=ablation.options,
    ))  # fmt: skip
    return weights, Fuser(cls(weights, ablation.device), seed=seed)


def _fuse(ablation: Ablation, label: str, fuser: Fuser, weights: Path | None, files: Sequence[PairFiles]) -> FusedSet:
    """Fused images of one part; those that these weights made before are kept."""
    made_by = file_digest(weights) if weights else "none"
    folder = ablation.out / "fused" / label / made_by[:12]
    paths = {item.id: folder / f"{item.id}.png" for item in files}
    missing = [item for item in files if not paths[item.id].is_file()]

    def keep(item: PairFiles, result: Image | Exception, timings: Timings) -> None:
        if isinstance(result, Exception):
            raise result
        write_atomic(paths[item.id], encode_png(result))
        if ablation.progress is not None:
            ablation.progress(f"{label}: fuse", missing.index(item) + 1, len(missing))

    fuse_stream(fuser, missing, keep)
    return FusedSet(label, tuple(files), tuple(paths.values()))


def _looks(ablation: Ablation, name: str, part: FusedSet) -> Iterator[Score]:
    """Means of the fusion metrics over the test part."""
    totals: dict[str, list[float]] = {metric: [] for metric in METRICS}
    for item, path in zip(part.files, part.paths, strict=True):
        pair = read_pair(item)
        for metric, value in evaluate(pair.ir, pair.vis, read_image(path, True), metrics=METRICS).items():
            totals[metric].append(value)
    for metric, values in totals.items():
        mean = statistics.fmean(values)
        yield Score("metrics", ablation.dataset.name, "test", name, metric, mean, convention="standard")


def table(scores: pd.DataFrame) -> list[dict[str, str]]:
    """One row per variant: set-level segmentation in percent and fusion metrics, mean ± standard deviation over seeds.

    Args:
        scores: as in ``ablation.csv``: ``variant, seed`` and the columns of the score table.
    """
    rows = []
    for name in dict.fromkeys(scores["variant"]):
        own = scores[scores["variant"] == name]
        row = {"variant": name, "seeds": str(own["seed"].nunique())}
        for convention in CONVENTIONS:
            row |= _cells(own[(own["task"] == "segmentation") & (own["convention"] == convention)], convention)
        for metric in METRICS:
            row[metric] = _spread(own.loc[(own["task"] == "metrics") & (own["metric"] == metric), "value"], 1, 3)
        rows.append(row)
    return rows


def _cells(scores: pd.DataFrame, convention: str) -> dict[str, str]:
    """MIoU and mAcc, and of the first convention every class's IoU; nothing where the convention was not scored."""
    cells = {}
    for metric in ("mIoU", "mAcc") if not scores.empty else ():
        cells[f"{metric} {convention}"] = _spread(scores.loc[scores["metric"] == metric, "value"])
    if convention == CONVENTIONS[0]:
        own = scores[scores["metric"] == "IoU"]
        cells |= {label: _spread(own.loc[own["label"] == label, "value"]) for label in dict.fromkeys(own["label"])}
    return cells


def _spread(values: Iterable[float], factor: float = 100.0, digits: int = 2) -> str:
    numbers = [factor * value for value in values if value is not None and value == value]
    if not numbers:
        return ""
    mean = f"{statistics.fmean(numbers):.{digits}f}"
    return mean if len(numbers) == 1 else f"{mean} ± {statistics.stdev(numbers):.{digits}f}"
