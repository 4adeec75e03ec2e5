"""Average precision of drawn images in all rules, draw by draw; the formulas are ``tasks.detection.weighted``'s."""

from __future__ import annotations

import numpy as np

from bench.compiled import Array, exact_kernel


@exact_kernel
def precisions(image: Array, blocks: Array, starts: Array, totals: Array, counts: Array, points: Array) -> Array:
    """AP of one class: float64 (3, T, B) of the rules, thresholds and draws; NaN where the truth lacks the class.

    Args:
        image: int32 (M,), index of the image of each detection, highest score first.
        blocks: int32, places of the right detections, of one threshold after the other.
        starts: int64 (T + 1,), where those of each threshold start among ``blocks``.
        totals: int64 (images,), boxes of the class in the truth of each image.
        counts: int32 (B, images), how often each image is drawn.
        points: float64 (P,), recalls, rising.
    """
    rows = len(starts) - 1
    found = np.full((3, rows, len(counts)), np.nan)
    copies, cumulative = np.empty(len(image), dtype=np.int32), np.empty(len(image), dtype=np.int32)
    # one more: a block that is not drawn is written behind the last and then overwritten
    after, ends = np.empty(len(image) + 1, dtype=np.int32), np.empty(len(image) + 1, dtype=np.int32)
    reached, exceeded = np.empty(len(points), dtype=np.int64), np.empty(len(points), dtype=np.int64)
    best, curve = np.empty(len(points)), np.empty(len(points))
    for draw in range(len(counts)):
        weights = counts[draw]
        total = np.sum(weights * totals)
        if total == 0:
            continue
        detections = 0
        for at in range(len(image)):
            copies[at] = weights[image[at]]
            detections += copies[at]
            cumulative[at] = detections
        _needed(points, total, reached, exceeded)
        for row in range(rows):
            own = blocks[starts[row] : starts[row + 1]]
            count = _steps(own, copies, cumulative, after, ends)
            right = after[count - 1] if count else 0
            _sweep(after[:count], ends[:count], total, points, reached, exceeded, best, curve)
            last = right / detections if detections else 0.0
            found[0, row, draw] = best.mean()
            found[1, row, draw], found[2, row, draw] = _areas(curve, points, right / total, last)
    return found


@exact_kernel
def _needed(points: Array, total: int, reached: Array, exceeded: Array) -> None:
    """How many right ones it takes to reach, and to exceed, each recall; compared as floats without tolerance."""
    for at in range(len(points)):
        least = max(int(np.floor(points[at] * total)) - 1, 0)
        while least / total < points[at]:
            least += 1
        reached[at] = least
        while least / total <= points[at]:
            least += 1
        exceeded[at] = least


@exact_kernel
def _steps(blocks: Array, copies: Array, cumulative: Array, after: Array, ends: Array) -> int:
    """Right ones, and detections, up to and with each block that is drawn; returns how many blocks are."""
    count, right = 0, 0
    for at in blocks:
        right += copies[at]
        after[count], ends[count] = right, cumulative[at]
        count += copies[at] > 0
    return count


@exact_kernel
def _sweep(
    after: Array, ends: Array, total: int, points: Array, reached: Array, exceeded: Array, best: Array, curve: Array
) -> None:  # fmt: skip
    """From the last block to the first: the best precision at each recall or beyond, and the interpolated envelope."""
    right = after[-1] if len(after) else 0
    near, far = len(points) - 1, len(points) - 1
    while near >= 0 and reached[near] > right:
        best[near] = 0.0
        near -= 1
    while far >= 0 and exceeded[far] > right:
        curve[far] = 0.0
        far -= 1
    envelope = 0.0
    for at in range(len(after) - 1, -1, -1):
        envelope = max(envelope, after[at] / ends[at])
        start = after[at - 1] if at > 0 else 0
        while near >= 0 and reached[near] > start:
            best[near] = envelope
            near -= 1
        before = ends[at] - (after[at] - start)  # detections ahead of the block
        low = max(start / before if before > 0 else 1.0, envelope)
        while far >= 0 and exceeded[far] > start:
            # within one more right detection the curve runs from what stands before the block to its envelope
            share = min(max((points[far] - start / total) * total, 0.0), 1.0)
            curve[far] = low + (envelope - low) * share
            far -= 1
    best[: near + 1] = envelope  # recall 0 is reached before any


@exact_kernel
def _areas(curve: Array, points: Array, end: float, last: float) -> tuple[float, float]:
    """The area under the curve, and under the one that slopes from its last point, at recall ``end``, to 0."""
    area, sloped, earlier = 0.0, 0.0, 0.0
    for at in range(len(points)):
        slope = (1.0 - points[at]) / (1.0 - end) if end < 1.0 else 0.0
        value = last * slope if end <= points[at] else curve[at]
        if at > 0:
            width = points[at] - points[at - 1]
            area += (curve[at] + curve[at - 1]) / 2 * width
            sloped += (value + earlier) / 2 * width
        earlier = value
    return area, sloped
