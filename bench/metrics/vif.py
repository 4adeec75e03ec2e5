"""Visual information fidelity in the pixel domain, four scales."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bench.metrics.planes import Plane, Sources, Triple
from bench.metrics.windows import Real, Window, gaussian, strips

NOISE_VARIANCE = 2.0  # of the eye's channel, for levels 0..255 [1]
TINY = 1e-10
NEARLY_FLAT = 1e-8
"""Variance over squared mean below which a source is nearly flat: there E[x^2] - E[x]^2 has lost eight of its digits.

How much of so faint a structure is kept can still be anything, so these few windows are computed about their centre.
"""
EQUAL = 1e-9  # coarser values that should be equal differ by rounding, up to 1e-13
WINDOWS = tuple(gaussian(size, size / 5.0) for size in (17, 9, 5, 3))
_ROWS_PER_LOG = 8
_WINDOWS_AT_ONCE = 512

Values = NDArray[np.float64] | NDArray[np.uint8]
Kept = tuple[float, float]
Places = NDArray[np.intp]
"""(2, n): rows and columns of windows, by rows."""


def visual_information_fidelity(triple: Triple, saturate: bool) -> float:
    """VIF(ir, F) + VIF(vis, F) in the pixel domain: the sum over both sources, 0 to about 2.

    Which definition: four scales, windows of 17, 9, 5, 3 pixels with sigma = size / 5, noise variance 2 on 0..255. A
    source without any variance has no information to lose and counts 1.

    Args:
        triple: the three planes, at least 41 x 41, so that the fourth scale still has a window.
        saturate: at the finest scale the products of the images are clipped to 255 before they are averaged, as uint8
            arithmetic did in ``seafusion2022``.

    References:
        [1] Sheikh, Bovik, 2006, doi:10.1109/TIP.2005.859378 (its own VIF works on wavelets).
    """
    kept = [_kept(triple.sources, triple.fused, level, saturate and level == 0) for level in range(len(WINDOWS))]
    total = 0.0
    for index, source in enumerate(triple.sources):
        whole = sum(_reference(source, level, saturate and level == 0).information for level in range(len(WINDOWS)))
        total += sum(part[index] for part in kept) / whole if whole > 0.0 else 1.0
    return total


def _values(plane: Plane, level: int) -> Values:
    """The plane at one scale: filtered with that scale's own window, every second pixel kept."""
    if level == 0:
        return plane.levels

    def compute() -> Real:
        return WINDOWS[level].mean(_values(plane, level - 1).astype(np.float64, copy=False), step=2)

    return plane.once(("vif values", level), compute)


@dataclass(frozen=True, slots=True)
class _Reference:
    """A source as the reference side at one scale.

    Attributes:
        mean: local means.
        inverse: 1 / (variance + tiny), 0 where it is flat.
        nearly_flat: where it is nearly flat.
        information: sum of log(1 + variance / noise).
    """

    mean: Real
    inverse: Real
    nearly_flat: Places
    information: float


def _reference(plane: Plane, level: int, clipped: bool) -> _Reference:
    def compute() -> tuple[Real, Real, Places, float]:
        window, values = WINDOWS[level], _values(plane, level)
        shape = window.length(values.shape[0]), window.length(values.shape[1])
        mean, inverse = np.empty(shape), np.empty(shape)
        nearly_flat, information = [np.empty((2, 0), np.intp)], 0.0
        for start, stop in strips(shape[0], 4 * values.shape[1]):
            part = _strip(values, start, stop, window.size)
            local = window.means(_stack([(part, None), (part, part)], clipped))
            mean[start:stop] = local[:, 0]
            variance = _variance(local[:, 0], local[:, 1])
            if not clipped:  # clipped products keep their digits where the variance is not far below 0
                places = _nearly_flat(part, mean[start:stop], variance, window.size)
                variance[tuple(places)] = _about_centre(part, part, places, window)
                nearly_flat.append(places + np.array([[start], [0]]))
            variance *= variance >= TINY  # also where rounding made it negative
            np.add(variance, TINY, out=inverse[start:stop])
            np.divide(variance > 0.0, inverse[start:stop], out=inverse[start:stop])
            variance /= NOISE_VARIANCE
            information += _sum_of_logs(variance)
        return mean, inverse, np.concatenate(nearly_flat, axis=1), information

    return _Reference(*plane.once(("vif reference", level, clipped), compute))


