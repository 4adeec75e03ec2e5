"""From the lines of a ladder to numbers: levels, areas, and the share of the clean number that is kept.

The level of a rung is the mean over the pairs (of AP: that of the whole set). The area under a ladder is the mean
height of the line through its rungs, from severity 0 to the highest one that was measured: the trapezoidal rule over
the severities as they are, divided by the highest. A share is a level divided by the clean one, an area of shares the
area divided by the clean level. Metrics that noise raises have no share, nor have decibels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.analysis.bootstrap import WeightedStatistic
from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.metrics.catalogue import METRICS
from bench.types import PairFiles
from tasks.detection.average_precision import Truth
from tasks.detection.door import RULE, precision_of_all
from tasks.detection.predictions import from_lists
from tasks.detection.resampling import METRICS as METRICS_OF_AP
from tasks.detection.truth import known_classes, read_truth
from tasks.robustness.climbing import CLEAN, OWN, rung_of

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Key = tuple[str, str]
"""Metric and convention."""
Line = Mapping[str, Any]
"""Of the journal, see ``tasks.robustness.climbing.FILE``."""

NOISE_RAISED = ("EN", "SD", "SF", "AG", "Edge_intensity")
"""What noise raises: more of it after a fault says nothing good."""

AREA, ALL = "area", "all"
PRECISIONS = ("AP@0.5", "AP@[0.5:0.95]")


def has_share(metric: str) -> bool:
    """True for a number of which one can say how much a fault leaves."""
    if metric in PRECISIONS:
        return True
    facts = METRICS.get(metric)
    return facts is not None and facts.better == "higher" and facts.unit != "dB" and facts.idea not in NOISE_RAISED


def area(severities: Sequence[int], levels: Sequence[Floats]) -> Floats:
    """The mean height of the line through levels at severities, the first of which is 0 or 1; NaN if one is lacking.

    >>> area([0, 1, 3, 5], [np.array([1.0]), np.array([1.0]), np.array([0.5]), np.array([0.0])]).tolist()
    [0.6]
    """
    steps = zip(severities[:-1], severities[1:], levels[:-1], levels[1:], strict=True)
    total = sum(((b - a) * (first + second) / 2 for a, b, first, second in steps), start=np.zeros_like(levels[0]))
    return np.asarray(total / (severities[-1] - severities[0]))


@dataclass(frozen=True, eq=False)
class Ladder:
    """What one method's journal holds, by number and rung.

    Attributes:
        pairs: names, in listing order.
        severities: corruption -> those that were measured, without 0.
        values: (metric, convention) -> rung -> float64 (pairs,), NaN where a pair has none.
        sets: (metric, convention) -> rung -> the number of the whole set, of any draws of the pairs.
        failed: rung -> why a pair could not be fused.
        lacking: why a number is NaN at some pair, by metric.
    """

    pairs: tuple[str, ...]
    severities: Mapping[str, tuple[int, ...]]
    values: Mapping[Key, Mapping[str, Floats]]
    sets: Mapping[Key, Mapping[str, WeightedStatistic]]
    failed: Mapping[str, str]
    lacking: Mapping[str, str]

    @property
    def numbers(self) -> tuple[Key, ...]:
        """(metric, convention) of all that was measured."""
        return (*self.values, *self.sets)

    @property
    def every(self) -> Counts:
        """The draw of every pair once."""
        return np.ones((1, len(self.pairs)), dtype=np.int64)

    def level(self, number: Key, rung: str, counts: Counts) -> Floats:
        """(B,), a number at a rung, of draws (B, pairs); NaN where a pair has none."""
        if rung in self.failed or rung not in self._of(number):
            return np.full(len(counts), np.nan)
        if number in self.sets:
            return self.sets[number][rung](counts)[0]
        return np.asarray(counts @ self.values[number][rung] / counts.sum(axis=1))

    def _of(self, number: Key) -> Mapping[str, object]:
        return self.sets.get(number) or self.values.get(number, {})

    def levels(self, number: Key, corruption: str, counts: Counts) -> dict[int, Floats]:
        """Severity -> level, from 0; without 0 where the number compares with the clean image, and is its best there.

        SSIM is 1 there by definition; PSNR has no value.
        """
        rungs = {severity: rung_of(corruption, severity) for severity in self.severities[corruption]}
        if number[0] not in OWN.values():
            rungs = {0: CLEAN, **rungs}
        found = {severity: self.level(number, rung, counts) for severity, rung in rungs.items()}
        return {0: np.ones(len(counts)), **found} if number[0] == OWN["SSIM"] else found

    def area(self, number: Key, corruption: str, counts: Counts) -> Floats | None:
        """(B,), the area under a ladder; None where there is no level at 0 to begin with."""
        levels = self.levels(number, corruption, counts)
        return area(list(levels), list(levels.values())) if 0 in levels else None

    def shares(self, number: Key, corruption: str, counts: Counts) -> dict[int | str, Floats]:
        """Severity, and ``AREA`` -> share kept, NaN where the clean number is not above 0; empty if it has none."""
        if not has_share(number[0]):
            return {}
        levels = self.levels(number, corruption, counts)
        clean = np.where(levels[0] > 0, levels[0], np.nan)
        shares: dict[int | str, Floats] = {severity: level / clean for severity, level in levels.items()}
        return {**shares, AREA: area(list(levels), list(shares.values()))}

    def kept(self, convention: str, corruption: str, counts: Counts) -> dict[int | str, Floats]:
        """The mean of the shares of a convention's metrics; AP is none of them."""
        found = [self.shares(number, corruption, counts) for number in self.values if number[1] == convention]
        found = [shares for shares in found if shares]
        return {at: np.mean([shares[at] for shares in found], axis=0) for at in found[0]} if found else {}

    def kept_areas(self, counts: Counts) -> dict[Key, Floats]:
        """(label, convention) -> area of what is kept of a corruption, and the mean over all of them."""
        areas: dict[Key, Floats] = {}
        for convention in dict.fromkeys(name for _, name in self.values if name):
            own = {f"{name}@{AREA}": self.kept(convention, name, counts) for name in self.severities}
            kept = {label: shares[AREA] for label, shares in own.items() if shares}
            areas |= {(label, convention): one for label, one in kept.items()}
            if kept:
                areas[f"{ALL}@{AREA}", convention] = np.mean(list(kept.values()), axis=0)
        return areas


