"""Average precision of weighted images: what drawing images again and again needs, without sorting anew.

The detections of a class are sorted once, by falling score over all images, and matched once per image. A draw says
how often each image counts; k copies of an image are k detections in a row for each of its own. All a curve needs is
then the number of detections and of right ones before and after each such block, and the curve bends at blocks of
right ones only. The values are those of the same images written out k times, in every rule of ``average_precision``.

Equal scores: of different images they stand in the order of the images, within an image in the order of its detections,
each with all of its copies before the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.detection.average_precision import RECALL_POINTS, THRESHOLDS, Matches

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

POINTS = np.linspace(0.0, 1.0, RECALL_POINTS)
CELLS = 1 << 20
"""Draws times detections that are held at once."""


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
        ahead: (B, T), precision just before each block, 1 where nothing stands before it.
        envelope: (B, T), the best precision within or beyond each block.
        last: (B,), precision at the end of all detections.
        total: (B,), boxes in the truth, at least 1.
    """

    after: Counts
    ahead: Floats
    envelope: Floats
    last: Floats
    total: Counts

    @property
    def found(self) -> Counts:
        """Right ones in all, (B,)."""
        return self.after[:, -1] if self.after.shape[1] else np.zeros(len(self.total), dtype=np.int64)


def _steps(cumulative: Counts, weights: Counts, right: NDArray[np.bool_], total: Counts) -> Steps:
    """The steps at one threshold.

    Args:
        cumulative: (B, M), detections up to and with each block.
        weights: (B, M), copies of each detection.
        right: (M,), which are right.
        total: (B,), boxes in the truth.
    """
    at = np.flatnonzero(right)
    copies, ends = weights[:, at], cumulative[:, at]
    after = copies.cumsum(axis=1)
    precision = after / np.maximum(ends, 1)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    before = ends - copies
    ahead = np.where(before > 0, (after - copies) / np.maximum(before, 1), 1.0)
    count = cumulative[:, -1] if cumulative.shape[1] else np.zeros(len(total), dtype=np.int64)
    found = after[:, -1] if len(at) else np.zeros(len(total), dtype=np.int64)
    return Steps(after, ahead, envelope, found / np.maximum(count, 1), np.maximum(total, 1))


def _needed(total: Counts, reach: bool) -> Counts:
    """(B, points), how many right ones it takes for a recall that reaches each point, or exceeds it.

    Recalls are compared as floats without tolerance, as all rules do.
    """
    least = np.maximum(np.floor(POINTS * total[:, None]).astype(np.int64) - 1, 0)
    for _ in range(3):
        recall = least / total[:, None]
        least += (recall < POINTS) if reach else (recall <= POINTS)
    return least


def _block(steps: Steps, needed: Counts) -> Counts:
    """(B, points), the block with which that many right ones are there; T where there never are."""
    draws, blocks = steps.after.shape
    row = np.arange(draws)[:, None] * (int(max(steps.after.max(initial=0), needed.max(initial=0))) + 2)
    found = np.searchsorted((steps.after + row).ravel(), (needed + row).ravel()).reshape(needed.shape)
    return np.minimum(found - np.arange(draws)[:, None] * blocks, blocks)


def _at(values: Floats, block: Counts) -> Floats:
    """(B, points), the value of a block; 0 beyond the last."""
    padded = np.concatenate([values, np.zeros((len(values), 1))], axis=1)
    return np.asarray(np.take_along_axis(padded, block, axis=1), dtype=np.float64)


def coco_precision(steps: Steps) -> Floats:
    """(B,) mean over 101 recall points of the best precision at that recall or beyond."""
    return np.asarray(_at(steps.envelope, _block(steps, _needed(steps.total, reach=True))).mean(axis=1))


def _curve(steps: Steps) -> Floats:
    """(B, points), the interpolated envelope up to the last recall reached, 0 beyond."""
    block = _block(steps, _needed(steps.total, reach=False))
    high, ahead = _at(steps.envelope, block), _at(steps.ahead, block)
    copies = np.diff(steps.after, axis=1, prepend=0)
    start = _at((steps.after - copies).astype(np.float64), block)
    # within one more right detection the curve runs from what stands before the block to its envelope
    low = np.maximum(ahead, high)
    share = np.clip((POINTS - start / steps.total[:, None]) * steps.total[:, None], 0.0, 1.0)
    return np.asarray(low + (high - low) * share)


def _area(curve: Floats) -> Floats:
    return np.asarray(((curve[:, 1:] + curve[:, :-1]) / 2 * np.diff(POINTS)).sum(axis=1))


def yolov5_precision(steps: Steps) -> Floats:
    """(B,) area under 101 points of the interpolated envelope, which drops to 0 at the last recall reached."""
    return _area(_curve(steps))


def yolov5_val_precision(steps: Steps) -> Floats:
    """(B,) the same, the envelope sloping from its last point to 0 at recall 1."""
    end = (steps.found / steps.total)[:, None]
    slope = np.divide(1.0 - POINTS, 1.0 - end, out=np.zeros((len(end), len(POINTS))), where=end < 1.0)
    return _area(np.where(end <= POINTS, steps.last[:, None] * slope, _curve(steps)))


RULES: dict[str, Callable[[Steps], Floats]] = {
    "coco": coco_precision, "yolov5": yolov5_precision, "yolov5_val": yolov5_val_precision,
}  # fmt: skip
"""As ``average_precision.CONVENTIONS``."""


def weighted_precision(parts: Ranked, counts: Counts) -> dict[str, Floats]:
    """AP of one class in every rule.

    Args:
        parts: the class's detections.
        counts: int64 (B, images), how often each image counts.

    Returns:
        Rule -> float64 (10, B), at each threshold, 0 to 1; NaN for a draw whose truth lacks the class.
    """
    found = {rule: np.full((len(THRESHOLDS), len(counts)), np.nan) for rule in RULES}
    size = max(1, CELLS // max(1, len(parts.image)))
    for start in range(0, len(counts), size):
        drawn = counts[start : start + size]
        weights, total = drawn[:, parts.image], drawn @ parts.totals
        cumulative = weights.cumsum(axis=1)
        for row in range(len(THRESHOLDS)):
            steps = _steps(cumulative, weights, parts.right[:, row], total)
            for rule, precision in RULES.items():
                found[rule][row, start : start + size] = np.where(total > 0, precision(steps), np.nan)
    return found
