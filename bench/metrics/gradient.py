"""Metrics of edges: Xydeas-Petrovic edge preservation."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.metrics.planes import Plane, Triple
from bench.metrics.windows import Real, strips

Gradients = tuple[Real, Real] | tuple[NDArray[np.int16], NDArray[np.int16]]

# Sigmoids of edge strength and orientation [1]: gain, slope, centre.
STRENGTH = (0.9994, 15.0, 0.5)
ORIENTATION = (0.9879, 22.0, 0.8)
CEILING = STRENGTH[0] * ORIENTATION[0] / ((1 + np.exp(-15.0 * 0.5)) * (1 + np.exp(-22.0 * 0.2)))
"""What three equal images get: 0.9748; also the value where no source has an edge to preserve."""

_TURN = ORIENTATION[1] / (np.pi / 2)
_NOTHING = 1e-300
"""Keeps 0 / 0 at 0 where both images are flat; too small to change any other ratio."""
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


def sobel(plane: Plane, border: str) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Unnormalised Sobel responses of the levels along x and y (upwards)."""
    mode = _BORDERS[border]
    right = cv2.Sobel(plane.levels, cv2.CV_16S, 1, 0, ksize=3, borderType=mode)
    down = cv2.Sobel(plane.levels, cv2.CV_16S, 0, 1, ksize=3, borderType=mode)
    return np.asarray(right, dtype=np.int16), np.negative(down, dtype=np.int16)


def _gradients(plane: Plane, unit: str, border: str) -> Gradients:
    if unit == "fraction":
        levels = plane.levels / 255.0
        return convolve_in_order(levels, _SOBEL_X), convolve_in_order(levels, _SOBEL_Y)
    return sobel(plane, border)


def _strength_and_angle(plane: Plane, unit: str, border: str) -> tuple[Real, Real]:
    """Edge strength and orientation of a whole plane, kept by it."""

    def compute() -> tuple[Real, Real]:
        gradients = _gradients(plane, unit, border)
        strength, angle = np.empty(plane.shape), np.empty(plane.shape)
        for start, stop in strips(plane.shape[0], 8 * plane.shape[1]):
            _polar(gradients, slice(start, stop), strength[start:stop], angle[start:stop])
        return strength, angle

    return plane.once(("edge", unit == "fraction", border), compute)


def _polar(gradients: Gradients, rows: slice, strength: Real, angle: Real) -> None:
    """Writes strength and angle of some rows; the angle is pi/2 where the edge has no part across, in sigmoid units."""
    x, y = (gradient[rows].astype(np.float64, copy=False) for gradient in gradients)
    with np.errstate(divide="ignore", invalid="ignore"):
        np.divide(y, x, out=angle)
    np.arctan(angle, out=angle)
    angle[x == 0.0] = np.pi / 2
    angle *= _TURN
    np.multiply(x, x, out=strength)
    strength += y * y
    np.sqrt(strength, out=strength)


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
    edges = [_strength_and_angle(source, unit, border) for source in triple.sources]
    weight = float(sum(strength.sum() for strength, _ in edges))
    if weight == 0.0:
        return float(CEILING)
    scale = 255.0 if unit == "level_times_255" else 1.0
    gradients = _gradients(triple.fused, unit, border)
    kept = 0.0
    for start, stop in strips(triple.fused.shape[0], 8 * triple.fused.shape[1]):
        rows = slice(start, stop)
        fused = np.empty((stop - start, triple.fused.shape[1])), np.empty((stop - start, triple.fused.shape[1]))
        _polar(gradients, rows, *fused)
        for strength, angle in edges:
            kept += _kept((strength[rows], angle[rows]), fused, scale if tie == "strength" else 0.0)
    return kept / weight


def _kept(source: tuple[Real, Real], fused: tuple[Real, Real], tie_scale: float) -> float:
    """Sum over the pixels of the two sigmoids' product times the source's edge strength."""
    strength, angle = source
    largest = np.maximum(strength, fused[0])
    largest += _NOTHING
    kept = np.minimum(strength, fused[0])
    kept /= largest
    if tie_scale:
        np.copyto(kept, tie_scale * strength, where=strength == fused[0])
    kept *= -STRENGTH[1]
    kept += STRENGTH[1] * STRENGTH[2]
    np.exp(kept, out=kept)
    kept += 1.0
    # 1 - |turn| / (pi / 2) goes into a sigmoid of slope 22 about 0.8; the angles carry the factor 22 / (pi / 2)
    turn = np.subtract(angle, fused[1], out=largest)
    np.abs(turn, out=turn)
    turn -= ORIENTATION[1] * (1.0 - ORIENTATION[2])
    np.exp(turn, out=turn)
    turn += 1.0
    kept *= turn
    np.divide(strength, kept, out=kept)
    return float(kept.sum()) * STRENGTH[0] * ORIENTATION[0]


