"""Infrared feature extraction and visual information preservation (IFEVIP).

References:
    [1] Zhang, Zhang, Bai, Zhang: Infrared and visual image fusion through infrared feature extraction and visual
        information preservation, Infrared Physics & Technology 83, 2017, doi:10.1016/j.infrared.2017.05.007. Its
        printed matrix of the Bezier surface has misprints; the constants here are those of the released code.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np

from methods._classical.filters import gaussian
from methods._classical.matlab import entropy, imresize, to_uint8
from methods._classical.planes import Bytes, Plane

SIDE, SMALLEST_BLOCK, LARGEST_SPREAD = 512, 32, 51
"""Of the quadtree: blocks are split while they are larger and spread wider, in grey levels."""
EROSION, EROSION_ANCHOR = 32, 15
BEZIER = np.array([[-1.0, 3, -3, 1], [3, -6, 3, 0], [-3, 3, 0, 0], [1, 0, 0, 0]])
BLUR_WINDOW, BLUR_SIGMA = 9, 4.5
BRIGHTEST_SHARE, LARGEST_RATIO = 0.001, 0.8


def fuse_ifevip(ir: Bytes, vis: Bytes) -> Plane:
    """Adds the infrared features to the visible image, scaled so that the brightest of them just fit.

    Args:
        ir: (H, W).
        vis: (C, H, W).

    Returns:
        (C, H, W), nowhere darker than ``vis``.
    """
    feature = np.maximum(ir.astype(np.float64) - background(ir), 0.0)
    visible = vis.astype(np.float64)
    added = np.maximum(feature + (ir - visible) * _entropy_ratio(ir, vis), 0.0)
    bright = (added + visible).ravel()
    count = max(1, math.floor(BRIGHTEST_SHARE * bright.size + 0.5))
    brightest = float(np.mean(np.partition(bright, bright.size - count)[-count:]))
    ratio = min(255 / brightest, LARGEST_RATIO) if brightest > 0 else LARGEST_RATIO
    return np.minimum(visible + to_uint8(added * ratio), 255.0)


def _entropy_ratio(ir: Bytes, vis: Bytes) -> float:
    """Infrared's entropy in terms of the visible image's; 1 where that says nothing at all."""
    visible = entropy(vis)
    return entropy(ir) / visible if visible > 0 else 1.0


def background(ir: Bytes) -> Plane:
    """Infrared without its warm objects: Bezier surfaces through its erosion, over the blocks of a quadtree [1].

    Args:
        ir: (H, W).

    Returns:
        (H, W), whole numbers 0..255.
    """
    square = imresize(ir, (SIDE, SIDE))
    eroded = cv2.erode(square, np.ones((EROSION, EROSION), np.uint8), anchor=(EROSION_ANCHOR, EROSION_ANCHOR))
    control = np.pad(eroded, (0, 1), mode="edge").astype(np.float64)
    smooth = np.zeros_like(control)
    for side, top, left in sorted(quadtree(square), key=lambda block: (-block[0], block[2], block[1])):
        block = (slice(top, top + side + 1), slice(left, left + side + 1))
        smooth[block] = _surface(control[block])
    resized = imresize(smooth[:-1, :-1], ir.shape)
    return to_uint8(gaussian(resized, BLUR_WINDOW, BLUR_SIGMA, "zero")).astype(np.float64)


def quadtree(image: Bytes, top: int = 0, left: int = 0) -> Iterator[tuple[int, int, int]]:
    """Leaves (side, top, left) of a square image."""
    side = len(image)
    if side <= SMALLEST_BLOCK or int(image.max()) - int(image.min()) <= LARGEST_SPREAD:
        yield side, top, left
        return
    half = side // 2
    for down in (0, half):
        for right in (0, half):
            yield from quadtree(image[down : down + half, right : right + half], top + down, left + right)


def _surface(block: Plane) -> Plane:
    """A bicubic Bezier surface over a block, its last row and column shared with the neighbours."""
    side = len(block) - 1
    places = [0, side // 2 - 1, 3 * side // 4 - 1, side]
    along = np.arange(side + 1) / side
    basis = np.stack([along**3, along**2, along, np.ones_like(along)], axis=1) @ BEZIER
    return basis @ block[np.ix_(places, places)] @ basis.T
