"""Fusion weighted by saliency: two scales (TIF), and rolling guidance with weighted least squares (VSMWLS).

References:
    [1] Bavirisetti, Dhuli: Two-scale image fusion of visible and infrared images using saliency detection, Infrared
        Physics & Technology 76, 2016, doi:10.1016/j.infrared.2016.01.009.
    [2] Ma, Zhou, Wang, Zong: Infrared and visible image fusion based on visual saliency map and weighted least square
        optimization, Infrared Physics & Technology 82, 2017, doi:10.1016/j.infrared.2017.02.005.
    [3] Zhang, Shen, Xu, Jia: Rolling guidance filter, ECCV 2014, doi:10.1007/978-3-319-10578-9_53.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np

from methods._classical.filters import gaussian, mean
from methods._classical.guided import Window, guided_filter
from methods._classical.matlab import stretch
from methods._classical.planes import Bytes, Plane

# ------------------------------------------------------------------ TIF

MEAN_WINDOW = 35
SHARE = float.fromhex("0x1.d41d41d41d41fp-6")
"""1/35, two units in the last place above: the entry that MATLAB finds when it separates the 35 x 35 mean."""


def fuse_tif(ir: Bytes, vis: Bytes) -> Plane:
    """Weighs details by the squared distance of mean and median [1]: (H, W) and (C, H, W) -> (C, H, W)."""
    ir_base, ir_detail, ir_salience = _two_scales(ir)
    fused = np.empty(vis.shape)
    for plane, out in zip(vis, fused, strict=True):
        base, detail, salience = _two_scales(plane)
        total = salience + ir_salience
        flat = total == 0
        total[flat] = 1.0
        vis_weight, ir_weight = salience / total, ir_salience / total
        vis_weight[flat] = ir_weight[flat] = 0.5
        out[:] = vis_weight * detail + ir_weight * ir_detail + (0.5 * base + 0.5 * ir_base)
    return fused


def _two_scales(image: Bytes) -> tuple[Plane, Plane, Plane]:
    """Base, detail and saliency."""
    base = wrapped_mean(image.astype(np.float64))
    median = cv2.medianBlur(np.pad(image, 1), 3)[1:-1, 1:-1]
    return base, image - base, np.square(base - median)


def wrapped_mean(image: Plane) -> Plane:
    """Mean over 35 x 35 pixels, the image repeating beyond its borders.

    Flat areas come out a last digit off the pixel, and that digit decides the published ties. So taps are added one
    by one, along the rows first; a running sum or a Fourier transform gives other digits.
    """
    padded = np.pad(image, MEAN_WINDOW // 2, mode="wrap")
    rows = _running(padded.T * SHARE).T
    return _running(rows * SHARE)


def _running(image: Plane) -> Plane:
    """Sums of 35 rows, added from the first to the last."""
    count = len(image) - MEAN_WINDOW + 1
    total = image[:count].copy()
    for offset in range(1, MEAN_WINDOW):
        total += image[offset : offset + count]
    return total


# ------------------------------------------------------------------ VSMWLS

SCALES = (2.0, 4.0, 8.0)
"""Spatial sigmas of the three rolling guidance filters."""
ROUNDS = 4
RANGE_VARIANCE = 0.05**2
BASE_SIGMA = 2.0
LEVELS = len(SCALES) + 1
WLS_WEIGHT = 0.01
"""lambda of the weighted least squares."""
SMALLEST_ACTIVITY = 1e-6


def fuse_vsmwls(ir: Bytes, vis: Bytes) -> Plane:
    """Fuses each channel [2]: (H, W) and (C, H, W) -> (C, H, W)."""
    windows = [Window(ir.shape, int(scale)) for scale in SCALES]
    ir_levels, ir_saliency = _decompose(ir / 255.0, windows), visual_saliency(ir)
    fused = np.empty(vis.shape)
    for plane, out in zip(vis, fused, strict=True):
        levels, saliency = _decompose(plane / 255.0, windows), visual_saliency(plane)
        share = 0.5 * (ir_saliency - saliency)
        total = (0.5 + share) * ir_levels[-1] + (0.5 - share) * levels[-1]
        for level in reversed(range(LEVELS)):
            total += _fuse_details(ir_levels[level], levels[level], finest=level == 0)
        out[:] = 255 * total
    return fused


def _decompose(image: Plane, windows: list[Window]) -> list[Plane]:
    """Four details, finest first, and the base."""
    levels = [image]
    for scale, window in zip(SCALES, windows, strict=True):
        levels.append(rolling_guidance(levels[-1], scale, window))
    levels.append(gaussian(levels[-1], 2 * _half_window(BASE_SIGMA) + 1, BASE_SIGMA, "replicate"))
    return [finer - coarser for finer, coarser in pairwise(levels)] + levels[-1:]


def rolling_guidance(image: Plane, scale: float, window: Window) -> Plane:
    """Removes structures smaller than ``scale`` and restores the edges of the others [3]: (H, W) in [0, 1].

    The joint bilateral filter of [3] is a guided filter in the released code of [2].
    """
    image_mean = window.mean(image)
    guide = gaussian(image, 2 * _half_window(scale) + 1, scale, "replicate")
    for _ in range(ROUNDS):
        guide = guided_filter(guide, image, window, RANGE_VARIANCE, image_mean=image_mean)
    return guide


def _half_window(scale: float) -> int:
    return math.floor(3 * scale + 0.5)


@lru_cache(maxsize=1)
def _distances() -> Plane:
    values = np.arange(256.0)
    return np.abs(values[:, None] - values)


def visual_saliency(image: Bytes) -> Plane:
    """Sum of the grey-level distances of each pixel to all others, stretched to [0, 1]; a constant image gives 0."""
    histogram = np.bincount(image.ravel(), minlength=256)
    return stretch((_distances() @ histogram)[image])


def _fuse_details(ir: Plane, vis: Plane, finest: bool) -> Plane:
    vis_stronger = np.abs(ir) < np.abs(vis)
    if finest:
        return np.where(vis_stronger, vis, ir)
    share = gaussian(vis_stronger.astype(np.float64), 13, 2.0, "symmetric")
    target = share * vis + (1 - share) * ir
    activity = np.abs(mean(vis, 7, "replicate"))
    # the released system matrix is diagonal, so the least squares are solved pixel by pixel
    trust = WLS_WEIGHT / (activity + SMALLEST_ACTIVITY)
    return (2 * target + 2 * trust * ir) / (2 + 2 * trust)