def _kept(sources: Sources, fused: Plane, level: int, clipped: bool) -> Kept:
    """The information of each source that the fused image keeps at one scale.

    With gain g = cov / (var + tiny) and error e = var_F - g cov it is the sum of log(1 + g^2 var / (e + noise)); a gain
    that is negative, or of a flat place, is 0 by definition, and then its term is 0 whatever the error.
    """

    def compute() -> Kept:
        window, fused_values = WINDOWS[level], _values(fused, level)
        references = [_reference(source, level, clipped) for source in sources]
        kept = [0.0, 0.0]
        for start, stop in strips(window.length(fused_values.shape[0]), 6 * fused_values.shape[1]):
            part = _strip(fused_values, start, stop, window.size)
            others = [_strip(_values(source, level), start, stop, window.size) for source in sources]
            local = window.means(_stack([(part, None), (part, part), *((part, other) for other in others)], clipped))
            mean, variance = local[:, 0], _variance(local[:, 0], local[:, 1])
            # nothing is kept where the fused image is flat: an infinite error makes the term 0
            variance[variance < TINY] = np.inf
            variance += NOISE_VARIANCE
            for index, reference in enumerate(references):
                covariance = _covariance(reference, start, local[:, 2 + index], mean)
                places = _within(reference.nearly_flat, start, stop)
                covariance[tuple(places)] = _about_centre(others[index], part, places, window)
                kept[index] += _kept_in_strip(covariance, reference.inverse[start:stop], variance)
        return kept[0], kept[1]

    return fused.once(("vif kept", sources, level, clipped), compute)


def _strip(values: Values, start: int, stop: int, size: int) -> Real:
    """The rows that the windows of some rows of results cover, as float64."""
    return values[start : stop - 1 + size].astype(np.float64, copy=False)


def _stack(factors: list[tuple[Real, Real | None]], clipped: bool) -> Real:
    """(rows, images, columns) of products; a single factor is taken as it is and never clipped."""
    rows, columns = factors[0][0].shape
    stack = np.empty((rows, len(factors), columns))
    for index, (first, second) in enumerate(factors):
        if second is None:
            stack[:, index] = first
            continue
        np.multiply(first, second, out=stack[:, index])
        if clipped:
            np.minimum(stack[:, index], 255.0, out=stack[:, index])
    return stack


def _variance(mean: Real, square: Real) -> Real:
    variance = mean * mean
    return np.subtract(square, variance, out=variance)


def _nearly_flat(part: Real, mean: Real, variance: Real, size: int) -> Places:
    """Where the variance is small against the mean; where all values are equal it is made 0 instead."""
    doubtful = variance < NEARLY_FLAT * mean * mean
    if not doubtful.any():
        return np.empty((2, 0), np.intp)
    half, square = size // 2, np.ones((size, size), np.uint8)
    equal = (cv2.dilate(part, square) - cv2.erode(part, square) < EQUAL)[half:-half, half:-half]
    variance[equal] = 0.0
    return np.stack(np.nonzero(doubtful & ~equal))


def _about_centre(first: Real, second: Real, places: Places, window: Window) -> Real:
    """The covariances in some windows of two images, from differences to the values in their centres."""
    half, found = window.size // 2, np.empty(places.shape[1])
    weights = np.outer(window.weights, window.weights)
    for start in range(0, len(found), _WINDOWS_AT_ONCE):
        part = tuple(places[:, start : start + _WINDOWS_AT_ONCE])
        x, y = (sliding_window_view(image, weights.shape)[part] for image in (first, second))
        x, y = (each - each[:, half : half + 1, half : half + 1] for each in (x, y))
        mean_x, mean_y, product = (np.tensordot(each, weights) for each in (x, y, x * y))
        found[start : start + _WINDOWS_AT_ONCE] = product - mean_x * mean_y
    return found


def _within(places: Places, start: int, stop: int) -> Places:
    """Those of some rows, counted from the first of these."""
    first, last = np.searchsorted(places[0], [start, stop])
    return places[:, first:last] - np.array([[start], [0]])


def _covariance(reference: _Reference, start: int, product: Real, mean: Real) -> Real:
    covariance = reference.mean[start : start + len(mean)] * mean
    return np.subtract(product, covariance, out=covariance)


def _kept_in_strip(covariance: Real, inverse: Real, noisy: Real) -> float:
    """Sum of the terms of some rows; overwrites the covariance."""
    np.maximum(covariance, 0.0, out=covariance)
    term = covariance * covariance
    term *= inverse  # g cov
    error = np.subtract(noisy, term, out=covariance)
    np.maximum(error, NOISE_VARIANCE + TINY, out=error)
    term /= error
    term *= np.subtract(1.0, np.multiply(inverse, TINY, out=error), out=error)  # from g cov to g^2 var
    return _sum_of_logs(term)


def _sum_of_logs(values: Real) -> float:
    """Sum of log(1 + value); overwrites its argument.

    Eight rows are multiplied before the logarithm is taken; each factor is far below 1e30, so nothing overflows.
    """
    values += 1.0
    rows = values.shape[0] // _ROWS_PER_LOG
    products = values[:rows]
    for row in range(1, _ROWS_PER_LOG):
        products *= values[row * rows : (row + 1) * rows]
    return float(np.log(products).sum() + np.log(values[_ROWS_PER_LOG * rows :]).sum())