def read_ladder(lines: Sequence[Line], files: Sequence[PairFiles], spec: DatasetSpec) -> Ladder:
    """What the lines of a journal hold; pairs of which nothing is kept are left out.

    Args:
        lines: of one job.
        files: the listing.
        spec: of the data set, for its boxes.
    """
    known = {(line["pair"], line["rung"]): line for line in lines}
    chosen = [one for one in files if (one.id, CLEAN) in known]
    rungs = list(dict.fromkeys(line["rung"] for line in lines))
    severities: dict[str, tuple[int, ...]] = {}
    for name, _, severity in (rung.partition("@") for rung in rungs if rung != CLEAN):
        severities[name] = (*severities.get(name, ()), int(severity))
    table = {rung: [known.get((one.id, rung), {"error": "was not reached"}) for one in chosen] for rung in rungs}
    failed = {rung: _some([one["error"] for one in own if "error" in one], len(own)) for rung, own in table.items()}
    values, lacking = _values(table)
    return Ladder(
        tuple(one.id for one in chosen), {name: tuple(sorted(found)) for name, found in severities.items()}, values,
        dict(_precisions(table, chosen, spec)), {rung: text for rung, text in failed.items() if text}, lacking,
    )  # fmt: skip


def _some(reasons: Sequence[str], total: int) -> str:
    return f"{len(reasons)} of {total} pairs: {reasons[0]}" if reasons else ""


def _values(table: Mapping[str, Sequence[Line]]) -> tuple[dict[Key, dict[str, Floats]], dict[str, str]]:
    """Numbers of single pairs, and why some are lacking."""
    values: dict[Key, dict[str, Floats]] = {}
    lacking: dict[str, str] = {}
    for rung, own in table.items():
        for at, line in enumerate(own):
            blocks = [*line.get("scores", {}).items(), ("standard", line.get("own", {}))]
            for convention, metric, value in ((name, *item) for name, block in blocks for item in block.items()):
                row = values.setdefault((metric, convention), {}).setdefault(rung, np.full(len(own), np.nan))
                if isinstance(value, str):
                    lacking[metric] = value
                else:
                    row[at] = value
    return values, lacking


def _precisions(
    table: Mapping[str, Sequence[Line]], files: Sequence[PairFiles], spec: DatasetSpec
) -> Iterator[tuple[Key, dict[str, WeightedStatistic]]]:
    """AP of all classes, over the pairs whose boxes can be read; nothing where no boxes were looked for."""
    truth: dict[int, Truth] = {}
    for at, (one, line) in enumerate(zip(files, table.get(CLEAN, ()), strict=True)):
        with suppress(BenchError):  # the detection task leaves it out too, and says so
            if "found" in line:
                truth[at] = read_truth(one, spec, *line["size"])
    if not truth:
        return
    whole: dict[str, WeightedStatistic] = {}
    for rung, own in table.items():
        if not any("error" in own[at] for at in truth):
            found = [from_lists(own[at]["found"]) for at in truth]
            whole[rung] = _drawn_from(precision_of_all(list(truth.values()), found, known_classes(spec)), list(truth))
    for metric in PRECISIONS:
        place = METRICS_OF_AP.index(metric)
        yield (metric, RULE), {rung: _one_of(statistic, place) for rung, statistic in whole.items()}


def _drawn_from(statistic: WeightedStatistic, places: Sequence[int]) -> WeightedStatistic:
    return lambda counts: statistic(counts[:, places])


def _one_of(statistic: WeightedStatistic, place: int) -> WeightedStatistic:
    return lambda counts: statistic(counts)[place : place + 1]
