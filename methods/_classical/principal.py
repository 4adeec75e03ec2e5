"""Weights of two images by principal component analysis."""

from __future__ import annotations

import numpy as np

from methods._classical.planes import Plane


def principal_weights(one: Plane, other: Plane) -> tuple[float, float]:
    """The principal axis of the pixels (one, other), scaled to sum 1; halves where there is none.

    A weight may be negative or above 1: that is the axis, and is not clipped.
    """
    covariance = np.cov(np.stack([one.ravel(), other.ravel()]))
    axis = np.linalg.eigh(covariance).eigenvectors[:, 1]
    total = float(axis.sum())
    if not covariance.any() or abs(total) < np.finfo(np.float64).eps:
        return 0.5, 0.5
    return float(axis[0]) / total, float(axis[1]) / total
