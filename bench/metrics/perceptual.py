"""Metrics that model the eye's contrast sensitivity: Chen-Blum and Chen-Varshney."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.metrics.information import histogram, stretch_table
from bench.metrics.planes import Plane, Triple
from bench.metrics.windows import Real, Window, strips

Spectrum = NDArray[np.complex128]
_BLOCK = 16
_SOBEL_X = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=np.float64)


def _stretched(plane: Plane) -> Real:
    """Levels stretched to 0..255 and rounded; a constant image becomes 0 (the original code divides 0 by 0)."""
    return np.asarray(stretch_table(histogram(plane)), dtype=np.float64)[plane.levels]


def _spectrum(plane: Plane) -> Spectrum:
    return plane.once("spectrum", lambda: np.fft.rfft2(_stretched(plane)))


def _radius(shape: tuple[int, int], divisor: float) -> Real:
    """Radial frequency of each bin of a real transform, in cycles per degree if the image is ``divisor`` degrees wide.

    One is the Nyquist frequency on each axis before it is scaled by size / divisor.
    """
    height, width = shape
    down = 2.0 * np.fft.fftfreq(height) * height / divisor
    across = 2.0 * np.fft.rfftfreq(width) * width / divisor
    return np.hypot(down[:, None], across[None, :])


@lru_cache(maxsize=4)
def _response(shape: tuple[int, int], divisor: float, sensitivity: Callable[[Real], Real]) -> Real:
    """A filter of one image size: exponentials at every frequency, the same for all images of a data set."""
    return sensitivity(_radius(shape, divisor))


def _filtered(plane: Plane, divisor: float, sensitivity: Callable[[Real], Real]) -> Real:
    seen = _spectrum(plane) * _response(plane.shape, divisor, sensitivity)
    return np.asarray(np.fft.irfft2(seen, s=plane.shape))


def _blum_sensitivity(radius: Real) -> Real:
    """Difference of Gaussians contrast sensitivity, constants of Chen and Blum."""
    return np.asarray(np.exp(-((radius / 15.3870) ** 2)) - 0.7622 * np.exp(-((radius / 1.3456) ** 2)))


def _mannos_sensitivity(radius: Real) -> Real:
    """Mannos and Sakrison's contrast sensitivity, as Chen and Varshney use it."""
    return np.asarray(2.6 * (0.0192 + 0.144 * radius) * np.exp(-((0.144 * radius) ** 1.1)))


def _unscaled_gaussian(sigma: float) -> Window:
    offsets = np.arange(31) - 15
    return Window(np.exp(-(offsets**2) / (2.0 * sigma * sigma)) / (np.sqrt(2.0 * np.pi) * sigma))


_GUARD = 1e-10
_NEAR, _FAR = _unscaled_gaussian(2.0), _unscaled_gaussian(4.0)


def _masked_contrast(plane: Plane) -> Real:
    """Local band-limited contrast after masking; 0 where the image has no signal."""

    def compute() -> Real:
        image = _filtered(plane, 30.0, _blum_sensitivity)
        near, far = (window.mean_everywhere(image, cv2.BORDER_CONSTANT) for window in (_NEAR, _FAR))
        contrast = np.divide(near, far, out=np.ones_like(near), where=far != 0.0)
        contrast -= 1.0
        np.abs(contrast, out=contrast)
        squared = np.multiply(contrast, contrast, out=near)
        contrast *= squared
        squared += 0.0001
        contrast /= squared
        return contrast

    return plane.once("masked contrast", compute)


def chen_blum(triple: Triple) -> float:
    """Qcb: share of the sources' masked contrast kept, weighted by local saliency, 0 to 1.

    No contrast in source and fused image counts as kept (the original code divides 0 by 0); where neither source has
    any, both weigh the same.

    References:
        [1] Chen, Blum, 2009, doi:10.1016/j.imavis.2007.12.002.
    """
    ir, vis, fused = (_masked_contrast(plane) for plane in (triple.ir, triple.vis, triple.fused))
    quality = 0.0
    for start, stop in strips(fused.shape[0], 8 * fused.shape[1]):
        rows = slice(start, stop)
        total = ir[rows] * ir[rows] + vis[rows] * vis[rows]
        share = np.divide(vis[rows] * vis[rows], total, out=np.full_like(total, 0.5), where=total > 0.0)
        kept = share * _kept_ratio(vis[rows], fused[rows]) + (1.0 - share) * _kept_ratio(ir[rows], fused[rows])
        quality += float(kept.sum())
    return quality / fused.size