def average_gradient(triple: Triple, difference: str, divisor: str) -> float:
    """Mean of sqrt((dx^2 + dy^2) / 2) of the fused levels, 0 to 255.

    Args:
        triple: the three planes.
        difference: ``forward``: on the (H - 1)(W - 1) pixels that have a right and a lower neighbour; ``central``:
            centred differences, one-sided at the frame, on all pixels.
        divisor: of the sum: ``inner``: (H - 1)(W - 1); ``pixels``: H W.

    References:
        [1] Cui et al., 2015, doi:10.1016/j.optcom.2014.12.032.
    """
    levels = triple.fused.levels.astype(np.int32)
    height, width = levels.shape
    if difference == "forward":
        right, down = levels[:-1, 1:] - levels[:-1, :-1], levels[1:, :-1] - levels[:-1, :-1]
        squared, halves = right * right + down * down, 1.0
    else:
        right, down = _doubled_central(levels), _doubled_central(levels.T).T
        squared, halves = right * right + down * down, 2.0
    total = float(np.sqrt(squared / 2.0).sum()) / halves
    return total / (height * width if divisor == "pixels" else max((height - 1) * (width - 1), 1))


def _doubled_central(levels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Twice the centred difference along the last axis, one-sided at both ends; an exact integer."""
    if levels.shape[1] == 1:
        return np.zeros_like(levels)
    out = np.empty_like(levels)
    out[:, 1:-1] = levels[:, 2:] - levels[:, :-2]
    out[:, 0] = 2 * (levels[:, 1] - levels[:, 0])
    out[:, -1] = 2 * (levels[:, -1] - levels[:, -2])
    return out


def edge_intensity(triple: Triple) -> float:
    """Mean Sobel gradient strength of the fused levels with the frame repeated, 0 to 1443."""
    right, up = (part.astype(np.float64) for part in sobel(triple.fused, "replicate"))
    return float(np.sqrt(right * right + up * up).mean())


def fusion_artefacts(triple: Triple, unit: str, rated: str, floor: float = 0.001) -> float:
    """Nabf: weighted share of edges that are stronger in the rated image than in both others, 0 to 1; lower is better.

    Args:
        triple: the three planes, at least 2 x 2.
        unit: ``level``: gradients of 0..255; ``fraction``: of 0..1, where no edge is strong enough for a weight of its
            own.
        rated: ``fused``; or ``infrared``, rated against the visible and the fused image, as ``tang2023`` does by a slip
            in the order of arguments.
        floor: weight of gradients below 2; where all weights are 0 the result is 0.

    References:
        [1] Petrovic, Xydeas, 2005, doi:10.1109/ICCV.2005.175.
        [2] Shreyamsha Kumar, 2013, doi:10.1007/s11760-012-0361-x.
    """
    ir, vis, fused = (_mirrored_edges(plane, unit) for plane in (triple.ir, triple.vis, triple.fused))
    result, first, second = (fused, ir, vis) if rated == "fused" else (ir, vis, fused)
    weights = [_artefact_weight(source[0], floor) for source in (first, second)]
    artefact = (result[0] > first[0]) & (result[0] > second[0])
    lost = sum(
        (1.0 - _artefact_quality(source, result)) * weight
        for source, weight in zip((first, second), weights, strict=True)
    )
    whole = float((weights[0] + weights[1]).sum())
    return float((lost * artefact).sum()) / whole if whole > 0.0 else 0.0


def _mirrored_edges(plane: Plane, unit: str) -> tuple[Real, Real]:
    """Sobel / 8 strength and angle with a mirrored frame; columns are summed down first, then left to right.

    The order decides which strengths of flat areas come out equal where levels are fractions; see [2] for the factor.
    """

    def compute() -> tuple[Real, Real]:
        values = plane.levels / 255.0 if unit == "fraction" else plane.levels.astype(np.float64)
        padded = np.pad(values / 8.0, 1, mode="reflect")
        column = (padded[:-2] + 2.0 * padded[1:-1]) + padded[2:]
        across = -column[:, :-2] + column[:, 2:]
        rise = padded[2:] - padded[:-2]
        down = (rise[:, :-2] + 2.0 * rise[:, 1:-1]) + rise[:, 2:]
        with np.errstate(divide="ignore", invalid="ignore"):
            angle = np.arctan(across / down)
        angle[(across == 0.0) & (down == 0.0)] = 0.0
        return np.sqrt(down * down + across * across), angle

    return plane.once(("mirrored edge", unit), compute)


def _artefact_weight(strength: Real, floor: float) -> Real:
    return np.where(strength >= 2.0, strength**1.5, floor)  # threshold and exponent of [2]


def _artefact_quality(source: tuple[Real, Real], result: tuple[Real, Real]) -> Real:
    smallest, largest = np.minimum(source[0], result[0]), np.maximum(source[0], result[0])
    ratio = np.divide(smallest, largest, out=np.zeros_like(largest), where=smallest > 0.0)
    orientation = np.abs(np.abs(source[1] - result[1]) - np.pi / 2) * (2.0 / np.pi)
    strength_term = 0.9999 / (1.0 + np.exp(-19.0 * (ratio - 0.5)))  # constants of [2]
    orientation_term = 0.9995 / (1.0 + np.exp(-22.0 * (orientation - 0.5)))
    return np.asarray(np.sqrt(strength_term * orientation_term), dtype=np.float64)
