"""Average precision of what the looks found, as rows of the score table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from bench.plugin.task import Detections
from bench.types import PairFiles, Score
from tasks.detection.average_precision import AREAS, CONVENTIONS, Scorer, Truth, coco, in_area, table
from tasks.detection.looks import Look, rules_of
from tasks.detection.resampling import METRICS, UNSEEN

SUBSETS = ("day", "night")
"""Tags of pairs that are scored by themselves as well."""

DETAILED = "coco"
"""The rule in which they are, and objects of each size."""

SPREAD = " std"
"""Ends the name of a number's standard deviation over the seeds."""

ANY_AREA = (0.0, float("inf"))


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One image whose labels can be read.

    Attributes:
        place: in the part.
    """

    place: int
    files: PairFiles
    path: Path
    truth: Truth


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What one look found in the labelled images.

    Attributes:
        look: whose boxes these are.
        names: its classes by id.
        runs: for each of its trainings the boxes in every image.
    """

    look: Look
    names: Mapping[int, str]
    runs: Sequence[Sequence[Detections]]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some of the images, scored together.

    Attributes:
        images: these.
        runs: what was found in them, for each training.
        left_out: pairs whose labels could not be read.
        area: square pixels of the objects that count.
        trained: True if each run is a training.
    """

    images: Sequence[Labelled]
    runs: Sequence[Sequence[Detections]]
    left_out: int
    area: tuple[float, float] = ANY_AREA
    trained: bool = False

    def only(self, chosen: Sequence[bool]) -> Part:
        """Those images of it."""
        at = np.flatnonzero(np.asarray(chosen, dtype=bool)).tolist()
        return replace(
            self, images=[self.images[place] for place in at], runs=[[run[place] for place in at] for run in self.runs]
        )


def rows_of_look(
    row: Score, images: Sequence[Labelled], found: Found, unseen: frozenset[str] | None, left_out: int
) -> Iterator[Score]:
    """All rows of one look: each rule over all pairs and over unseen ones, the detailed one in finer parts too.

    A detector before it learned stands beside as a whole alone.

    Args:
        row: dataset, split and method.
        images: the labelled images.
        found: in them.
        unseen: pairs that neither the method nor its detector was trained on; None where that is not known.
        left_out: pairs whose labels could not be read.
    """
    whole = Part(images, found.runs, left_out, trained=found.look.trained)
    for rule in rules_of(found.look):
        way = found.look.way(rule)
        yield from ap_rows(replace(row, convention=way), whole, found.names, CONVENTIONS[rule])
        own = replace(row, convention=f"{way}/{UNSEEN}")
        if unseen is None:
            yield from _not_known(own, found.names)
            continue
        part = whole.only([image.files.id in unseen for image in images])
        yield from ap_rows(own, part, found.names, CONVENTIONS[rule])
        if rule == DETAILED and part.images and (found.look.trained or not found.look.prefix):
            yield from _finer(own, part, found.names)


def _finer(row: Score, part: Part, names: Mapping[int, str]) -> Iterator[Score]:
    """Pairs by day and by night, and objects by their size."""
    for tag in SUBSETS:
        chosen = [tag in image.files.tags for image in part.images]
        if any(chosen):
            yield from ap_rows(replace(row, convention=f"{row.convention}/{tag}"), part.only(chosen), names, coco)
    for size, area in AREAS.items():
        sized = replace(part, area=area)
        yield from ap_rows(replace(row, convention=f"{row.convention}/{size}"), sized, names, partial(coco, area=area))


def ap_rows(row: Score, part: Part, names: Mapping[int, str], scorer: Scorer) -> Iterator[Score]:
    """AP of each class and of all, and over what; a class without a box in the truth has none and says so."""
    yield from _count_rows(row, part, names)
    truth = [image.truth for image in part.images]
    tables = [table(scorer(truth, run, list(names)), names) for run in part.runs]
    for label in (*names.values(), "all"):
        for metric in METRICS:
            values = [one[metric, label] for one in tables if (metric, label) in one]
            if not values:
                why = f"no {label if label != 'all' else 'box'} in the truth of the {len(part.images)} pairs"
                yield replace(row, metric=metric, label=label, status="skipped", reason=why)
                continue
            yield replace(row, metric=metric, label=label, value=float(np.mean(values)))
            if len(values) > 1:
                yield replace(row, metric=metric + SPREAD, label=label, value=float(np.std(values, ddof=1)))


def _count_rows(row: Score, part: Part, names: Mapping[int, str]) -> Iterator[Score]:
    """How many pictures and objects the numbers are over, how many pictures had to be left out, how many trainings."""
    yield replace(row, metric="pictures", value=float(len(part.images)))
    yield replace(row, metric="left_out", value=float(part.left_out))
    if part.trained:
        yield replace(row, metric="seeds", value=float(len(part.runs)))
    counted = [image.truth.classes[in_area(image.truth, part.area)] for image in part.images]
    counts = {name: sum(int((classes == key).sum()) for classes in counted) for key, name in names.items()}
    for label, count in {**counts, "all": sum(counts.values())}.items():
        yield replace(row, metric="objects", label=label, value=float(count))


def _not_known(row: Score, names: Mapping[int, str]) -> Iterator[Score]:
    why = f"not known which pairs {row.method} was trained on"
    for label in (*names.values(), "all"):
        for metric in METRICS:
            yield replace(row, metric=metric, label=label, status="skipped", reason=why)


def nameless_rows(row: Score, found: Found, classes: Mapping[int, str]) -> Iterator[Score]:
    """A class of the truth that the look cannot name has no AP, and is no part of that of all."""
    for name in (name for number, name in classes.items() if number not in found.names):
        why = "no class of COCO, which the detector was trained on"
        for rule in rules_of(found.look):
            for metric in METRICS:
                yield replace(
                    row, metric=metric, convention=found.look.way(rule), label=name, status="skipped", reason=why
                )


def seen_rows(row: Score, images: Sequence[Labelled], seen: frozenset[tuple[str, str]] | None) -> Iterator[Score]:
    """Whether the method was trained on each pair."""
    for image in images:
        if seen is None:
            why = f"not known which pairs {row.method} was trained on"
            yield replace(row, pair=image.files.id, metric="seen_in_training", status="skipped", reason=why)
        else:
            value = float(image.files.key in seen)
            yield replace(row, pair=image.files.id, metric="seen_in_training", value=value)
