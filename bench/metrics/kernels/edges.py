"""Edge preservation: gradients turned to x > 0, so that one arc tangent gives the difference of two orientations."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, pi

import numpy as np

from bench.compiled import Array, exact_kernel, kernel
from bench.metrics import gradient
from bench.metrics.kernels.elementary import angle_between, exponential
from bench.metrics.kernels.windows import tile_width
from bench.metrics.planes import Triple

LANE = 320
"""Columns per tile: two tiles cover a row of 640 pixels; lines lie at constant multiples of this in one array."""
_SLOPE, _CENTRE = gradient.STRENGTH[1], gradient.STRENGTH[2]
_GAIN = gradient.STRENGTH[0] * gradient.ORIENTATION[0]
_TURN = gradient.ORIENTATION[1] / (pi / 2)
_TURN_CENTRE = gradient.ORIENTATION[1] * (1.0 - gradient.ORIENTATION[2])
_NOTHING = 1e-300
_SMALLEST = -700.0  # of an exponent; what lies below counts as 0

_FULL = 1.0 + exp(_SLOPE * (_CENTRE - 1.0))
"""Divides a tie's part where a tie counts as a ratio of 1."""

_WORK = np.zeros(18 * LANE), np.zeros(9 * LANE), np.zeros(4 * LANE)
Rated = tuple[float, float, float, float]
Rectangle = tuple[tuple[int, int], tuple[int, int]]


@exact_kernel
def _padded_line(levels: Array, row: int, left: int, count: int, divisor: float, repeated: bool, out: Array) -> None:
    """``count`` + 2 values of a row from column ``left`` - 1 on; outside the image 0, or the frame ``repeated``."""
    height, width = levels.shape
    inside = min(max(row, 0), height - 1)
    if inside != row and not repeated:
        out[: count + 2] = 0.0
        return
    line = levels[inside]
    for x in range(max(1 - left, 0), min(count + 2, width + 1 - left)):
        out[x] = line[left + x - 1]
    if left == 0:
        out[0] = line[0] if repeated else 0.0
    if left + count == width:
        out[count + 1] = line[width - 1] if repeated else 0.0
    if divisor != 1.0:
        for x in range(count + 2):
            out[x] /= divisor


@exact_kernel
def _gradients(up: Array, middle: Array, low: Array, out: Array, count: int) -> None:
    """Lines x, y and strength; sums run over the Sobel kernel column by column, see ``gradient.convolve_in_order``.

    A gradient is turned to x > 0, which changes neither its strength nor the angle of its line; where x is 0 it becomes
    (0, 1), as the orientation is pi / 2 there by definition.
    """
    for x in range(count):
        across = -low[x + 2] - 2.0 * middle[x + 2] - up[x + 2] + low[x] + 2.0 * middle[x] + up[x]
        along = low[x + 2] - up[x + 2] + 2.0 * low[x + 1] - 2.0 * up[x + 1] + low[x] - up[x]
        out[x + 2 * LANE] = np.sqrt(across * across + along * along)
        out[x] = abs(across)
        along = -along if across < 0.0 else along
        out[x + LANE] = 1.0 if across == 0.0 else along


@kernel
def _rate(own: Array, fused: Array, sums: Array, count: int) -> None:
    """Adds per column what is kept where strengths differ and at ties, the ties' parts, and the weight.

    A tie is rated by its strength in place of the ratio; its part is what it would get for an unlimited ratio.

    Args:
        own: lines x, y, strength of a source.
        fused: the same of the fused image.
        sums: four lines.
        count: of columns.
    """
    for x in range(count):
        own_x, own_y, strength = own[x], own[x + LANE], own[x + 2 * LANE]
        fused_x, fused_y, other = fused[x], fused[x + LANE], fused[x + 2 * LANE]
        turn = angle_between(abs(own_x * fused_y - own_y * fused_x), own_x * fused_x + own_y * fused_y)
        turned = 1.0 + exponential(turn * _TURN - _TURN_CENTRE)
        tie = strength == other
        low, high = (strength, other) if strength < other else (other, strength)
        ratio = strength if tie else low / (high + _NOTHING)
        power = _SLOPE * _CENTRE - _SLOPE * ratio
        scaled = 1.0 + exponential(power if power > _SMALLEST else _SMALLEST)
        rated = strength / (turned * scaled)
        tied = rated if tie else 0.0
        sums[x] += rated - tied
        sums[x + LANE] += tied
        sums[x + 2 * LANE] += tied * scaled
        sums[x + 3 * LANE] += strength


