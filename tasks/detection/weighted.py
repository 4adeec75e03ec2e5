"""Average precision of weighted images: what drawing images again and again needs, without sorting anew.

The detections of a class are sorted once, by falling score over all images, and matched once per image. A draw says
how often each image counts; k copies of an image are k detections in a row for each of its own. All a curve needs is
then the number of detections and of right ones before and after each such block, and the curve bends at blocks of
right ones only. The values are those of the same images written out k times, in every rule of ``average_precision``.

Equal scores: of different images they stand in the order of the images, within an image in the order of its detections,
each with all of its copies before the next.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.detection.average_precision import RECALL_POINTS, THRESHOLDS, Matches

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Small = NDArray[np.int32]

POINTS = np.linspace(0.0, 1.0, RECALL_POINTS)
CELLS = 1 << 20
"""Draws times detections that are held at once."""
MANY = 5_000_000
"""Draws times detections from which Numba is used: half a second here, and other classes and methods follow."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The detections of one class over all images, highest score first.

    Attributes:
        right: bool (M, 10), at each threshold.
        image: int64 (M,), index of each one's image.
        totals: int64 (images,), boxes of the class in the truth of each image.
    """

    right: NDArray[np.bool_]
    image: NDArray[np.int64]
    totals: Counts


def ranked(parts: Sequence[Matches]) -> Ranked:
    """The matches of one class in all images, in one order."""
    right = np.concatenate([np.zeros((0, len(THRESHOLDS)), dtype=bool), *(part.right for part in parts)])
    scores = np.concatenate([np.zeros(0), *(part.scores for part in parts)])
    image = np.repeat(np.arange(len(parts)), [len(part.scores) for part in parts])
    order = np.argsort(-scores, kind="stable")
    return Ranked(right[order], image[order], np.array([part.total for part in parts], dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """The precision curves of B draws at one threshold, at their T blocks of right detections.

    Attributes:
        after: (B, T), right ones up to and with each block; a block that was not drawn repeats the one before.
        ends: (B, T), detections up to and with each block, at least 1.
        envelope: (B, T), the best precision within or beyond each block, the last block first.
        last: (B,), precision at the end of all detections.
        total: (B,), boxes in the truth, at least 1.
    """

    after: Small
    ends: Small
    envelope: Floats
    last: Floats
    total: Counts

    @property
    def found(self) -> Counts:
        """Right ones in all, (B,)."""
        return _last(self.after)


def _last(values: Small) -> Counts:
    """The last of each row; 0 where there is none."""
    return values[:, -1].astype(np.int64) if values.shape[1] else np.zeros(len(values), dtype=np.int64)


def _steps(cumulative: Small, weights: Small, right: NDArray[np.bool_], total: Counts) -> Steps:
    """The steps at one threshold.

    Args:
        cumulative: (B, M), detections up to and with each block, at least 1.
        weights: (B, M), copies of each detection.
        right: (M,), which are right.
        total: (B,), boxes in the truth.
    """
    at = np.flatnonzero(right)
    after, ends = weights.take(at, axis=1).cumsum(axis=1, dtype=np.int32), cumulative.take(at, axis=1)
    precision = after / ends
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)
    last = _last(after) / np.maximum(_last(cumulative), 1)
    return Steps(after, ends, envelope, last, np.maximum(total, 1))


def _needed(total: Counts, reach: bool) -> Counts:
    """(B, points), how many right ones it takes for a recall that reaches each point, or exceeds it.

    Recalls are compared as floats without tolerance, as all rules do.
    """
    least = np.maximum(np.floor(POINTS * total[:, None]).astype(np.int64) - 1, 0)
    for _ in range(3):
        recall = least / total[:, None]
        least += (recall < POINTS) if reach else (recall <= POINTS)
    return least


def _blocks(steps: Steps, needed: Counts) -> Counts:
    """(B, points), the block with which that many right ones are there; T where there never are."""
    draws, blocks = steps.after.shape
    row = np.arange(draws)[:, None] * (int(max(steps.found.max(initial=0), needed.max(initial=0))) + 2)
    row = row.astype(steps.after.dtype)
    places = (needed + row).astype(steps.after.dtype)
    found = np.searchsorted((steps.after + row).ravel(), places.ravel()).reshape(needed.shape)
    return np.minimum(found - np.arange(draws)[:, None] * blocks, blocks)


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Where some blocks lie in the flat arrays of ``Steps``: each (B, points).

    Attributes:
        inside: False where there is no such block; then the places are of another.
        first: it is the first block.
        forward: in arrays that run from the first block to the last.
        backward: in those that run from the last to the first.
    """

    inside: NDArray[np.bool_]
    first: NDArray[np.bool_]
    forward: Counts
    backward: Counts

    @classmethod
    def of(cls, block: Counts, blocks: int) -> _Places:
        """Of blocks 0 to ``blocks`` of each draw, where ``blocks`` is none of them."""
        start = np.arange(len(block))[:, None] * blocks
        held = np.minimum(block, blocks - 1)
        return cls(block < blocks, held == 0, start + held, start + blocks - 1 - held)


