"""Fusion by a matrix that takes salient structure from patches (LatLRR in VIFB, in four levels: MDLatLRR).

References:
    [1] Li, Wu: Infrared and visible image fusion using latent low-rank representation, arXiv:1804.08992, 2018.
    [2] Li, Wu, Kittler: MDLatLRR: a novel decomposition method for infrared and visible image fusion, IEEE TIP 29,
        2020, doi:10.1109/TIP.2020.2975984.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from bench.weights.tensors import expect
from methods._classical.nuclear_norm import nuclear_norms
from methods._classical.planes import Bytes, Plane
from methods._nets.blocks import read_tensors

PATCH = 8
SHAPE = (PATCH * PATCH, PATCH * PATCH)
LEVELS = 4
BAND_PATCHES = 6_000
"""Of all images, worked at together: few enough for the processor's cache, enough to outweigh the calls."""


def fuse_latlrr(ir: Bytes, vis: Bytes, projection: Plane) -> Plane:
    """Fuses each channel: bases are averaged, details weighted patch by patch by their nuclear norms [2].

    Args:
        ir: (H, W), sides of at least 8.
        vis: (C, H, W).
        projection: float64 (64, 64), of patches unrolled column by column, onto their salient part.

    Returns:
        (C, H, W).
    """
    images = np.stack([ir, *vis]) / 255.0
    fused = np.zeros(vis.shape)
    for level in range(LEVELS):
        # the released code never empties its sum of details, so that the first level counts four times
        images -= _split_level(images, projection, LEVELS - level, fused)
    fused /= _patches_at(*ir.shape)
    return 255 * (0.5 * images[0] + 0.5 * images[1:] + fused)


def _patches_at(height: int, width: int) -> Plane:
    """How many patches hold each pixel."""
    rows, columns = (np.convolve(np.ones(length - PATCH + 1), np.ones(PATCH)) for length in (height, width))
    return np.outer(rows, columns)


def _split_level(images: Plane, projection: Plane, weight: float, fused: Plane) -> Plane:
    """Details of all images (1 + C, H, W); their fusion, times ``weight``, is added to ``fused``, patch upon patch."""
    details = np.zeros_like(images)
    windows = sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    count, height, width = windows.shape[:3]
    rows = max(1, BAND_PATCHES // (count * width))
    for top in range(0, height, rows):
        band = windows[:, top : top + rows]
        patches = band.transpose(4, 3, 0, 1, 2).reshape(PATCH * PATCH, -1)
        salient = (projection @ patches).reshape(PATCH, PATCH, *band.shape[:3])
        _fuse_band(salient, weight, details[:, top:], fused[:, top:])
    details /= _patches_at(*images.shape[1:])
    return details


def _fuse_band(salient: Plane, weight: float, details: Plane, fused: Plane) -> None:
    """Adds patches (column, row, 1 + C, rows, columns of patches) of a band to the images that begin with it."""
    norms = nuclear_norms(salient.reshape(PATCH, PATCH, -1)).reshape(salient.shape[2:])
    total = norms[0] + norms[1:]
    total[total == 0] = 1.0  # two empty patches, which add nothing
    ir_share, vis_share = norms[0] / total * weight, norms[1:] / total * weight
    rows, columns = salient.shape[3:]
    for right, of_column in enumerate(salient):
        for down, values in enumerate(of_column):
            place = (slice(None), slice(down, down + rows), slice(right, right + columns))
            details[place] += values
            mixed = ir_share * values[0]
            mixed += vis_share * values[1:]
            fused[place] += mixed


def load_projection(path: Path | None) -> Tensor:
    """The learned matrix, float64 (64, 64).

    Args:
        path: a safetensors file, or None for a seeded random one.

    Raises:
        BenchError: not such a file.
    """
    if path is None:
        return torch.randn(*SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) / SHAPE[0]
    tensors = read_tensors(path)
    expect(tensors, {"projection": SHAPE}, path)
    return tensors["projection"].double()
