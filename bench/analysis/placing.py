"""Where the names of points in a picture go, so that none lies over another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""

Point = tuple[float, float]

REACH = 12
"""Rings of places around a point that are tried, each a little further out."""

SIDES = ((1, 0.6), (1, -0.6), (-1, 0.6), (-1, -0.6), (0, 1), (0, -1), (0.6, 1), (0.6, -1), (-0.6, 1), (-0.6, -1))
"""Which way from its point a name is moved, the most readable first."""


def place_names(
    points: Sequence[Point], sizes: Sequence[Point], area: Box, obstacles: Sequence[Box] = (), gap: float = 6.0
) -> list[Box]:
    """Finds a box for each name, beside its point and clear of points, obstacles and other names, in the order given.

    >>> first, second = place_names([(50, 50), (52, 50)], [(30, 10), (30, 10)], (0, 0, 200, 100))
    >>> overlap(first, second)
    0.0

    Args:
        points: where each marker is.
        sizes: width and height of each name.
        area: that names stay in.
        obstacles: what else is drawn.
        gap: between a marker's centre and its name; also what a marker takes up on each side, times two thirds.

    Returns:
        A box for each point; where everything near is taken, the place that covers least.
    """
    half = gap * 2 / 3
    taken: list[Box] = [*obstacles, *((x - half, y - half, x + half, y + half) for x, y in points)]
    found: list[Box] = []
    for point, size in zip(points, sizes, strict=True):
        best, least = (0.0, 0.0, 0.0, 0.0), math.inf
        for box in _places(point, size, gap):
            cost = sum(overlap(box, other) for other in taken) + _outside(box, area)
            if cost < least:
                best, least = box, cost
            if cost == 0:
                break
        taken.append(best)
        found.append(best)
    return found


def _places(point: Point, size: Point, gap: float) -> Iterator[Box]:
    (x, y), (width, height) = point, size
    for ring in range(REACH):
        reach = gap + ring * height * 0.8
        for across, up in SIDES:
            centre_x = x + across * (width / 2 + (reach if abs(across) == 1 else reach / 2))
            centre_y = y + up * (height / 2 + reach)
            yield centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2


def overlap(one: Box, other: Box) -> float:
    """The area that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def _outside(box: Box, area: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1]) - overlap(box, area)