def _envelope(steps: Steps, places: _Places) -> Floats:
    """(B, points), the best precision within or beyond some blocks; 0 where there is no such block."""
    return np.asarray(steps.envelope.take(places.backward) * places.inside)


def _curve(steps: Steps, places: _Places) -> Floats:
    """(B, points), the interpolated envelope up to the last recall reached, 0 beyond."""
    high, after = _envelope(steps, places), steps.after.take(places.forward)
    start = np.where(places.first, 0, steps.after.take(places.forward - 1))
    before = steps.ends.take(places.forward) - (after - start)  # detections ahead of the block
    ahead = np.where(before > 0, start / np.maximum(before, 1), 1.0)
    # within one more right detection the curve runs from what stands before the block to its envelope
    low = np.maximum(ahead, high)
    share = np.clip((POINTS - start / steps.total[:, None]) * steps.total[:, None], 0.0, 1.0)
    return np.asarray((low + (high - low) * share) * places.inside)


def _area(curve: Floats) -> Floats:
    return np.asarray(((curve[:, 1:] + curve[:, :-1]) / 2 * np.diff(POINTS)).sum(axis=1))


def _sloped(steps: Steps, curve: Floats) -> Floats:
    """The curve, sloping from its last point to 0 at recall 1."""
    end = (steps.found / steps.total)[:, None]
    slope = np.divide(1.0 - POINTS, 1.0 - end, out=np.zeros((len(end), len(POINTS))), where=end < 1.0)
    return np.where(end <= POINTS, steps.last[:, None] * slope, curve)


RULES = ("coco", "yolov5", "yolov5_val")
"""As ``average_precision.CONVENTIONS``."""


def _precisions(steps: Steps, reached: Counts, exceeded: Counts) -> tuple[Floats, Floats, Floats]:
    """(B,) for each of ``RULES``.

    They are: the mean over 101 recall points of the best precision at that recall or beyond; the area under 101 points
    of the interpolated envelope, which drops to 0 at the last recall reached; the same, the envelope sloping to 0.

    Args:
        steps: of one threshold.
        reached: see ``_needed``.
        exceeded: the same.
    """
    blocks = steps.after.shape[1]
    if not blocks:
        nothing = np.zeros(len(steps.total))
        return nothing, nothing, nothing
    both = _blocks(steps, np.concatenate([reached, exceeded], axis=1))
    best = _envelope(steps, _Places.of(both[:, : len(POINTS)], blocks))
    curve = _curve(steps, _Places.of(both[:, len(POINTS) :], blocks))
    return best.mean(axis=1), _area(curve), _area(_sloped(steps, curve))


def weighted_precision(parts: Ranked, counts: Counts) -> dict[str, Floats]:
    """AP of one class in every rule; by Numba where it is installed and there is much to do.

    Args:
        parts: the class's detections.
        counts: int64 (B, images), how often each image counts.

    Returns:
        Rule -> float64 (10, B), at each threshold, 0 to 1; NaN for a draw whose truth lacks the class.
    """
    much = len(counts) * len(parts.image) >= MANY and os.environ.get("BENCH_ENGINE") != "numpy"
    return (compiled_precision if much and importlib.util.find_spec("numba") else numpy_precision)(parts, counts)


def compiled_precision(parts: Ranked, counts: Counts) -> dict[str, Floats]:
    """``weighted_precision`` in one sweep a draw, compiled in about three seconds when it is first called."""
    from tasks.detection.kernels.precision import precisions

    places = [np.flatnonzero(right).astype(np.int32) for right in parts.right.T]
    starts = np.cumsum([0, *map(len, places)])
    blocks, image = np.concatenate(places), parts.image.astype(np.int32)
    found = precisions(image, blocks, starts, parts.totals, np.ascontiguousarray(counts, dtype=np.int32), POINTS)
    return dict(zip(RULES, found, strict=True))


def warm() -> None:
    """Compiles the kernel, where Numba is installed, with the kinds of arrays that it is given in use."""
    if importlib.util.find_spec("numba"):
        right = np.ones((1, len(THRESHOLDS)), dtype=bool)
        compiled_precision(Ranked(right, np.zeros(1, np.int64), np.ones(1, np.int64)), np.ones((1, 1), np.int64))


def numpy_precision(parts: Ranked, counts: Counts) -> dict[str, Floats]:
    """``weighted_precision`` in NumPy, the reference."""
    found = {rule: np.full((len(THRESHOLDS), len(counts)), np.nan) for rule in RULES}
    size = max(1, CELLS // max(1, len(parts.image)))
    for start in range(0, len(counts), size):
        drawn = counts[start : start + size]
        total = drawn @ parts.totals
        weights = drawn.astype(np.int32).take(parts.image, axis=1)
        cumulative = np.maximum(weights.cumsum(axis=1, dtype=np.int32), 1)
        needed = [_needed(np.maximum(total, 1), reach) for reach in (True, False)]
        for row in range(len(THRESHOLDS)):
            steps = _steps(cumulative, weights, parts.right[:, row], total)
            for rule, precision in zip(RULES, _precisions(steps, *needed), strict=True):
                found[rule][row, start : start + size] = np.where(total > 0, precision, np.nan)
    return found
