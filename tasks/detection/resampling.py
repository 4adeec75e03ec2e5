"""Average precision of any choice of images, from the predictions that a job keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.analysis.bootstrap import WeightedStatistic, mean_of, stacked
from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.plugin.task import Detections, Resampler
from bench.store.journal import Journal
from bench.types import PairFiles
from tasks.detection.average_precision import THRESHOLDS, Truth, match_image
from tasks.detection.looks import Look, read_looks, rules_of
from tasks.detection.predictions import FILE, from_lists
from tasks.detection.truth import read_truth
from tasks.detection.weighted import Floats, Ranked, ranked, weighted_precision

METRICS = ("AP@0.5", "AP@0.7", "AP@0.9", "AP@[0.5:0.95]")
UNSEEN = "unseen"
"""The part of the pairs that the method was not trained on; behind the rule in a convention."""

SUMMARY = "images.json"
UNKNOWN = "it is not known which pairs it was trained on"


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """One image whose boxes are kept and whose labels can be read.

    Attributes:
        found: by look, then by training.
    """

    name: str
    truth: Truth
    found: tuple[tuple[Detections, ...], ...]


def read_resamplers(work_dir: Path, files: Sequence[PairFiles], spec: DatasetSpec) -> tuple[Resampler, ...]:
    """AP of every class and of all, of every look: first on the pairs unseen in training, then on all.

    Boxes are matched and sorted once; a draw only weighs the images (``tasks.detection.weighted``).

    Args:
        work_dir: of a finished job; of several lines on a pair the last counts.
        files: the labelled pairs.
        spec: of the data set, for its classes.

    Returns:
        One for each part; empty if no predictions are kept. The first has no pairs, and says why, where it is not
        known which pairs the method was trained on, or where it has seen them all.
    """
    looks = read_looks(work_dir, spec)
    kept = _read(work_dir, files, spec, looks)
    if not kept:
        return ()
    unseen = _unseen(work_dir)
    own = [image for image in kept if unseen.get(image.name)]
    every = _resampler(kept, looks, spec, "")
    if any(unseen.get(image.name) is None for image in kept):
        return Resampler((), (), _nothing, UNSEEN, UNKNOWN), every
    if not own:
        return Resampler((), (), _nothing, UNSEEN, "it has seen all pairs in training"), every
    return _resampler(own, looks, spec, UNSEEN), every


def _nothing(counts: NDArray[np.int64]) -> Floats:
    return np.zeros((0, len(counts)))


def _read(work_dir: Path, files: Sequence[PairFiles], spec: DatasetSpec, looks: Sequence[Look]) -> list[_Kept]:
    journals = [[_lines(work_dir / folder / FILE) for folder in look.folders] for look in looks]
    kept = []
    for item in files:
        lines = [[journal.get(item.id) for journal in journals_of_look] for journals_of_look in journals]
        if item.boxes_path is None or not all(line for lines_of_look in lines for line in lines_of_look):
            continue
        found = tuple(tuple(from_lists(line) for line in lines_of_look if line) for lines_of_look in lines)
        first = journals[0][0][item.id]
        try:
            truth = read_truth(item, spec, int(first["height"]), int(first["width"]))
        except BenchError:  # the task has left this pair out too, and said so
            continue
        kept.append(_Kept(item.id, truth, found))
    return kept


def _lines(path: Path) -> dict[str, dict[str, Any]]:
    return {line["pair"]: line for line in Journal(path).lines()}


def _unseen(work_dir: Path) -> Mapping[str, bool | None]:
    """Pair -> whether it is one that no method was trained on; empty where the task did not keep it."""
    try:
        summary = json.loads((work_dir / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(pair): facts.get(UNSEEN) for pair, facts in summary.items() if isinstance(facts, dict)}


def _resampler(kept: Sequence[_Kept], looks: Sequence[Look], spec: DatasetSpec, part: str) -> Resampler:
    numbers: list[tuple[str, str, str]] = []
    statistics: list[list[WeightedStatistic]] = []
    for place, look in enumerate(looks):
        rules = rules_of(look)
        names = [(metric, label) for label in (*_names(look, spec), "all") for metric in METRICS]
        ways = [look.way(f"{rule}/{part}" if part else rule) for rule in rules]
        numbers += [(*name, way) for way in ways for name in names]
        statistics.append([
            statistic_of([_ranked(kept, place, run, number) for number in look.classes], rules)
            for run in range(len(look.folders))
        ])  # fmt: skip
    seeds = max(map(len, statistics))
    runs = tuple(stacked([ones[min(seed, len(ones) - 1)] for ones in statistics]) for seed in range(seeds))
    whole = stacked([mean_of(ones) for ones in statistics])
    return Resampler(
        tuple(image.name for image in kept), tuple(numbers), whole, part, runs=runs if len(runs) > 1 else ()
    )


def _names(look: Look, spec: DatasetSpec) -> list[str]:
    return [spec.box_classes[number] for number in look.classes]


def _ranked(kept: Sequence[_Kept], look: int, run: int, number: int) -> Ranked:
    return ranked([match_image(image.truth, image.found[look][run], number) for image in kept])


def statistic_of(classes: Sequence[Ranked], rules: Sequence[str]) -> WeightedStatistic:
    """Of draws (B, images): for each rule the numbers of each class, then those of all.

    A draw that lacks a class which the truth of all images has gives no number of all: over fewer classes it would be
    another one.
    """
    wanted = [at for at, parts in enumerate(classes) if parts.totals.sum()]

    def statistic(counts: NDArray[np.int64]) -> Floats:
        found = [weighted_precision(parts, counts) for parts in classes]
        rows = []
        for rule in rules:
            values = [each[rule] for each in found]
            mean = np.mean([values[at] for at in wanted], axis=0) if wanted else np.full_like(values[0], np.nan)
            rows += [_four(value) for value in (*values, mean)]
        return np.concatenate(rows)

    return statistic


def _four(values: Floats) -> Floats:
    """(10, B) of the thresholds as the (4, B) of ``METRICS``."""
    single = [values[THRESHOLDS.index(threshold)] for threshold in (0.5, 0.7, 0.9)]
    return np.stack([*single, values.mean(axis=0)])
