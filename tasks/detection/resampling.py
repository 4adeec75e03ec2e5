"""Average precision of any choice of images, from the predictions that a job keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.analysis.bootstrap import WeightedStatistic
from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.plugin.task import Detections, Resampler
from bench.store.journal import Journal
from bench.types import PairFiles
from tasks.detection.average_precision import THRESHOLDS, Truth, match_image
from tasks.detection.predictions import FILE, from_lists
from tasks.detection.truth import known_classes, read_truth
from tasks.detection.weighted import RULES, Floats, Ranked, ranked, weighted_precision

METRICS = ("AP@0.5", "AP@0.7", "AP@0.9", "AP@[0.5:0.95]")
UNSEEN = "unseen"
"""The part of the pairs that the method was not trained on; behind the rule in a convention."""

SUMMARY = "images.json"
UNKNOWN = "it is not known which pairs it was trained on"


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """One image whose boxes are kept and whose labels can be read."""

    name: str
    truth: Truth
    found: Detections


def read_resamplers(work_dir: Path, files: Sequence[PairFiles], spec: DatasetSpec) -> tuple[Resampler, ...]:
    """AP of people, cars and all in every rule: first on the pairs unseen in training, then on all.

    Boxes are matched and sorted once; a draw only weighs the images (``tasks.detection.weighted``).

    Args:
        work_dir: of a finished job; of several lines on a pair the last counts.
        files: the labelled pairs.
        spec: of the data set, for its classes.

    Returns:
        One for each part; empty if no predictions are kept. The first has no pairs, and says why, where it is not
        known which pairs the method was trained on, or where it has seen them all.
    """
    kept = _read(work_dir, files, spec)
    if not kept:
        return ()
    unseen = _unseen(work_dir)
    own = [image for image in kept if unseen.get(image.name)]
    every = _resampler(kept, spec, "")
    if any(unseen.get(image.name) is None for image in kept):
        return Resampler((), (), _nothing, UNSEEN, UNKNOWN), every
    if not own:
        return Resampler((), (), _nothing, UNSEEN, "it has seen all pairs in training"), every
    return _resampler(own, spec, UNSEEN), every


def _nothing(counts: NDArray[np.int64]) -> Floats:
    return np.zeros((0, len(counts)))


def _read(work_dir: Path, files: Sequence[PairFiles], spec: DatasetSpec) -> list[_Kept]:
    lines = {line["pair"]: line for line in Journal(work_dir / FILE).lines()}
    kept = []
    for item in files:
        line = lines.get(item.id)
        if line is None or item.boxes_path is None:
            continue
        try:
            truth = read_truth(item, spec, int(line["height"]), int(line["width"]))
        except BenchError:  # the task has left this pair out too, and said so
            continue
        kept.append(_Kept(item.id, truth, from_lists(line)))
    return kept


def _unseen(work_dir: Path) -> Mapping[str, bool | None]:
    """Pair -> whether it is one that no method was trained on; empty where the task did not keep it."""
    try:
        summary = json.loads((work_dir / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(pair): facts.get(UNSEEN) for pair, facts in summary.items() if isinstance(facts, dict)}


def _resampler(kept: Sequence[_Kept], spec: DatasetSpec, part: str) -> Resampler:
    classes = {
        number: ranked([match_image(image.truth, image.found, number) for image in kept])
        for number in known_classes(spec)
    }
    names = [(metric, label) for label in (*known_classes(spec).values(), "all") for metric in METRICS]
    conventions = [f"{rule}/{part}" if part else rule for rule in RULES]
    numbers = tuple((*name, convention) for convention in conventions for name in names)
    return Resampler(tuple(image.name for image in kept), numbers, _statistic(list(classes.values())), part)


def _statistic(classes: Sequence[Ranked]) -> WeightedStatistic:
    """Of draws (B, images): for each rule the numbers of each class, then those of all.

    A draw that lacks a class which the truth of all images has gives no number of all: over fewer classes it would be
    another one.
    """
    wanted = [at for at, parts in enumerate(classes) if parts.totals.sum()]

    def statistic(counts: NDArray[np.int64]) -> Floats:
        found = [weighted_precision(parts, counts) for parts in classes]
        rows = []
        for rule in RULES:
            values = [each[rule] for each in found]
            mean = np.mean([values[at] for at in wanted], axis=0) if wanted else np.full_like(values[0], np.nan)
            rows += [_four(value) for value in (*values, mean)]
        return np.concatenate(rows)

    return statistic


def _four(values: Floats) -> Floats:
    """(10, B) of the thresholds as the (4, B) of ``METRICS``."""
    single = [values[THRESHOLDS.index(threshold)] for threshold in (0.5, 0.7, 0.9)]
    return np.stack([*single, values.mean(axis=0)])
