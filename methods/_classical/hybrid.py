"""Hybrid multi-scale decomposition: what two filters, one of which keeps edges, leave apart (HMSD-GF, Hybrid-MSD).

References:
    [1] Zhou, Dong, Xie, Gao: Fusion of infrared and visible images for night-vision context enhancement, Applied
        Optics 55(23), 2016, doi:10.1364/AO.55.006480.
    [2] Zhou, Wang, Li, Dong: Perceptual fusion of infrared and visible images through a hybrid multi-scale
        decomposition with Gaussian and bilateral filters, Information Fusion 30, 2016,
        doi:10.1016/j.inffus.2015.11.003.
    [3] Mannos, Sakrison: The effects of a visual fidelity criterion on the encoding of images, IEEE Transactions on
        Information Theory 20(4), 1974, doi:10.1109/TIT.1974.1055250 (contrast sensitivity).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from methods._classical.bilateral_grid import bilateral
from methods._classical.filters import gaussian
from methods._classical.guided import Window, guided_filter
from methods._classical.planes import Bytes, Plane

BASE_WINDOW, BASE_SIGMA = 385, 64.0
"""Blur of the weights of the base."""
DETAIL_WINDOW, DETAIL_SIGMA = 7, 1.0
"""Blur of the weights of details and edges."""


@dataclass(frozen=True, slots=True)
class Levels:
    """A decomposition, finest level first.

    Attributes:
        details: what the filter that keeps edges takes away.
        edges: what it keeps and the other one does not.
        base: of the plain filter, coarsest level.
    """

    details: list[Plane]
    edges: list[Plane]
    base: Plane


Filters = list[tuple[Callable[[Plane], Plane], Callable[[Plane], Plane]]]
"""Of each level the plain filter and the one that keeps edges, finest level first."""


# ------------------------------------------------------------------ HMSD-GF

GUIDED_RADII = (2, 4, 8, 16)
GUIDED_EPSILONS = (0.1**2, 0.05**2, 0.025**2, 0.0125**2)
PLAIN_EPSILON = 1e4
"""So large that the guided filter keeps no edge."""
GAIN = 275.0
"""In place of 255, as released: brightens by 8 percent."""


def fuse_hmsd_gf(ir: Bytes | Plane, vis: Bytes | Plane) -> Plane:
    """Fuses each channel; guided filters of little and of large epsilon take the images apart [1].

    Args:
        ir: (H, W), or (C, H, W) where each channel has one of its own; 0..255.
        vis: (C, H, W), 0..255.

    Returns:
        (C, H, W).
    """
    filters = _guided_filters(vis.shape[1:])
    ir_levels, ir_saliency = _decompose(ir / 255.0, filters), perceptual_saliency(ir)
    fused = np.empty(vis.shape)
    for plane, out in zip(vis, fused, strict=True):
        contrast = _contrast(ir_saliency, perceptual_saliency(plane))
        total = _fuse_levels(ir_levels, _decompose(plane / 255.0, filters), contrast, blur_finest=True)
        out[:] = GAIN * total
    return fused


def _guided_filters(shape: tuple[int, ...]) -> Filters:
    def of_level(radius: int, epsilon: float) -> tuple[Callable[[Plane], Plane], Callable[[Plane], Plane]]:
        window = Window(shape, radius)
        return (
            lambda image: guided_filter(image, image, window, PLAIN_EPSILON),
            lambda image: guided_filter(image, image, window, epsilon),
        )

    return [of_level(*level) for level in zip(GUIDED_RADII, GUIDED_EPSILONS, strict=True)]


def _contrast(ir_saliency: float, vis_saliency: float) -> float:
    """The weights' lambda, by how salient infrared is beside the visible image; equal where neither has an edge."""
    if ir_saliency == vis_saliency:
        return 600.0
    ratio = ir_saliency / vis_saliency if vis_saliency else math.inf
    if ratio < 0.8:
        return 100.0
    return 2000.0 if ratio > 1.6 else 2500.0 * ratio - 1900.0


TILE = 40
CYCLES_PER_DEGREE = 16.0
"""Of the highest frequency along a side."""


def perceptual_saliency(image: Bytes | Plane) -> float:
    """Mean perceived contrast of the tiles of an image, weighted by their gradients; 0 for a constant image [1].

    Args:
        image: (H, W), 0..255.
    """
    values = image.astype(np.float64)
    smooth_rows = values[:-2] + 2 * values[1:-1] + values[2:]
    smooth_columns = values[:, :-2] + 2 * values[:, 1:-1] + values[:, 2:]
    squared = np.square(smooth_rows[:, 2:] - smooth_rows[:, :-2]) + np.square(smooth_columns[2:] - smooth_columns[:-2])
    inner = values[1:-1, 1:-1]
    total = weight = 0.0
    for top in range(0, inner.shape[0], TILE):
        for left in range(0, inner.shape[1], TILE):
            tile = (slice(top, top + TILE), slice(left, left + TILE))
            strength = float(squared[tile].sum())
            total += _perceived_contrast(inner[tile]) * strength
            weight += strength
    return total / weight if weight else 0.0


