"""Colour kept from the visible image: CIEDE2000 and hue differences, formulas by scikit-image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.metrics.planes import Plane, Triple
from bench.metrics.windows import Real

Channels = list[Triple]
"""The triples of the red, green and blue planes."""

_STATISTICS: dict[str, Callable[[Real], float]] = {
    "mean": lambda values: float(values.mean()),
    "p95": lambda values: float(np.percentile(values, 95.0)),
}


def colour_difference(channels: Channels, statistic: str) -> float:
    """CIEDE2000 between fused and visible image, sRGB under D65: lightness, chroma and hue together; lower is better.

    Args:
        channels: the triples of red, green and blue.
        statistic: over the pixels: ``mean`` or ``p95``, the 95th percentile.

    References:
        [1] Sharma, Wu, Dalal, 2005, doi:10.1002/col.20070.
    """

    def compute() -> Real:
        difference = _skimage().deltaE_ciede2000(_lab(_visible(channels)), _lab(_fused(channels)))
        return np.asarray(difference, dtype=np.float64)

    return _STATISTICS[statistic](_fused(channels)[0].once(("ciede2000", *_all_planes(channels)), compute))


def hue_difference(channels: Channels, statistic: str) -> float:
    """CIE hue difference between fused and visible image: 2 sqrt(C C') sin(dh / 2) in CIELAB; lower is better.

    It grows with the chroma of both, so that the arbitrary hue of greys does not count, and lightness plays no part.

    Args:
        channels: the triples of red, green and blue.
        statistic: over the pixels: ``mean`` or ``p95``, the 95th percentile.

    References:
        [1] CIE 15:2004, the hue difference of CIE 1976 L*a*b*.
    """

    def compute() -> Real:
        squared = _skimage().delta_e.get_dH2(_lab(_visible(channels)), _lab(_fused(channels)))
        return np.sqrt(np.maximum(np.asarray(squared, dtype=np.float64), 0.0))

    return _STATISTICS[statistic](_fused(channels)[0].once(("hue", *_all_planes(channels)), compute))


def _skimage() -> Any:
    from skimage import color  # late: few runs ask for it

    return color


def _visible(channels: Channels) -> tuple[Plane, ...]:
    return tuple(triple.vis for triple in channels)


def _fused(channels: Channels) -> tuple[Plane, ...]:
    return tuple(triple.fused for triple in channels)


def _all_planes(channels: Channels) -> tuple[Plane, ...]:
    return (*_visible(channels), *_fused(channels))


def _lab(planes: tuple[Plane, ...]) -> Real:
    """CIELAB (H, W, 3) of three planes, kept by the first.

    Greys get no chroma at all: the rounded constants of the conversion leave 0.005, whose hue means nothing.
    """

    def compute() -> Real:
        image = np.dstack([plane.levels for plane in planes])
        lab = np.asarray(_skimage().rgb2lab(image / 255.0), dtype=np.float64)
        lab[(image == image[..., :1]).all(axis=2), 1:] = 0.0
        return lab

    return planes[0].once(("lab", *planes), compute)