@kernel
def rate_edges(
    images: tuple[Array, Array, Array], rows: tuple[int, int], columns: tuple[int, int], divisor: float,
    repeated: bool, work: tuple[Array, Array, Array], out: Array,
) -> None:  # fmt: skip
    """Adds to the four numbers of ``out`` what :func:`_rate` finds in a rectangle of ir, vis and fused.

    Args:
        images: uint8 levels of ir, vis and fused.
        rows: first, and one past the last.
        columns: first, and one past the last.
        divisor: of the levels: 1, or 255 for the unit range.
        repeated: beyond the frame the outermost pixel is repeated; otherwise there is 0.
        work: padded lines, gradients, sums.
        out: four numbers.
    """
    padded, gradients, sums = work
    step = tile_width(columns[1] - columns[0], LANE)
    for left in range(columns[0], columns[1], step):
        count = min(step, columns[1] - left)
        sums[:] = 0.0
        for row in range(rows[0] - 1, rows[1] + 1):
            for index in range(3):
                first, place = 6 * index * LANE, 2 * (row % 3) * LANE
                _padded_line(images[index], row, left, count, divisor, repeated, padded[first + place :])
                if row > rows[0]:
                    up, middle = 2 * ((row - 2) % 3) * LANE, 2 * ((row - 1) % 3) * LANE
                    _gradients(
                        padded[first + up :], padded[first + middle :], padded[first + place :],
                        gradients[3 * index * LANE :], count,
                    )  # fmt: skip
            if row > rows[0]:
                for index in range(2):
                    _rate(gradients[3 * index * LANE :], gradients[6 * LANE :], sums, count)
        for line in range(4):
            for x in range(count):
                out[line] += sums[line * LANE + x]


def edge_preservation(triple: Triple, unit: str, border: str, tie: str) -> float:
    """See :func:`bench.metrics.gradient.edge_preservation`.

    Away from the frame the sums serve every border and every rule for ties; the frame is rated for each border.
    """
    fraction = unit == "fraction"
    inner, frame = _inner(triple, fraction), _frame(triple, fraction, border)
    differing, by_strength, parts, weight = (sum(each) for each in zip(inner, frame, strict=True))
    if weight == 0.0:
        return float(gradient.CEILING)
    if tie == "one":
        ties = parts / _FULL
    elif unit == "level_times_255":
        ties = parts  # the least strength is 1, and e^(7.5 - 15 * 255) is 0
    else:
        ties = by_strength
    return (differing + ties) / weight * _GAIN


def _inner(triple: Triple, fraction: bool) -> Rated:
    height, width = triple.fused.shape
    rectangles = (((1, height - 1), (1, width - 1)),)
    key = ("kernel edges", triple.sources, fraction)
    return triple.fused.once(key, lambda: _rated(triple, rectangles, fraction, False))


def _frame(triple: Triple, fraction: bool, border: str) -> Rated:
    height, width = triple.fused.shape
    rectangles = [((0, 1), (0, width)), ((height - 1, height), (0, width))][: min(height, 2)]
    rectangles += [((1, height - 1), (0, 1)), ((1, height - 1), (width - 1, width))][: min(width, 2)]
    key = ("kernel frame", triple.sources, fraction, border)
    return triple.fused.once(key, lambda: _rated(triple, rectangles, fraction, border == "replicate"))


def _rated(triple: Triple, rectangles: Iterable[Rectangle], fraction: bool, repeated: bool) -> Rated:
    images = triple.ir.levels, triple.vis.levels, triple.fused.levels
    out = np.zeros(4)
    for rows, columns in rectangles:
        if rows[0] < rows[1] and columns[0] < columns[1]:
            rate_edges(images, rows, columns, 255.0 if fraction else 1.0, repeated, _WORK, out)
    differing, by_strength, parts, weight = out.tolist()
    return differing, by_strength, parts, weight
