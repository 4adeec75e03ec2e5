"""Cross bilateral filter, and fusion by the scatter of what it removes (CBF).

References:
    [1] Shreyamsha Kumar: Image fusion based on pixel significance using cross bilateral filter, Signal, Image and
        Video Processing 9(5), 2015, doi:10.1007/s11760-013-0556-9.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from methods._classical.planes import Bytes, Plane

RADIUS = 5
SPACE_SIGMA, RANGE_SIGMA = 1.8, 25.0
SCATTER_RADIUS = 2
SMALLEST_SCATTER = 2.0**-52
BAND_PIXELS = 16_000
"""Worked at together, so that all arrays stay in the processor's cache."""


def fuse_cbf(ir: Bytes, vis: Bytes) -> Plane:
    """Weighs each channel's sources by the scatter of their details [1]: (H, W) and (C, H, W) -> (C, H, W)."""
    ir_details, vis_details = cross_bilateral_details(ir, vis)
    fused = np.empty(vis.shape)
    for ir_detail, vis_detail, plane, out in zip(ir_details, vis_details, vis, fused, strict=True):
        ir_weight, vis_weight = _scatter(ir_detail), _scatter(vis_detail)
        out[:] = (ir * ir_weight + plane * vis_weight) / (ir_weight + vis_weight)
    return fused


def cross_bilateral_details(ir: Bytes, vis: Bytes) -> tuple[Plane, Plane]:
    """What cross bilateral filters remove: of infrared by each channel's edges, and of each channel by infrared's.

    The image is mirrored without its edge pixel. Details are sums of differences to the centre, so they are exactly
    0 where a window is flat.

    Args:
        ir: (H, W).
        vis: (C, H, W).

    Returns:
        Two float64 (C, H, W).
    """
    ir_padded, *vis_padded = (np.pad(plane, RADIUS, mode="reflect") for plane in (ir, *vis))
    details = np.empty((2, *vis.shape))
    rows = max(1, BAND_PIXELS // ir.shape[1])
    for top in range(0, ir.shape[0], rows):
        band = slice(top, top + rows + 2 * RADIUS)
        parts = _band_details(ir_padded[band], [plane[band] for plane in vis_padded])
        details[:, :, top : top + rows] = parts
    return details[0], details[1]


def _band_details(ir: Bytes, vis: list[Bytes]) -> Plane:
    """Of one band, given with its border: (2, C, H, W)."""
    height, width = (length - 2 * RADIUS for length in ir.shape)
    planes = [ir, *vis]
    floats = [plane.astype(np.float64) for plane in planes]
    sums = np.zeros((2, len(vis), height, width))
    weights = np.zeros((len(planes), height, width))
    centre = (slice(RADIUS, RADIUS + height), slice(RADIUS, RADIUS + width))
    step = np.empty((height, width))
    for down in range(2 * RADIUS + 1):
        for right in range(2 * RADIUS + 1):
            at = (slice(down, down + height), slice(right, right + width))
            table = _weights_of(down - RADIUS, right - RADIUS)
            kernels = [cv2.LUT(cv2.absdiff(plane[at], plane[centre]), table) for plane in planes]
            for kernel, weight in zip(kernels, weights, strict=True):
                weight += kernel
            ir_step = floats[0][centre] - floats[0][at]
            for channel in range(len(vis)):
                np.multiply(ir_step, kernels[1 + channel], out=kernels[1 + channel])
                sums[0, channel] += kernels[1 + channel]
                np.subtract(floats[1 + channel][centre], floats[1 + channel][at], out=step)
                step *= kernels[0]
                sums[1, channel] += step
    sums[0] /= weights[1:]
    sums[1] /= weights[0]
    return sums


def _weights_of(down: int, right: int) -> Plane:
    """Weight of a neighbour by its difference in grey levels, (256,)."""
    space = math.exp(-(down * down + right * right) / (2 * SPACE_SIGMA**2))
    return space * np.exp(-np.square(np.arange(256.0)) / (2 * RANGE_SIGMA**2))


def _scatter(detail: Plane) -> Plane:
    """Trace of the covariance of each 5 x 5 window with its rows, plus that with its columns, as observations.

    Written as means, differences and squares: exactly 0 (then the smallest number) where the window is flat.
    """
    padded = np.pad(detail, SCATTER_RADIUS, mode="reflect")
    total = _window_sum(_spread(padded).T).T + _window_sum(_spread(padded.T).T)
    total *= 1 / (2 * SCATTER_RADIUS)
    total[total == 0] = SMALLEST_SCATTER
    return total


def _spread(image: Plane) -> Plane:
    """Sum of squared distances of 5 pixels below each other to their mean."""
    size = 2 * SCATTER_RADIUS + 1
    centre = _window_sum(image) / size
    total = np.zeros_like(centre)
    for offset in range(size):
        total += np.square(image[offset : offset + len(centre)] - centre)
    return total


def _window_sum(image: Plane) -> Plane:
    size = 2 * SCATTER_RADIUS + 1
    count = len(image) - size + 1
    total = image[:count].copy()
    for offset in range(1, size):
        total += image[offset : offset + count]
    return total
