"""Fusion of Laplacian pyramids by a map of weights and local similarity (CNN of Liu et al.).

References:
    [1] Liu, Chen, Cheng, Peng, Wang: Infrared and visible image fusion with convolutional neural networks, Int. J. of
        Wavelets, Multiresolution and Information Processing 16(3), 2018, doi:10.1142/S0219691318500182.
    [2] Burt, Kolczynski: Enhanced image capture through fusion, ICCV 1993, doi:10.1109/ICCV.1993.378222 (match
        measure).
    [3] Burt, Adelson: The Laplacian pyramid as a compact image code, IEEE Transactions on Communications 31(4), 1983,
        doi:10.1109/TCOM.1983.1095851.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from methods._classical.planes import Plane

BINOMIAL = np.array([1.0, 4, 6, 4, 1]) / 16
SIMILAR = 0.6
"""Match above which sources are averaged by weight; below it the stronger one is taken."""
EPSILON = 2.0**-52


def spread_decisions(decisions: Plane, shape: tuple[int, int], window: int) -> Plane:
    """Mean at each pixel of the decisions of all windows that hold it.

    Args:
        decisions: (rows, columns), of windows whose corners are two pixels apart.
        shape: (H, W) of the map.
        window: pixels a side, even.
    """
    total, count = (_spread(values, window // 2) for values in (decisions, np.ones_like(decisions)))
    return (total / count).repeat(2, axis=0).repeat(2, axis=1)[: shape[0], : shape[1]]


def _spread(values: Plane, cells: int) -> Plane:
    """Adds each value to a square of ``cells`` from its own place on."""
    for _ in range(2):
        padded = np.pad(values, ((cells - 1, cells - 1), (0, 0)))
        count = len(values) + cells - 1
        values = np.sum([padded[offset : offset + count] for offset in range(cells)], axis=0).T
    return values


def fuse_pyramids(ir: Plane, vis: Plane, share: Plane) -> Plane:
    """Fuses one channel: float64 (H, W) in [0, 1] each.

    Args:
        ir: infrared.
        vis: visible.
        share: of infrared, 0 to 1.
    """
    levels = int(math.log2(min(ir.shape)))
    ir_levels, vis_levels = laplacian(ir, levels), laplacian(vis, levels)
    shares = [share]
    while len(shares) < levels:
        shares.append(halve(shares[-1]))
    fused = [_fuse_level(*level) for level in zip(ir_levels, vis_levels, shares, strict=True)]
    image = fused[-1]
    for detail in reversed(fused[:-1]):
        image = detail + double(image, detail.shape)
    return image


def laplacian(image: Plane, levels: int) -> list[Plane]:
    """Differences to what the next coarser level predicts, finest first, and the coarsest image [3]."""
    details = []
    for _ in range(levels - 1):
        smaller = halve(image)
        details.append(image - double(smaller, image.shape))
        image = smaller
    return [*details, image]


def halve(image: Plane) -> Plane:
    """Blurs by the binomial kernel, mirrored with the edge pixel, and keeps every second pixel from the first."""
    return cv2.sepFilter2D(image, -1, BINOMIAL, BINOMIAL, borderType=cv2.BORDER_REFLECT)[::2, ::2]


def double(image: Plane, shape: tuple[int, ...]) -> Plane:
    """Zeros between the pixels, edges repeated once, blurred and cut to ``shape``."""
    padded = np.pad(image, 1, mode="edge")
    spaced = np.zeros([2 * length for length in padded.shape])
    spaced[::2, ::2] = 4 * padded
    blurred = cv2.sepFilter2D(spaced, -1, BINOMIAL, BINOMIAL, borderType=cv2.BORDER_CONSTANT)
    return blurred[2 : 2 + shape[0], 2 : 2 + shape[1]]


def _fuse_level(ir: Plane, vis: Plane, share: Plane) -> Plane:
    ir_energy, vis_energy = _around(ir * ir), _around(vis * vis)
    match = 2 * _around(ir * vis) / (ir_energy + vis_energy + EPSILON)
    stronger = np.where(ir_energy > vis_energy, ir, vis)
    return np.where(match > SIMILAR, share * ir + (1 - share) * vis, stronger)


def _around(image: Plane) -> Plane:
    """Sum over 3 x 3 pixels; mirrored without the edge pixel, the corners of the border being 0 as released."""
    padded = np.pad(image, 1, mode="reflect")
    padded[[0, 0, -1, -1], [0, -1, 0, -1]] = 0
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
