"""Weighted local means: the separable filters that VIF and the SSIM family share."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]


def gaussian(size: int, sigma: float) -> Real:
    """A 1-D Gaussian of odd length that sums to 1; its outer product with itself is the 2-D window."""
    offsets = np.arange(size) - size // 2
    weights = np.exp(-(offsets**2) / (2.0 * sigma * sigma))
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def valid_mean(image: Real, weights: Real) -> Real:
    """The weighted mean wherever the window fits, float64 (H - n + 1, W - n + 1)."""
    full = same_mean(image, weights, cv2.BORDER_REFLECT_101)
    margin = len(weights) // 2
    return full[margin : full.shape[0] - margin, margin : full.shape[1] - margin]


def same_mean(image: Real, weights: Real, border: int) -> Real:
    """The weighted mean at every pixel, with one of OpenCV's borders; float64 (H, W)."""
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, weights, weights, borderType=border), dtype=np.float64)


def halved(image: Real) -> Real:
    """Means of 2x2 pixels (the last row and column repeated), every second one kept; (ceil(H/2), ceil(W/2))."""
    height, width = image.shape
    padded = np.pad(image, ((0, height % 2), (0, width % 2)), mode="edge")
    return np.asarray(
        (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]) / 4.0, dtype=np.float64
    )
