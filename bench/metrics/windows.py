"""Weighted local means: the separable filters that VIF and the SSIM family share."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]


def gaussian(size: int, sigma: float) -> Real:
    """A 1-D Gaussian of odd length that sums to 1; its outer product with itself is the 2-D window."""
    offsets = np.arange(size) - size // 2
    weights: Real = np.exp(-(offsets**2) / (2.0 * sigma * sigma))
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def valid_mean(image: Real, weights: Real) -> Real:
    """The weighted mean wherever the window fits, float64 (H - n + 1, W - n + 1)."""
    margin = len(weights) // 2
    full = cv2.sepFilter2D(image, cv2.CV_64F, weights, weights, borderType=cv2.BORDER_REFLECT_101)
    return full[margin : full.shape[0] - margin, margin : full.shape[1] - margin]
