"""Feature mutual information (Fast-FMI): how much of the sources' features a fused image shares, window by window."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.metrics.planes import Plane, Triple
from bench.metrics.windows import Real

SMALLEST = 3
_CHUNK = 4096  # windows per batch: one 9 x 9 table of each takes 2.7 MB
_PLACES = np.arange(1.0, 10.0)[:, None]

Mask = NDArray[np.bool_]


def feature_mutual_information(triple: Triple, feature: str, slips: bool) -> float:
    """Mean over 3x3 windows and both sources of the normalised mutual information with the fused image.

    Each window's nine values, read down the columns, are taken as two distributions; their joint distribution is the
    mixture of independence and the extreme one (Frechet bound) that reproduces their correlation.

    Args:
        triple: the three planes, at least 3 x 3.
        feature: ``raw``, ``gradient`` (horizontal), ``edge`` (binary, Sobel), ``dct`` or ``wavelet``.
        slips: reproduce the MATLAB code: the second source's test for equality sees the fused window already scaled,
            and two flat windows are compared by their rounding residues. Without it two flat windows score 1.

    References:
        [1] Haghighat, Aghagolzadeh, Seyedarabi, 2011, doi:10.1016/j.compeleceng.2011.07.012.
        [2] Haghighat, Razian, 2014, doi:10.1109/ICAICT.2014.7036000.
    """
    ir, vis, fused = (_windows(plane, feature) for plane in (triple.ir, triple.vis, triple.fused))
    total = 0.0
    for start in range(0, fused.shape[1], _CHUNK):
        part = slice(start, start + _CHUNK)
        total += float(_window_scores(ir[:, part], vis[:, part], fused[:, part], slips).sum())
    return total / fused.shape[1]


def _windows(plane: Plane, feature: str) -> Real:
    """(9, n): all 3x3 windows of the feature map, each read down its columns."""
    values = feature_map(plane, feature)
    height, width = values.shape
    return np.stack([
        values[row : height - 2 + row, column : width - 2 + column].ravel() for column in range(3) for row in range(3)
    ])  # fmt: skip


def feature_map(plane: Plane, feature: str) -> Real:
    """The feature of each place as float64, contiguous; (H, W), for the wavelets somewhat larger."""
    return plane.once(("feature", feature), lambda: np.ascontiguousarray(_FEATURES[feature](plane), dtype=np.float64))


def _window_scores(ir: Real, vis: Real, fused: Real, slips: bool) -> Real:
    scaled = _scaled(fused)
    same_ir = (ir == fused).all(axis=0)
    seen_by_vis = np.where(same_ir, fused, scaled) if slips else fused
    same_vis = (vis == seen_by_vis).all(axis=0)
    first, second = _score(_scaled(ir), scaled), _score(_scaled(vis), scaled)
    if not slips:
        flat = fused.min(axis=0) == fused.max(axis=0)
        same_ir |= flat & (ir.min(axis=0) == ir.max(axis=0))
        same_vis |= flat & (vis.min(axis=0) == vis.max(axis=0))
    first[same_ir] = 1.0
    second[same_vis] = 1.0
    return (first + second) / 2.0


def _scaled(values: Real) -> Real:
    """Each window stretched to 0..1; a flat one becomes all ones."""
    low, high = values.min(axis=0), values.max(axis=0)
    spread = high - low
    scaled = (values - low) / np.where(spread == 0.0, 1.0, spread)
    scaled[:, spread == 0.0] = 1.0
    return scaled


def _score(source: Real, fused: Real) -> Real:
    """Normalised mutual information of two (9, n) sets of scaled windows; sums run in the order of the windows."""
    x, f = source / source.sum(axis=0), fused / fused.sum(axis=0)
    correlation = _correlation(x, f)
    spreads = _spread(x) * _spread(f)
    cumulated_x, cumulated_f = np.cumsum(x, axis=0), np.cumsum(f, axis=0)
    independent = cumulated_f[:, None] * cumulated_x[None, :]
    upper = np.minimum(cumulated_f[:, None], cumulated_x[None, :])
    lower = np.maximum(cumulated_f[:, None] + cumulated_x[None, :] - 1.0, 0.0)
    bound = np.where(correlation >= 0.0, upper, lower)
    usable = (correlation != 0.0) & (spreads > 0.0)
    extreme = (bound - independent).sum(axis=(0, 1)) / np.where(usable, spreads, 1.0)
    usable &= extreme != 0.0
    weight = np.where(usable, correlation, 0.0) / np.where(usable, extreme, 1.0)
    joint = weight * _cells(bound) + (1.0 - weight) * (f[:, None] * x[None, :])
    separate = _information(x, axis=0) + _information(f, axis=0)
    mutual = separate - _information(joint, axis=(0, 1))
    scored = (mutual != 0.0) & (separate != 0.0)
    return np.where(scored, 2.0 * mutual, 0.0) / np.where(scored, separate, 1.0)


def _correlation(x: Real, f: Real) -> Real:
    """Pearson's r of each window pair, 0 where its numerator is exactly 0."""
    x_rest, f_rest = x - x.sum(axis=0) / 9.0, f - f.sum(axis=0) / 9.0
    numerator = (x_rest * f_rest).sum(axis=0)
    scale = np.sqrt((x_rest * x_rest).sum(axis=0) * (f_rest * f_rest).sum(axis=0))
    return np.divide(numerator, scale, out=np.zeros_like(scale), where=(numerator != 0.0) & (scale > 0.0))


