"""Guided-filter context enhancement (GFCE), which prepares a night-time pair for HMSD-GF.

References:
    [1] Zhou, Dong, Xie, Gao: Fusion of infrared and visible images for night-vision context enhancement, Applied
        Optics 55(23), 2016, doi:10.1364/AO.55.006480.
    [2] He, Sun: Fast guided filter, arXiv:1505.00996, 2015.
"""

from __future__ import annotations

import math

import numpy as np

from methods._classical.guided import Window
from methods._classical.hybrid import fuse_hmsd_gf
from methods._classical.matlab import imresize, stretch
from methods._classical.planes import Bytes, Plane

RADIUS_SHARE = 0.04
"""Radius of the base's filter, of the longer side."""
SMALL_RADIUS = 4.0
"""Radius after subsampling."""
EPSILON = 0.01
BASE_CONTRAST = 4.0
"""Ratio of the brightest and the darkest base that is left."""


def fuse_gfce(ir: Bytes, vis: Bytes) -> Plane:
    """Enhances each visible channel, stretches infrared, and fuses them by HMSD-GF: (H, W), (C, H, W) -> (C, H, W)."""
    stretched = 255 * stretch(ir.astype(np.float64)) if np.ptp(ir) else ir.astype(np.float64)
    return fuse_hmsd_gf(stretched, np.stack([enhance(plane.astype(np.float64)) for plane in vis]))


def enhance(image: Plane) -> Plane:
    """Compresses the base of an image in the logarithmic domain and leaves its details [1]; a constant is left alone.

    Args:
        image: (H, W), 0..255.

    Returns:
        (H, W), above 0 to 255.
    """
    if not np.ptp(image):
        return image
    image = 255 * stretch(image)
    logarithm, base = np.log(image + 1), np.log(255 * fast_guided_filter(image / 255) + 1)
    low, high = float(base.min()), float(base.max())
    if high == low:
        return image
    rate = math.log(BASE_CONTRAST) / (high - low)
    return np.minimum(np.exp(rate * base + (logarithm - base) + (1 - rate) * high), 255.0)


def fast_guided_filter(image: Plane) -> Plane:
    """The image guided by itself, its coefficients found at a lower resolution [2]: (H, W) in [0, 1]."""
    radius = math.floor(RADIUS_SHARE * max(image.shape))
    step = max(1.0, radius / SMALL_RADIUS)
    height, width = image.shape
    small = image
    if step > 1:
        small = imresize(image, (math.ceil(height / step), math.ceil(width / step)), "nearest", scale=1 / step)
    window = Window(small.shape, round(radius / step))
    mean = window.mean(small)
    variance = window.mean(small * small) - mean * mean
    slope = variance / (variance + EPSILON)
    slope, offset = window.mean(slope), window.mean(mean - slope * mean)
    if step > 1:
        slope, offset = (imresize(part, (height, width), "bilinear") for part in (slope, offset))
    return slope * image + offset
