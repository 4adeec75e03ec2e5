"""VIF: all local means of one scale in one pass over tiles, and one logarithm per column in place of one per pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.metrics import vif
from bench.metrics.kernels.compiling import LANE, Array, kernel, workspace
from bench.metrics.kernels.elementary import strip_exponents, sum_of_logs
from bench.metrics.kernels.windows import (
    LARGEST,
    STRIDE,
    TILE_ROWS,
    across,
    copy,
    down_lines,
    fetch,
    half_size,
    move_up,
    multiply,
    tile_width,
)  # fmt: skip
from bench.metrics.planes import Plane, Sources, Triple

TINY, NOISE = vif.TINY, vif.NOISE_VARIANCE
HALVES = tuple(np.ascontiguousarray(window.weights[window.size // 2 :]) for window in vif.WINDOWS)
ROWS_PER_STRIP = 8  # a factor is below 3e18, so eight of them do not overflow

_WORK = workspace(4 * (TILE_ROWS + LARGEST + 1)), workspace(22), workspace(4, np.int64)
_NO_VALUES = np.zeros((0, 0))
Planes = tuple[Array, ...]


@kernel
def _reference_row(row: Array, products: Array, count: int) -> None:
    """Lines of ``row``: mean square, mean, and for the inverse of the variance; multiplies by 1 + variance / noise."""
    for x in range(count):
        mean = row[x + LANE]
        variance = row[x] - mean * mean
        flat = variance < TINY
        row[x + 2 * LANE] = 0.0 if flat else 1.0 / (variance + TINY)
        products[x] *= 1.0 + (0.0 if flat else variance) / NOISE


@kernel
def _reference_tile(
    image: tuple[Array, Array], half: Array, clipped: bool, known: bool, mean: Array, inverse: Array,
    columns: tuple[int, int], work: tuple[Array, Array, Array],
) -> float:  # fmt: skip
    """One column of tiles of a source; returns the sum of log(1 + variance / noise)."""
    (levels, values), (left, count), (tile, lines, exponents) = image, columns, work
    keep = 2 * half.size - 2
    height, used, filled, since = mean.shape[0], 1 if known else 2, 0, 0
    line, square, out, row = lines, lines[2 * LANE :], lines[4 * LANE :], lines[12 * LANE :]
    products = lines[15 * LANE :]
    products[:count] = 1.0
    exponents[:count] = 0
    for top in range(0, height, TILE_ROWS):
        rows = min(TILE_ROWS, height - top)
        for y in range(filled, rows + keep):
            fetch(levels, values, top + y, left, line, count + keep)
            multiply(line, line, clipped, square, count + keep)
            across(square, half, tile[y * STRIDE :], count)
            if not known:
                across(line, half, tile[y * STRIDE + LANE :], count)
        for y in range(rows):
            if y % 2 == 0:
                down_lines(tile[y * STRIDE :], half, used, out, count)
            found = out[(y % 2) * STRIDE :]
            if not known:
                copy(found[LANE:], mean[top + y, left:], count)
            copy(found, row, count)
            copy(mean[top + y, left:], row[LANE:], count)
            _reference_row(row, products, count)
            copy(row[2 * LANE :], inverse[top + y, left:], count)
            since += 1
            if since % ROWS_PER_STRIP == 0:
                strip_exponents(products, exponents, count)
        move_up(tile, rows, keep, used, count)
        filled = keep
    strip_exponents(products, exponents, count)
    return sum_of_logs(products, exponents, count)


@kernel
def reference(
    image: tuple[Array, Array], half: Array, clipped: bool, known: bool, mean: Array, inverse: Array,
    work: tuple[Array, Array, Array],
) -> float:  # fmt: skip
    """A source as the reference side: writes local means (unless ``known``) and inverse variances."""
    width = mean.shape[1]
    step = tile_width(width)
    total = 0.0
    for left in range(0, width, step):
        columns = (left, min(step, width - left))
        total += _reference_tile(image, half, clipped, known, mean, inverse, columns, work)
    return total


@kernel
def _kept_row(row: Array, sources: Array, products: Array, count: int) -> None:
    """Multiplies by numerator and denominator of 1 + g^2 var / (e + noise), for both sources.

    Lines of ``row``: means of F F, F ir, F vis, F; of ``sources``: mean and inverse of ir, then of vis.
    """
    for x in range(count):
        mean = row[x + 3 * LANE]
        variance = row[x] - mean * mean
        noisy, live = variance + NOISE, variance >= TINY
        covariance = row[x + LANE] - sources[x] * mean
        covariance = covariance if live and covariance > 0.0 else 0.0
        inverse = sources[x + LANE]
        term = covariance * covariance * inverse  # g cov
        error = noisy - term
        error = error if error > NOISE + TINY else NOISE + TINY
        products[x] *= error + term * (1.0 - inverse * TINY)  # from g cov to g^2 var
        products[x + LANE] *= error
        covariance = row[x + 2 * LANE] - sources[x + 2 * LANE] * mean
        covariance = covariance if live and covariance > 0.0 else 0.0
        inverse = sources[x + 3 * LANE]
        term = covariance * covariance * inverse
        error = noisy - term
        error = error if error > NOISE + TINY else NOISE + TINY
        products[x + 2 * LANE] *= error + term * (1.0 - inverse * TINY)
        products[x + 3 * LANE] *= error


@kernel
def _kept_across(
    planes: tuple[Planes, Planes], half: Array, clipped: bool, known: bool, place: tuple[int, int, int], lines: Array,
    row: Array,
) -> None:  # fmt: skip
    """Means along a line of F F, F ir, F vis, and of F unless ``known``; ``place``: row, first column, count."""
    (levels, values), (y, left, count) = planes, place
    line, other, product = lines, lines[2 * LANE :], lines[4 * LANE :]
    reach = count + 2 * half.size - 2
    fetch(levels[2], values[2], y, left, line, reach)
    multiply(line, line, clipped, product, reach)
    across(product, half, row, count)
    for index in range(2):
        fetch(levels[index], values[index], y, left, other, reach)
        multiply(line, other, clipped, product, reach)
        across(product, half, row[(1 + index) * LANE :], count)
    if not known:
        across(line, half, row[3 * LANE :], count)


@kernel
def _kept_tile(
    planes: tuple[Planes, Planes], half: Array, clipped: bool, known: bool, statistics: tuple[Planes, Planes],
    columns: tuple[int, int], work: tuple[Array, Array, Array], kept: Array,
) -> None:  # fmt: skip
    """One column of tiles of both sources and the fused image; adds to ``kept`` what each source keeps."""
    (means, inverses), (left, count), (tile, lines, exponents) = statistics, columns, work
    keep = 2 * half.size - 2
    height, used, filled, since = means[2].shape[0], 3 if known else 4, 0, 0
    out, sources, products = lines[6 * LANE :], lines[14 * LANE :], lines[18 * LANE :]
    products[: 4 * LANE] = 1.0
    exponents[: 4 * LANE] = 0
    for top in range(0, height, TILE_ROWS):
        rows = min(TILE_ROWS, height - top)
        for y in range(filled, rows + keep):
            _kept_across(planes, half, clipped, known, (top + y, left, count), lines, tile[y * STRIDE :])
        for y in range(rows):
            if y % 2 == 0:
                down_lines(tile[y * STRIDE :], half, used, out, count)
            row = out[(y % 2) * STRIDE :]
            if known:
                copy(means[2][top + y, left:], row[3 * LANE :], count)
            else:
                copy(row[3 * LANE :], means[2][top + y, left:], count)
            for index in range(2):
                copy(means[index][top + y, left:], sources[2 * index * LANE :], count)
                copy(inverses[index][top + y, left:], sources[(2 * index + 1) * LANE :], count)
            _kept_row(row, sources, products, count)
            since += 1
            if since % ROWS_PER_STRIP == 0:
                strip_exponents(products, exponents, 4 * LANE)
        move_up(tile, rows, keep, used, count)
        filled = keep
    strip_exponents(products, exponents, 4 * LANE)
    for index in range(2):
        place = 2 * index * LANE
        kept[index] += sum_of_logs(products[place:], exponents[place:], count)
        kept[index] -= sum_of_logs(products[place + LANE :], exponents[place + LANE :], count)


@kernel
def kept_information(
    planes: tuple[Planes, Planes], half: Array, clipped: bool, known: bool, statistics: tuple[Planes, Planes],
    work: tuple[Array, Array, Array], kept: Array,
) -> None:  # fmt: skip
    """Adds to ``kept`` what each source keeps; writes the fused image's local means unless they are ``known``.

    Args:
        planes: levels and values (see :func:`fetch`) of ir, vis and fused.
        half: weights of the window.
        clipped: products are clipped to 255.
        known: the means of the fused image are there.
        statistics: means of ir, vis and fused; inverse variances of ir and vis.
        work: a tile, lines and exponents.
        kept: two numbers.
    """
    width = statistics[0][2].shape[1]
    step = tile_width(width)
    for left in range(0, width, step):
        columns = (left, min(step, width - left))
        _kept_tile(planes, half, clipped, known, statistics, columns, work, kept)


def visual_information_fidelity(triple: Triple, saturate: bool) -> float:
    """See :func:`bench.metrics.vif.visual_information_fidelity`."""
    scales = [(level, saturate and level == 0) for level in range(len(HALVES))]
    kept = [_kept(triple.sources, triple.fused, *scale) for scale in scales]
    total = 0.0
    for index, source in enumerate(triple.sources):
        whole = sum(_reference(source, *scale)[2] for scale in scales)
        total += sum(part[index] for part in kept) / whole if whole > 0.0 else 1.0
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


@dataclass(slots=True)
class _Means:
    """Local means of a plane; plain and clipped products share them."""

    array: Array
    known: bool = False


def _means(plane: Plane, level: int) -> _Means:
    def compute() -> tuple[Array, _Means]:
        height, width = _values(plane, level).shape if level else plane.shape
        margin = 2 * HALVES[level].size - 2
        array = np.empty((height - margin, width - margin))
        return array, _Means(array)  # the array is there for the budget

    return plane.once(("kernel vif means", level), compute)[1]


def _reference(plane: Plane, level: int, clipped: bool) -> tuple[_Means, Array, float]:
    """Means, inverse variances and information of a source."""

    def compute() -> tuple[_Means, Array, float]:
        means = _means(plane, level)
        inverse, image = np.empty_like(means.array), (plane.levels, _values(plane, level))
        information = reference(image, HALVES[level], clipped, means.known, means.array, inverse, _WORK)
        means.known = True
        return means, inverse, information

    return plane.once(("kernel vif reference", level, clipped), compute)


def _kept(sources: Sources, fused: Plane, level: int, clipped: bool) -> tuple[float, float]:
    def compute() -> tuple[float, float]:
        planes, own = (sources.ir, sources.vis, fused), _means(fused, level)
        (mean_ir, inverse_ir, _), (mean_vis, inverse_vis, _) = (_reference(each, level, clipped) for each in sources)
        images = tuple(plane.levels for plane in planes), tuple(_values(plane, level) for plane in planes)
        statistics = (mean_ir.array, mean_vis.array, own.array), (inverse_ir, inverse_vis)
        kept = np.zeros(2)
        kept_information(images, HALVES[level], clipped, own.known, statistics, _WORK, kept)
        own.known = True
        return float(kept[0]), float(kept[1])

    return fused.once(("kernel vif kept", sources, level, clipped), compute)
