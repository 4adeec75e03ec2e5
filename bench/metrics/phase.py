"""Q_P: how much of the sources' phase congruency and of its moments the fused image keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.metrics.planes import Plane, Triple
from bench.metrics.windows import Real, gaussian

SCALES, ORIENTATIONS = 4, 6
SMALLEST_WAVE, WAVE_FACTOR, BAND = 3.0, 2.1, 0.55  # pixels, ratio of scales, sigma over centre frequency
FEATURE = 0.1
"""From this phase congruency on a pixel of a source counts as a feature."""

_TINY = 1e-4
_ANGLES = tuple(order * math.pi / ORIENTATIONS for order in range(ORIENTATIONS))
_WINDOW = gaussian(11, 1.5)
_SPREAD = math.pi / 7.2  # sigma of the angular Gaussian

Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class _Bank:
    """The log-Gabor filters of one image size.

    Attributes:
        radial: (4, H, W), per scale.
        angular: (6, H, W), per orientation.
        noise: per orientation: sum of the squared finest filter, sum of squares and of products of the filters' even
            parts.
    """

    radial: Real
    angular: Real
    noise: tuple[tuple[float, float, float], ...]


def phase_preservation(triple: Triple, slips: bool) -> float:
    """Q_P: the product over phase congruency and its two moments of the local correlations with the sources, -1 to 1.

    At each place the best of three references counts: infrared, visible, and the one with more phase congruency. Where
    no source has a feature, nothing can be lost and the value is 1; of a constant fused image it is else 0 (the
    original code divides 0 by 0 for constant images).

    Args:
        triple: the three planes.
        slips: of the released code: on odd sides the low-pass filter is one sample out of place.

    References:
        [1] Zhao, Laganiere, Liu, 2007 (Int. J. Innovative Computing, Information and Control 3(6A)).
        [2] Kovesi, 1999 (phase congruency).
    """
    ir, vis, fused = (_features(plane, slips) for plane in (triple.ir, triple.vis, triple.fused))
    stronger = ir[0] > vis[0]
    largest = [np.where(stronger, first, second) for first, second in zip(ir, vis, strict=True)]
    references = [(maps, maps[0] > FEATURE) for maps in (ir, vis, largest)]
    count = int(np.count_nonzero(references[2][1]))
    if count == 0:
        return 1.0
    if triple.fused.levels.min() == triple.fused.levels.max():
        return 0.0
    quality = 1.0
    for kind in range(3):
        kept = [_correlation(maps[kind] * mask, fused[kind]) * mask for maps, mask in references]
        quality *= float(np.maximum.reduce(kept).sum()) / count
    return quality


def _correlation(source: Real, fused: Real) -> Real:
    means = [_mean(image) for image in (source, fused)]
    variances = [_mean(image * image) - mean * mean for image, mean in zip((source, fused), means, strict=True)]
    shared = _mean(source * fused) - means[0] * means[1]
    return (shared + _TINY) / (np.sqrt(np.abs(variances[0] * variances[1])) + _TINY)


def _mean(image: Real) -> Real:
    return _WINDOW.mean_everywhere(image, cv2.BORDER_CONSTANT)


def _features(plane: Plane, slips: bool) -> tuple[Real, Real, Real]:
    """Phase congruency, its largest and its smallest moment; all 0 for a constant image."""

    def compute() -> tuple[Real, Real, Real]:
        if plane.levels.min() == plane.levels.max():
            nothing = np.zeros(plane.shape)
            return nothing, nothing, nothing
        return _phase_congruency(plane.levels.astype(np.float64), _bank(plane.shape, slips))

    return plane.once(("phase", slips), compute)


def _phase_congruency(image: Real, bank: _Bank) -> tuple[Real, Real, Real]:
    from scipy.fft import fft2  # late: few runs ask for it

    spectrum = fft2(image)
    amplitudes, energies = np.zeros(image.shape), np.zeros(image.shape)
    xx, yy, xy = np.zeros(image.shape), np.zeros(image.shape), np.zeros(image.shape)
    for angle, angular, noise in zip(_ANGLES, bank.angular, bank.noise, strict=True):
        amplitude, energy = _oriented(spectrum, bank.radial, angular, noise)
        amplitudes += amplitude
        energies += energy
        ratio = np.divide(energy, amplitude, out=np.zeros_like(energy), where=amplitude > 0.0)
        across, down = ratio * math.cos(angle), ratio * math.sin(angle)
        xx += across * across
        yy += down * down
        xy += across * down
    xx, yy, xy = xx / (ORIENTATIONS / 2), yy / (ORIENTATIONS / 2), xy / ORIENTATIONS
    root = np.sqrt(xy * xy + (xx - yy) ** 2) + _TINY
    return energies / (amplitudes + _TINY), (yy + xx + root) / 2.0, (yy + xx - root) / 2.0


def _oriented(spectrum: Complex, radial: Real, angular: Real, noise: tuple[float, float, float]) -> tuple[Real, Real]:
    """Sum of amplitudes over the scales of one orientation, and its energy above the noise, weighted by its spread."""
    from scipy.fft import ifft2

    responses = [ifft2(spectrum * (part * angular)) for part in radial]
    sizes = [np.abs(response) for response in responses]
    total, largest = np.asarray(sum(sizes)), np.maximum.reduce(sizes)
    direction: Any = sum(responses)
    length = np.hypot(direction.real, direction.imag) + _TINY
    even, odd = direction.real / length, direction.imag / length
    energy = np.zeros_like(total)
    for response in responses:
        energy += response.real * even + response.imag * odd - np.abs(response.real * odd - response.imag * even)
    energy = np.maximum(energy - _threshold(float(np.median(sizes[0] ** 2)), noise), 0.0)
    width = total / (largest + _TINY) / SCALES
    return total, energy / (1.0 + np.exp(10.0 * (0.5 - width)))


def _threshold(median: float, noise: tuple[float, float, float]) -> float:
    """Energy that noise alone would show, from the median squared amplitude of the finest scale [2]."""
    finest, squares, products = noise
    power = median / math.log(2.0) / finest
    tau = math.sqrt((2.0 * power * squares + 4.0 * power * products) / 2.0)
    return (tau * math.sqrt(math.pi / 2.0) + 2.0 * math.sqrt((2.0 - math.pi / 2.0) * tau * tau)) / 1.7


@lru_cache(maxsize=2)
def _bank(shape: tuple[int, int], slips: bool) -> _Bank:
    radius, theta = _grid(shape)
    low = _low_pass(shape, slips)
    radial = np.empty((SCALES, *shape))
    for scale in range(SCALES):
        centre = 1.0 / (SMALLEST_WAVE * WAVE_FACTOR**scale)
        radial[scale] = np.exp(-(np.log(radius / centre) ** 2) / (2.0 * math.log(BAND) ** 2)) * low
        radial[scale, 0, 0] = 0.0
    angular = np.empty((ORIENTATIONS, *shape))
    for order, angle in enumerate(_ANGLES):
        sine = np.sin(theta) * math.cos(angle) - np.cos(theta) * math.sin(angle)
        cosine = np.cos(theta) * math.cos(angle) + np.sin(theta) * math.sin(angle)
        angular[order] = np.exp(-(np.abs(np.arctan2(sine, cosine)) ** 2) / (2.0 * _SPREAD**2))
    return _Bank(radial, angular, tuple(_noise(radial * part) for part in angular))


def _noise(filters: Real) -> tuple[float, float, float]:
    """What a threshold needs of the filters of one orientation; sums over pixels are taken in frequency (Parseval)."""
    mirrored = np.roll(filters[:, ::-1, ::-1], 1, axis=(1, 2))
    even = ((filters + mirrored) / 2.0).reshape(SCALES, -1)
    table = even @ even.T
    return float(np.square(filters[0]).sum()), float(np.trace(table)), float(np.triu(table, 1).sum())


def _grid(shape: tuple[int, int]) -> tuple[Real, Real]:
    """Radial frequency and angle of each bin in transform order; an odd side is divided by one less, as in [2]."""
    y, x = ((np.arange(size) - size // 2) / max(size - size % 2, 1) for size in shape)
    radius, theta = np.hypot(x[None, :], y[:, None]), np.arctan2(-y[:, None], x[None, :])
    radius[shape[0] // 2, shape[1] // 2] = 1.0
    return np.fft.ifftshift(radius), np.fft.ifftshift(theta)


def _low_pass(shape: tuple[int, int], slips: bool) -> Real:
    """Butterworth filter of order 15, cut at 0.45."""
    y, x = ((np.arange(size) - size // 2) / size for size in shape)
    response = 1.0 / (1.0 + (np.hypot(x[None, :], y[:, None]) / 0.45) ** 30)
    return np.fft.fftshift(response) if slips else np.fft.ifftshift(response)