def _perceived_contrast(tile: Plane) -> float:
    """Root of the energy of a tile's spectrum as the eye's contrast sensitivity [3] lets it pass, per pixel."""
    rows, columns = (2 * np.fft.fftfreq(length) for length in tile.shape)
    radius = CYCLES_PER_DEGREE * np.hypot(rows[:, None], columns)
    sensitivity = 2.6 * (0.0192 + 0.114 * radius) * np.exp(-((0.114 * radius) ** 1.1))
    return math.sqrt(float(np.square(np.abs(np.fft.fft2(tile)) * sensitivity).sum())) / tile.size


# ------------------------------------------------------------------ Hybrid-MSD

SPACE_SIGMAS = (2.0, 4.0, 8.0, 16.0)
RANGE_SIGMAS = (0.05, 0.025, 0.0125, 0.00625)
CONTRAST = 30.0


def fuse_hybrid_msd(ir: Bytes, vis: Bytes) -> Plane:
    """Fuses each channel; Gaussian and bilateral filters take the images apart [2]: (H, W), (C, H, W) -> (C, H, W)."""
    filters = [_gaussian_and_bilateral(*sigmas) for sigmas in zip(SPACE_SIGMAS, RANGE_SIGMAS, strict=True)]
    ir_levels = _decompose(ir.astype(np.float64), filters)
    fused = np.empty(vis.shape)
    for plane, out in zip(vis, fused, strict=True):
        levels = _decompose(plane.astype(np.float64), filters)
        out[:] = _fuse_levels(ir_levels, levels, CONTRAST, blur_finest=False)
    return fused


def _gaussian_and_bilateral(space: float, spread: float) -> tuple[Callable[[Plane], Plane], Callable[[Plane], Plane]]:
    window = 2 * math.floor(3 * space) + 1
    return (
        lambda image: gaussian(image, window, space, "symmetric"),
        lambda image: 255 * bilateral(image / 255, space, spread),
    )


# ------------------------------------------------------------------ both


def _decompose(image: Plane, filters: Filters) -> Levels:
    """Filters the image again and again, by the plain and by the edge-preserving filter of each level."""
    details, edges = [], []
    plain = keeping = image
    for smooth, keep in filters:
        keeping = keep(keeping)
        details.append(plain - keeping)
        plain = smooth(plain)
        edges.append(keeping - plain)
    return Levels(details, edges, plain)


def _fuse_levels(ir: Levels, vis: Levels, contrast: float, blur_finest: bool) -> Plane:
    coarsest = len(ir.edges) - 1
    fused = np.zeros_like(ir.base)
    for level in range(coarsest, 0, -1):
        share = _edge_share(ir.edges[level], vis.edges[level], contrast)
        if level == coarsest:
            fused += _mix(gaussian(share, BASE_WINDOW, BASE_SIGMA, "symmetric"), ir.base, vis.base)
        share = gaussian(share, DETAIL_WINDOW, DETAIL_SIGMA, "symmetric")
        fused += _mix(share, ir.edges[level], vis.edges[level])
        fused += _mix(share, ir.details[level], vis.details[level])
    share = _ir_stronger(ir.edges[0], vis.edges[0])
    if blur_finest:
        share = gaussian(share, DETAIL_WINDOW, DETAIL_SIGMA, "symmetric")
    fused += _mix(share, ir.edges[0], vis.edges[0])
    fused += _mix(_ir_stronger(ir.details[0], vis.details[0]), ir.details[0], vis.details[0])
    return fused


def _edge_share(ir: Plane, vis: Plane, contrast: float) -> Plane:
    """Share of infrared, by how far its edges stand out from the visible ones; 0 where they nowhere do."""
    excess = np.maximum(np.abs(ir) - np.abs(vis), 0.0)
    largest = float(excess.max())
    if largest == 0:
        return excess
    return np.arctan(contrast * (excess / largest)) / math.atan(contrast)


def _ir_stronger(ir: Plane, vis: Plane) -> Plane:
    return (np.abs(vis) < np.abs(ir)).astype(np.float64)


def _mix(share: Plane, ir: Plane, vis: Plane) -> Plane:
    return share * ir + (1 - share) * vis