def _spread(distribution: Real) -> Real:
    mean = (_PLACES * distribution).sum(axis=0)
    return np.sqrt(np.maximum((_PLACES**2 * distribution).sum(axis=0) - mean * mean, 0.0))


def _cells(cumulated: Real) -> Real:
    """The probability of each cell of a cumulated (9, 9, n) distribution."""
    cells = cumulated.copy()
    cells[1:] -= cumulated[:-1]
    cells[:, 1:] -= cumulated[:, :-1]
    cells[1:, 1:] += cumulated[:-1, :-1]
    return cells


def _information(values: Real, axis: int | tuple[int, int]) -> Real:
    """Sum of -q log2|q| over the cells that are not 0; a cell may be negative."""
    size = np.abs(values)
    logs = np.log2(size, out=np.zeros_like(size), where=size > 0.0)
    return np.asarray(-(values * logs).sum(axis=axis), dtype=np.float64)


def _raw(plane: Plane) -> Real:
    return plane.levels / 255.0


def _gradient(plane: Plane) -> Real:
    return np.asarray(np.gradient(_raw(plane), axis=1), dtype=np.float64)


def _edge(plane: Plane) -> Real:
    """Octave's Sobel edge map, 0 or 1: above four times the mean squared strength and a peak across or down."""
    across = cv2.Sobel(plane.levels, cv2.CV_16S, 1, 0, ksize=3, borderType=cv2.BORDER_REPLICATE).astype(np.int64)
    down = cv2.Sobel(plane.levels, cv2.CV_16S, 0, 1, ksize=3, borderType=cv2.BORDER_REPLICATE).astype(np.int64)
    squared = across * across + down * down
    squared[squared.size * squared <= 4 * squared.sum()] = 0
    padded = np.pad(squared, 1)
    peak_across = (squared > padded[1:-1, :-2]) & (squared > padded[1:-1, 2:])
    peak_down = (squared > padded[:-2, 1:-1]) & (squared > padded[2:, 1:-1])
    return (peak_across | peak_down).astype(np.float64)


def _cosine(plane: Plane) -> Real:
    from scipy.fft import dctn  # late: few runs ask for it, and it takes longer to import than the rest

    return np.asarray(dctn(_raw(plane), norm="ortho"), dtype=np.float64)


def _wavelet(plane: Plane) -> Real:
    import pywt

    approximation, (horizontal, vertical, diagonal) = pywt.dwt2(_raw(plane), "dmey", mode="symmetric")
    glued = np.block([[approximation, horizontal], [vertical, diagonal]])
    spread = glued.max() - glued.min()
    return np.asarray((glued - glued.min()) / (spread if spread > 0.0 else 1.0), dtype=np.float64)


_FEATURES: dict[str, Callable[[Plane], Real]] = {
    "raw": _raw, "gradient": _gradient, "edge": _edge, "dct": _cosine, "wavelet": _wavelet,
}  # fmt: skip
