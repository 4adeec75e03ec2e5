"""Gaussian pyramid on OpenCV's 5 x 5 binomial kernel.

References:
    Burt, Adelson: The Laplacian pyramid as a compact image code, IEEE Transactions on Communications 31(4), 1983,
    doi:10.1109/TCOM.1983.1095851.
"""

from __future__ import annotations

from itertools import pairwise

import cv2

from methods._classical.planes import Plane

LEVELS = 4
SMALLEST_SIDE = 4
"""Images are not halved below this."""


def gaussian_pyramid(image: Plane) -> list[Plane]:
    """The image and its up to four halvings, finest first; (H, W) float32 or float64."""
    levels = [image]
    while len(levels) <= LEVELS and min(levels[-1].shape) >= 2 * SMALLEST_SIDE:
        levels.append(cv2.pyrDown(levels[-1]))
    return levels


def enlarge(image: Plane, like: Plane) -> Plane:
    """One level brought to the size of the next finer one."""
    height, width = like.shape
    return cv2.pyrUp(image, dstsize=(width, height))


def predicted(levels: list[Plane]) -> list[tuple[Plane, Plane]]:
    """Each level but the last beside what the next coarser one predicts of it, finest first."""
    return [(level, enlarge(coarser, level)) for level, coarser in pairwise(levels)]
