"""Visual information fidelity in the pixel domain, four scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.metrics.planes import Plane, Triple
from bench.metrics.windows import Real, gaussian, valid_mean

NOISE_VARIANCE = 2.0  # of the eye's channel, for levels 0..255 [1]
TINY = 1e-10
WINDOWS = tuple(gaussian(size, size / 5.0) for size in (17, 9, 5, 3))
SMALLEST = 41
"""Height and width from which the fourth scale still has a window."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One plane at one scale: its values, local means and local variances (not below 0)."""

    values: Real
    mean: Real
    variance: Real


def visual_information_fidelity(triple: Triple, saturate: bool = False) -> float:
    """VIF(ir, F) + VIF(vis, F) in the pixel domain: the sum over both sources, about 0 to 2, above 2 if F is sharper.

    Which definition: four scales, windows of 17, 9, 5, 3 pixels with sigma = size / 5, noise variance 2 on 0..255. A
    source without any variance has no information to lose and counts 1.

    Args:
        triple: the three planes, at least 41 x 41.
        saturate: at the finest scale the products of the images are clipped to 255 before they are averaged, as uint8
            arithmetic did in ``seafusion2022``.

    References:
        [1] Sheikh, Bovik, 2006, doi:10.1109/TIP.2005.859378 (its own VIF works on wavelets).
    """
    return sum(_fidelity(source, triple.fused, saturate) for source in triple.sources)


def _fidelity(source: Plane, fused: Plane, saturate: bool) -> float:
    kept = total = 0.0
    for level in range(4):
        clipped = saturate and level == 0
        total += source.once(("vif information", level, clipped), lambda: _information(_scale(source, level, clipped)))  # noqa: B023
        kept += _kept_information(source, fused, level, clipped)
    return kept / total if total > 0.0 else 1.0


def _values(plane: Plane, level: int) -> Real:
    """The plane at one scale: filtered with that scale's own window, every second pixel kept."""
    if level == 0:
        return plane.levels.astype(np.float64)
    return plane.once(
        ("vif values", level),
        lambda: np.ascontiguousarray(valid_mean(_values(plane, level - 1), WINDOWS[level])[::2, ::2]),
    )


def _product(first: Real, second: Real, clipped: bool) -> Real:
    product = first * second
    return np.minimum(product, 255.0, out=product) if clipped else product


def _scale(plane: Plane, level: int, clipped: bool) -> Scale:
    def compute() -> tuple[Real, Real, Real]:
        values = _values(plane, level)
        mean = valid_mean(values, WINDOWS[level])
        variance = valid_mean(_product(values, values, clipped), WINDOWS[level]) - mean * mean
        return values, mean, np.maximum(variance, 0.0, out=variance)

    return Scale(*plane.once(("vif scale", level, clipped), compute))


def _information(scale: Scale) -> float:
    return float(np.log1p(np.where(scale.variance < TINY, 0.0, scale.variance) / NOISE_VARIANCE).sum())


def _kept_information(source: Plane, fused: Plane, level: int, clipped: bool) -> float:
    first, second = _scale(source, level, clipped), _scale(fused, level, clipped)
    covariance = valid_mean(_product(first.values, second.values, clipped), WINDOWS[level]) - first.mean * second.mean
    # A gain that the definition sets to zero makes the pixel's term log(1) = 0, whatever the error variance is.
    covariance[(covariance < 0.0) | (first.variance < TINY) | (second.variance < TINY)] = 0.0
    gain = covariance / (first.variance + TINY)
    error = np.maximum(second.variance - gain * covariance, TINY)
    return float(np.log1p(gain * gain * first.variance / (error + NOISE_VARIANCE)).sum())