def _kept_ratio(first: Real, second: Real) -> Real:
    largest = np.maximum(first, second)
    return np.divide(np.minimum(first, second), largest, out=np.ones_like(largest), where=largest > 0.0)


def chen_blum_at_half_frequency(triple: Triple) -> float:
    """Qcb of ``ivif_zoo``: the filter sees half of each frequency, and guards of 1e-10 outweigh small contrasts.

    Levels are stretched to 0..1 and not rounded; a constant image becomes 0. The filter is built in single precision,
    as in the original, whose rounding shows in dark flat areas. Identical images do not reach 1.
    """
    ir, vis, fused = (_guarded_contrast(plane) for plane in (triple.ir, triple.vis, triple.fused))
    weights = [source * source for source in (ir, vis)]
    total = weights[0] + weights[1] + _GUARD
    kept = [weight / total * _kept_ratio(source, fused) for weight, source in zip(weights, (ir, vis), strict=True)]
    return float((kept[0] + kept[1]).mean())


@lru_cache(maxsize=2)
def _half_frequency_response(shape: tuple[int, int]) -> NDArray[np.float32]:
    height, width = shape
    down = np.fft.fftfreq(height).astype(np.float32) * np.float32(height / 30)
    across = np.fft.rfftfreq(width).astype(np.float32) * np.float32(width / 30)
    radius = np.sqrt(down[:, None] ** 2 + across[None, :] ** 2)
    response = np.exp(-((radius / np.float32(15.3870)) ** 2))
    response -= np.float32(0.7622) * np.exp(-((radius / np.float32(1.3456)) ** 2))
    return np.asarray(response, np.float32)


def _guarded_contrast(plane: Plane) -> Real:
    def compute() -> Real:
        low, high = float(plane.levels.min()), float(plane.levels.max())
        image = (plane.levels - low) / (high - low if high > low else 1.0)
        seen = np.asarray(np.fft.irfft2(np.fft.rfft2(image) * _half_frequency_response(plane.shape), s=plane.shape))
        near, far = (window.mean_everywhere(seen, cv2.BORDER_CONSTANT) for window in (_NEAR, _FAR))
        contrast = np.abs(near / (far + _GUARD) - 1.0)
        return contrast**3 / (contrast * contrast + 0.0001)

    return plane.once("guarded contrast", compute)


def chen_varshney(triple: Triple) -> float:
    """Qcv: perceptually filtered squared error of 16x16 blocks, weighted by edge saliency, 0 upwards; lower is better.

    Where no source has an edge, all blocks weigh the same.

    References:
        [1] Chen, Varshney, 2007, doi:10.1016/j.inffus.2005.10.001.
    """
    fused = _seen(triple.fused)
    errors = [_blocks((_seen(source) - fused) ** 2).mean(axis=(1, 3)) for source in triple.sources]
    saliency = [_block_saliency(source) for source in triple.sources]
    weight = float(sum(part.sum() for part in saliency))
    if weight == 0.0:
        return float(sum(error.mean() for error in errors)) / 2.0
    return float(sum((part * error).sum() for part, error in zip(saliency, errors, strict=True))) / weight


def _seen(plane: Plane) -> Real:
    """The stretched image as the eye passes it; filtering each image once equals filtering every difference."""
    return plane.once("seen", lambda: _filtered(plane, 8.0, _mannos_sensitivity))


def _blocks(values: Real) -> Real:
    """(rows, 16, columns, 16), zero-padded at the bottom and right to full blocks."""
    height, width = values.shape
    padded = np.pad(values, ((0, -height % _BLOCK), (0, -width % _BLOCK)))
    return padded.reshape(padded.shape[0] // _BLOCK, _BLOCK, padded.shape[1] // _BLOCK, _BLOCK)


def _block_saliency(plane: Plane) -> Real:
    def compute() -> Real:
        image = _stretched(plane)
        across, down = (
            cv2.filter2D(image, cv2.CV_64F, kernel, borderType=cv2.BORDER_CONSTANT) for kernel in (_SOBEL_X, _SOBEL_X.T)
        )
        squared = across * across + down * down
        return np.asarray(_blocks(squared * squared * np.sqrt(squared)).sum(axis=(1, 3)), dtype=np.float64)

    return plane.once("saliency", compute)
