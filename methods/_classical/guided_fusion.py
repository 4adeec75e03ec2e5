"""Image fusion with guided filtering (GFF), as its authors released it for colour images.

References:
    [1] Li, Kang, Hu: Image fusion with guided filtering, IEEE TIP 22(7), 2013, doi:10.1109/TIP.2013.2244222.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from methods._classical.filters import gaussian, mean
from methods._classical.guided import Window, guided_filter
from methods._classical.matlab import grey, to_uint8
from methods._classical.planes import Bytes, Plane

# section IV of [1]
BASE_WINDOW = 31
SALIENCY_WINDOW, SALIENCY_SIGMA = 11, 5.0
BASE_RADIUS, BASE_EPSILON = 45, 0.3
DETAIL_RADIUS, DETAIL_EPSILON = 7, 1e-6
FLOOR = 1e-12
"""Added to saliencies and weights before they are divided by their sum."""


def fuse_gff(ir: Bytes, vis: Bytes, ties: Literal["ir", "vis"] = "vis") -> Plane:
    """Weighted average of base and detail layers, weights smoothed by guided filters and kept in 8 bits.

    Args:
        ir: (1 or C, H, W).
        vis: (C, H, W).
        ties: who wins where both are flat. By the released code it is the first image, the visible one; in the
            published images it is the one or the other, the same all over an image.

    Returns:
        (C, H, W).
    """
    ir_grey, vis_grey = (to_uint8(grey(image)).astype(np.float64) for image in (ir, vis))
    ir_saliency, vis_saliency = _saliency(ir_grey), _saliency(vis_grey)
    total = ir_saliency + vis_saliency
    ir_saliency, vis_saliency = ir_saliency / total, vis_saliency / total
    ir_wins = ir_saliency > vis_saliency if ties == "vis" else ir_saliency >= vis_saliency
    winners = ir_wins.astype(np.float64)
    base_share, detail_share = (
        _shares(ir_grey / 255, vis_grey / 255, winners, Window(winners.shape, radius), epsilon)
        for radius, epsilon in ((BASE_RADIUS, BASE_EPSILON), (DETAIL_RADIUS, DETAIL_EPSILON))
    )
    infrared = [_layers(plane / 255.0, base_share[0], detail_share[0]) for plane in ir]
    fused = np.empty(vis.shape)
    for channel, plane in enumerate(vis):
        visible = _layers(plane / 255.0, base_share[1], detail_share[1])
        fused[channel] = 255 * (infrared[channel % len(infrared)] + visible)
    return fused


def _saliency(image: Plane) -> Plane:
    """Blurred edges of an image in 0..255."""
    # the Laplacian of whole numbers is exactly 0 where they are flat
    edges = np.abs(cv2.Laplacian(image, cv2.CV_64F, borderType=cv2.BORDER_REPLICATE)) / 255.0
    return gaussian(edges, SALIENCY_WINDOW, SALIENCY_SIGMA, "replicate") + FLOOR


def _shares(ir: Plane, vis: Plane, winners: Plane, window: Window, epsilon: float) -> tuple[Plane, Plane]:
    """Weights of infrared and visible, which sum to 1."""
    ir_weight, vis_weight = (
        to_uint8(255 * guided_filter(guide, image, window, epsilon)) / 255.0 + FLOOR
        for guide, image in ((ir, winners), (vis, 1 - winners))
    )
    total = ir_weight + vis_weight
    return ir_weight / total, vis_weight / total


def _layers(plane: Plane, base_share: Plane, detail_share: Plane) -> Plane:
    base = mean(plane, BASE_WINDOW, "replicate")
    return base * base_share + (plane - base) * detail_share
