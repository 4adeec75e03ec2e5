"""Metrics of edges: Xydeas-Petrovic edge preservation."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.metrics.planes import Plane, Triple

Real = NDArray[np.float64]

# Sigmoids of edge strength and orientation [1]: gain, slope, centre.
STRENGTH = (0.9994, 15.0, 0.5)
ORIENTATION = (0.9879, 22.0, 0.8)
CEILING = STRENGTH[0] * ORIENTATION[0] / ((1 + np.exp(-15.0 * 0.5)) * (1 + np.exp(-22.0 * 0.2)))
"""What three equal images get: 0.9748; also the value where no source has an edge to preserve."""

_SOBEL_X = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=np.float64)
_SOBEL_Y = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], dtype=np.float64)
_BORDERS = {"zero": cv2.BORDER_CONSTANT, "replicate": cv2.BORDER_REPLICATE}


def convolve_in_order(levels: Real, kernel: Real) -> Real:
    """Zero-padded 3x3 convolution, summed over the kernel column by column, down first.

    On fractions the order decides which sums are exactly zero and which gradients are exactly equal, and edge
    preservation asks both; another order moved it by 0.01 on one published image.
    """
    height, width = levels.shape
    padded = np.pad(levels, 1)
    out = np.zeros_like(levels)
    for column in range(3):
        for row in range(3):
            if kernel[row, column]:
                out += kernel[row, column] * padded[2 - row : 2 - row + height, 2 - column : 2 - column + width]
    return out


def sobel(plane: Plane, border: str) -> tuple[Real, Real]:
    """Unnormalised Sobel responses of the levels along x and y, exact integers in float64; kept by nobody."""
    mode = _BORDERS[border]
    right = cv2.Sobel(plane.levels, cv2.CV_16S, 1, 0, ksize=3, borderType=mode)
    down = cv2.Sobel(plane.levels, cv2.CV_16S, 0, 1, ksize=3, borderType=mode)
    return right.astype(np.float64), -down.astype(np.float64)


def _strength_and_angle(plane: Plane, unit: str, border: str) -> tuple[Real, Real]:
    def compute() -> tuple[Real, Real]:
        if unit == "fraction":
            levels = plane.levels / 255.0
            x, y = convolve_in_order(levels, _SOBEL_X), convolve_in_order(levels, _SOBEL_Y)
        else:
            x, y = sobel(plane, border)
        with np.errstate(divide="ignore", invalid="ignore"):
            angle = np.arctan(y / x)
        angle[x == 0.0] = np.pi / 2
        return np.sqrt(x * x + y * y), angle

    return plane.once(("edge", unit == "fraction", border), compute)


def edge_preservation(triple: Triple, unit: str, border: str, tie: str) -> float:
    """Qabf: how much of the sources' edge strength and orientation the fused image keeps, 0 to 0.9748.

    Orientations differ by at most pi in this measure, without wrap-around, as in the field's common code. If no source
    has an edge, nothing can be lost and the result is the value of three equal images, 0.9748.

    Args:
        triple: the three planes.
        unit: ``level``: gradients of 0..255; ``fraction``: of 0..1, in the tap order of the MATLAB code;
            ``level_times_255``: of 0..65025 (``vifb`` scales twice). Only ties depend on it, apart from rounding.
        border: ``zero`` invents an edge along the frame; ``replicate`` does not.
        tie: where source and fused strength are equal, their ratio is ``one``, or by a slip of the common code
            ``strength``: the fused strength itself.

    References:
        [1] Xydeas, Petrovic, 2000, doi:10.1049/el:20000267.
    """
    fused = _strength_and_angle(triple.fused, unit, border)
    edges = [_strength_and_angle(source, unit, border) for source in triple.sources]
    weight = float(sum(strength.sum() for strength, _ in edges))
    if weight == 0.0:
        return float(CEILING)
    scale = 255.0 if unit == "level_times_255" else 1.0
    return sum(_kept(edge, fused, scale if tie == "strength" else 0.0) for edge in edges) / weight


def _kept(source: tuple[Real, Real], fused: tuple[Real, Real], tie_scale: float) -> float:
    strength, angle = source
    largest = np.maximum(strength, fused[0])
    ratio = np.minimum(strength, fused[0]) / np.where(largest == 0.0, 1.0, largest)
    if tie_scale:
        tied = strength == fused[0]
        ratio[tied] = tie_scale * strength[tied]
    turn = 1.0 - np.abs(angle - fused[1]) / (np.pi / 2)
    kept = _sigmoid(ratio, STRENGTH) * _sigmoid(turn, ORIENTATION)
    return float((kept * strength).sum())


def _sigmoid(values: Real, constants: tuple[float, float, float]) -> Real:
    gain, slope, centre = constants
    return gain / (1.0 + np.exp(-slope * (values - centre)))
