"""VIF: all local means of one scale in one pass over tiles, and one logarithm per column in place of one per pixel.

Nothing of the size of an image is written: reading statistics of the sources back would take as long as computing them.
"""

from __future__ import annotations

import numpy as np

from bench.compiled import Array, kernel
from bench.metrics import vif
from bench.metrics.kernels.elementary import strip_exponents, sum_of_logs
from bench.metrics.kernels.windows import (
    LARGEST,
    STRIDE,
    TILE,
    TILE_ROWS,
    across,
    down_lines,
    fetch,
    half_size,
    move_up,
    multiply,
    tile_width,
)
from bench.metrics.planes import Plane, Triple

TINY, NOISE = vif.TINY, vif.NOISE_VARIANCE
_NEARLY_FLAT = 1.0 + vif.NEARLY_FLAT
HALVES = tuple(np.ascontiguousarray(window.weights[window.size // 2 :]) for window in vif.WINDOWS)
EQUAL = vif.EQUAL
ROWS_PER_STRIP = 8  # a factor is below 3e18, so eight of them do not overflow

Planes = tuple[Array, ...]
Work = tuple[Array, Array, Array, Array]
_WORK = (
    np.zeros((TILE_ROWS + LARGEST + 1) * STRIDE),
    np.zeros(2 * STRIDE),
    np.zeros(12 * TILE),
    np.zeros(12 * TILE, dtype=np.int64),
)
_LINES = np.zeros(4 * (TILE + LARGEST))
_NO_VALUES = np.zeros((0, 0))


@kernel
def _products_across(
    planes: tuple[Planes, Planes], half: Array, clips: tuple[bool, ...], place: tuple[int, int, int], lines: Array,
    row: Array,
) -> None:  # fmt: skip
    """Means along a line of ir, vis, F; then for each of ``clips`` of ir ir, vis vis, F F, F ir, F vis.

    ``place``: row, first column, count.
    """
    (levels, values), (y, left, count) = planes, place
    reach, length = count + 2 * half.size - 2, TILE + LARGEST
    product, fused = lines[3 * length :], lines[2 * length :]
    for index in range(3):
        line = lines[index * length :]
        fetch(levels[index], values[index], y, left, line, reach)
        across(line, half, row[index * TILE :], count)
    for group in range(len(clips)):
        out = row[(3 + 5 * group) * TILE :]
        for index in range(3):
            line = lines[index * length :]
            multiply(line, line, clips[group], product, reach)
            across(product, half, out[index * TILE :], count)
        for index in range(2):
            multiply(lines[index * length :], fused, clips[group], product, reach)
            across(product, half, out[(3 + index) * TILE :], count)


@kernel
def _rate_row(means: Array, squares: Array, products: Array, count: int) -> None:
    """Multiplies by what each pixel's logarithms are taken of, for both sources.

    ``products``, for ir and then for vis: numerator and denominator of 1 + g^2 var / (e + noise), 1 + var / noise.
    """
    for x in range(count):
        mean = means[x + 2 * TILE]
        fused = squares[x + 2 * TILE] - mean * mean
        noisy, live = fused + NOISE, fused >= TINY
        variance = squares[x] - means[x] * means[x]
        variance = 0.0 if variance < TINY else variance
        second = squares[x + TILE] - means[x + TILE] * means[x + TILE]
        second = 0.0 if second < TINY else second
        inverse = 1.0 / ((variance + TINY) * (second + TINY))  # one division for both
        covariance = squares[x + 3 * TILE] - means[x] * mean
        covariance = covariance if live and covariance > 0.0 and variance > 0.0 else 0.0
        gain = covariance * ((second + TINY) * inverse)
        error = noisy - gain * covariance
        error = error if error > NOISE + TINY else NOISE + TINY
        products[x] *= error + gain * gain * variance
        products[x + TILE] *= error
        products[x + 2 * TILE] *= 1.0 + variance / NOISE
        covariance = squares[x + 4 * TILE] - means[x + TILE] * mean
        covariance = covariance if live and covariance > 0.0 and second > 0.0 else 0.0
        gain = covariance * ((variance + TINY) * inverse)
        error = noisy - gain * covariance
        error = error if error > NOISE + TINY else NOISE + TINY
        products[x + 3 * TILE] *= error + gain * gain * second
        products[x + 4 * TILE] *= error
        products[x + 5 * TILE] *= 1.0 + second / NOISE


@kernel
def _are_nearly_flat(means: Array, squares: Array, count: int) -> bool:
    """True if any of the two sources' windows in a row is, see :data:`bench.metrics.vif.NEARLY_FLAT`."""
    found = 0
    for x in range(count):
        found |= squares[x] < _NEARLY_FLAT * means[x] * means[x]
        found |= squares[x + TILE] < _NEARLY_FLAT * means[x + TILE] * means[x + TILE]
    return found != 0


@kernel
def _are_equal(values: Array, size: int, place: tuple[int, int], known: int) -> bool:
    """True if all values of a window are; its first ``known`` columns were found to be."""
    y, x = place
    first, found = values[y, x], 0
    for row in range(y, y + size):
        line = values[row, x:]
        for column in range(known, size):
            found |= abs(line[column] - first) >= EQUAL
        if found:
            return False
    return True


@kernel
def _about_centre(source: Array, fused: Array, half: Array, place: tuple[int, int]) -> tuple[float, float]:
    """Variance and covariance of a window, as in :func:`bench.metrics.vif._about_centre`."""
    (y, x), reach = place, half.size - 1
    mean = other = square = product = 0.0
    centre, middle = float(source[y + reach, x + reach]), float(fused[y + reach, x + reach])
    for row in range(2 * reach + 1):
        for column in range(2 * reach + 1):
            weight = half[abs(row - reach)] * half[abs(column - reach)]
            first, second = source[y + row, x + column] - centre, fused[y + row, x + column] - middle
            mean += weight * first
            other += weight * second
            square += weight * first * first
            product += weight * first * second
    return square - mean * mean, product - mean * other


@kernel
def _mend_line(
    source: Array, fused: Array, half: Array, place: tuple[int, int, int], means: Array, squares: Array
) -> None:
    """In nearly flat windows replaces the mean by 0, the square by the variance, the product by the covariance."""
    (y, left, count), size, equal = place, 2 * half.size - 1, False
    for x in range(count):
        if squares[x] < _NEARLY_FLAT * means[x] * means[x]:
            equal = _are_equal(source, size, (y, left + x), size - 1 if equal else 0)
            variance, covariance = (0.0, 0.0) if equal else _about_centre(source, fused, half, (y, left + x))
            means[x], squares[x], squares[x + 3 * TILE] = 0.0, variance, covariance
        else:
            equal = False


@kernel
def _mend_row(planes: tuple[Planes, Planes], half: Array, place: tuple[int, int, int], row: Array) -> None:
    """Does that for both sources in a row (``place``: row, first column, count) of plain products."""
    levels, values = planes
    for index in range(2):
        means = row[index * TILE :]
        if values[2].size:
            _mend_line(values[index], values[2], half, place, means, means[3 * TILE :])
        else:
            _mend_line(levels[index], levels[2], half, place, means, means[3 * TILE :])


@kernel
def _rate_tile(
    planes: tuple[Planes, Planes], half: Array, clips: tuple[bool, ...], columns: tuple[int, int], height: int,
    work: Work, lines: Array, out: Array,
) -> None:  # fmt: skip
    """One column of tiles; adds to ``out`` the sums of logarithms."""
    (left, count), (tile, means, products, exponents) = columns, work
    keep, filled, used, groups = 2 * half.size - 2, 0, 3 + 5 * len(clips), len(clips)
    products[:] = 1.0
    exponents[:] = 0
    for top in range(0, height, TILE_ROWS):
        rows = min(TILE_ROWS, height - top)
        for y in range(filled, rows + keep):
            _products_across(planes, half, clips, (top + y, left, count), lines, tile[y * STRIDE :])
        for y in range(rows):
            if y % 2 == 0:
                down_lines(tile[y * STRIDE :], half, used, means, count)
            row = means[(y % 2) * STRIDE :]
            for group in range(groups - 1, -1, -1):  # plain products come first, and mending takes away the means
                squares = row[(3 + 5 * group) * TILE :]
                if not clips[group] and _are_nearly_flat(row, squares, count):
                    _mend_row(planes, half, (top + y, left, count), row)
                _rate_row(row, squares, products[6 * group * TILE :], count)
            if y % ROWS_PER_STRIP == ROWS_PER_STRIP - 1:
                strip_exponents(products, exponents, 6 * groups * TILE)
        strip_exponents(products, exponents, 6 * groups * TILE)
        move_up(tile, rows, keep, used, count)
        filled = keep
    for line in range(6 * groups):
        out[line] += sum_of_logs(products[line * TILE :], exponents[line * TILE :], count)


@kernel
def rate_scale(
    planes: tuple[Planes, Planes], half: Array, clips: tuple[bool, ...], shape: tuple[int, int], work: Work,
    lines: Array, out: Array,
) -> None:  # fmt: skip
    """Adds to ``out`` six sums of logarithms for each of ``clips``, see :func:`_rate_row`.

    Args:
        planes: levels and values (see :func:`fetch`) of ir, vis and fused.
        half: weights of the window.
        clips: whether products are clipped to 255; two share the local means.
        shape: height and width of the map of means.
        work: a tile, means, products, exponents.
        lines: four lines.
        out: six numbers for each of ``clips``.
    """
    step = tile_width(shape[1], TILE)
    for left in range(0, shape[1], step):
        _rate_tile(planes, half, clips, (left, min(step, shape[1] - left)), shape[0], work, lines, out)


def visual_information_fidelity(triple: Triple, saturate: bool) -> float:
    """See :func:`bench.metrics.vif.visual_information_fidelity`."""
    scales = [_sums(triple, 0, saturate), *(_sums(triple, level, False) for level in range(1, len(HALVES)))]
    total = 0.0
    for first in (0, 3):
        whole = sum(scale[first + 2] for scale in scales)
        kept = sum(scale[first] - scale[first + 1] for scale in scales)
        total += kept / whole if whole > 0.0 else 1.0
    return total


def _values(plane: Plane, level: int) -> Array:
    """The plane at a coarser scale; empty at the finest, which is read from the levels."""

    def compute() -> Array:
        half = HALVES[level]
        before = _values(plane, level - 1)
        height, width = before.shape if level > 1 else plane.shape
        size = 2 * half.size - 1
        out = np.empty(((height - size) // 2 + 1, (width - size) // 2 + 1))
        half_size(plane.levels, before, half, np.empty((size, width)), np.empty((2, width)), out)
        return out

    return plane.once(("kernel vif values", level), compute) if level else _NO_VALUES


def _sums(triple: Triple, level: int, clipped: bool) -> list[float]:
    """Six sums of one scale; if the finest is asked for plain and clipped, both are computed in one pass."""
    both = level == 0 and {saturate for name, saturate in _asked(triple) if name == "saturate"} == {False, True}
    clips = (False, True) if both else (clipped,)

    def compute() -> list[float]:
        planes, half = (triple.ir, triple.vis, triple.fused), HALVES[level]
        images = tuple(plane.levels for plane in planes), tuple(_values(plane, level) for plane in planes)
        height, width = images[1][0].shape if level else triple.fused.shape
        out = np.zeros(12)
        rate_scale(
            images, half, clips, (height - 2 * half.size + 2, width - 2 * half.size + 2), _WORK, _LINES, out
        )  # fmt: skip
        return [float(each) for each in out]

    sums = triple.fused.once(("kernel vif", triple.sources, level, clips), compute)
    start = 6 * clips.index(clipped)
    return sums[start : start + 6]


def _asked(triple: Triple) -> list[tuple[str, object]]:
    return [
        parameter
        for formula, parameters in triple.sources.asked
        if formula == "visual_information_fidelity"
        for parameter in parameters
    ]
