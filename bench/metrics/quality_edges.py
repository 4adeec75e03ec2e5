"""Edge, wavelet and activity measures of ``liu2012``: Q_G, Q_M, Q_SF; and the edge intensity of ``ivif_zoo``."""

from __future__ import annotations

import math
from itertools import product

import cv2
import numpy as np

from bench.metrics.gradient import sobel
from bench.metrics.planes import Plane, Triple
from bench.metrics.windows import Real

_NOT_ZERO = 1e-5  # what the released code puts in place of a zero gradient
_BANDS = ((1, 1, -1, -1), (1, -1, 1, -1), (1, -1, -1, 1))
_STEPS = (((0, 1), 1.0), ((1, 0), 1.0), ((1, 1), math.sqrt(0.5)), ((1, -1), math.sqrt(0.5)))
"""Neighbours and weights of Q_SF: across, down and both diagonals."""


def gradient_preservation(triple: Triple) -> float:
    """Q_G: edge preservation averaged over the pixels, 0 to 0.98666; the frame is black.

    Zero strengths become 1e-5, those of the fused image while the infrared one is compared and so for the visible one
    only; the measure is therefore not symmetric in its sources.

    References:
        [1] Xydeas, Petrovic, 2000, doi:10.1049/el:20000267, in the variant of Liu et al., 2012.
    """
    ir, vis, fused = (_edge(plane) for plane in (triple.ir, triple.vis, triple.fused))
    strength, angle = fused[0].copy(), fused[1]
    first, kept_first = _kept(ir, strength, angle)
    strength[strength == 0.0] = _NOT_ZERO
    second, kept_second = _kept(vis, strength, angle)
    return float(((kept_first * first + kept_second * second) / (first + second)).mean())


def _edge(plane: Plane) -> tuple[Real, Real]:
    across, up = (part.astype(np.float64) for part in sobel(plane, "zero"))
    return np.hypot(across, up), np.arctan(-up / np.where(across == 0.0, _NOT_ZERO, across))


def _kept(source: tuple[Real, Real], fused: Real, angle: Real) -> tuple[Real, Real]:
    """The source's strength without zeros, and how much of it is kept at each pixel."""
    weaker = source[0] > fused
    strength = np.where(source[0] == 0.0, _NOT_ZERO, source[0])
    ratio = np.where(weaker, fused / strength, strength / np.where(fused == 0.0, _NOT_ZERO, fused))
    turn = np.abs(np.abs(source[1] - angle) - np.pi / 2) * (2.0 / np.pi)
    return strength, 1.0 / ((1.0 + np.exp(-10.0 * (ratio - 0.5))) * (1.0 + np.exp(-20.0 * (turn - 0.75))))


def wavelet_preservation(triple: Triple) -> float:
    """Q_M: details of two Haar levels kept, weighted by their energy in the sources, 0 to 3 (a sum of three bands).

    A level without any detail in the sources has nothing to lose and counts as kept.

    Args:
        triple: the three planes, at least 4 x 4.

    References:
        [1] Wang, Liu, 2008 (Q_M); Liu et al., 2012, doi:10.1109/TPAMI.2011.109.
    """
    levels = [_haar(plane) for plane in (triple.ir, triple.vis, triple.fused)]
    quality = 1.0
    for level, power in ((0, 2.0 / 3.0), (1, 1.0 / 3.0)):
        ir, vis, fused = (bands[level] for bands in levels)
        weights = [(source * source).sum(axis=0) for source in (ir, vis)]
        total = float(sum(weight.sum() for weight in weights))
        kept = sum(
            float((np.exp(-np.abs(source - fused)).sum(axis=0) * weight).sum())
            for source, weight in zip((ir, vis), weights, strict=True)
        )
        quality *= (kept / total if total > 0.0 else 3.0) ** power
    return quality


def _haar(plane: Plane) -> list[Real]:
    """The three detail bands (3, h, w) of two levels of the orthonormal Haar transform; odd last lines are dropped."""

    def compute() -> list[Real]:
        low = plane.levels.astype(np.float64)
        levels = []
        for _ in range(2):
            low = low[: low.shape[0] // 2 * 2, : low.shape[1] // 2 * 2]
            corners = [low[row::2, column::2] for row, column in product((0, 1), repeat=2)]
            signs = np.array(_BANDS, dtype=np.float64) / 2.0
            levels.append(np.stack([sum(s * c for s, c in zip(band, corners, strict=True)) for band in signs]))
            low = np.asarray(sum(corners) / 2.0)
        return levels

    return plane.once("haar", compute)


def frequency_error(triple: Triple) -> float:
    """Q_SF: (S(F) - S(reference)) / S(reference), -1 upwards, best at 0: below it underfused, above it overfused.

    S is a spatial frequency of four directions; the reference takes the larger step of both sources at every place.
    Where the sources hold no step at all they count as if they had one, of one level.

    References:
        [1] Zheng, Essock, Hansen, Haun, 2007, doi:10.1016/j.inffus.2005.04.003.
    """
    found = wanted = 0.0
    for (down, across), weight in _STEPS:
        ir, vis, fused = (_steps(plane, down, across) for plane in (triple.ir, triple.vis, triple.fused))
        found += weight * float(np.square(fused).sum())
        wanted += weight * float(np.square(np.maximum(np.abs(ir), np.abs(vis))).sum())
    if wanted == 0.0:
        return math.sqrt(found)
    return math.sqrt(found / wanted) - 1.0


def _steps(plane: Plane, down: int, across: int) -> Real:
    """Differences of neighbours ``down`` rows and ``across`` columns apart, as whole numbers."""
    levels = plane.levels.astype(np.float64)
    height, width = levels.shape
    here = levels[: height - down, max(-across, 0) : width - max(across, 0)]
    there = levels[down:, max(across, 0) : width - max(-across, 0)]
    return there - here


def black_framed_edge_intensity(triple: Triple) -> float:
    """EI of ``ivif_zoo``: mean Sobel strength of the fused levels; the black frame counts as an edge."""
    across, up = (part.astype(np.float64) for part in sobel(triple.fused, "zero"))
    return float(cv2.magnitude(across, up).mean())
