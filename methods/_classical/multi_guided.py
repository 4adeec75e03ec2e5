"""Multi-scale guided filter fusion (MGFF).

References:
    [1] Bavirisetti, Xiao, Zhao, Dhuli, Liu: Multi-scale guided image and video fusion: a fast and efficient approach,
        Circuits, Systems, and Signal Processing 38(12), 2019, doi:10.1007/s00034-019-01131-z.
"""

from __future__ import annotations

import numpy as np

from methods._classical.guided import Window, guided_filter
from methods._classical.planes import Bytes, Plane

LEVELS, RADIUS, EPSILON = 4, 9, 1000.0
"""Of the released code, for images in 0..255."""


def fuse_mgff(ir: Bytes, vis: Bytes) -> Plane:
    """Fuses each channel: (H, W) and (C, H, W) -> (C, H, W)."""
    window = Window(ir.shape, RADIUS)
    return np.stack([_fuse(ir.astype(np.float64), plane.astype(np.float64), window) for plane in vis])


def _fuse(ir: Plane, vis: Plane, window: Window) -> Plane:
    details = np.zeros_like(vis)
    for _ in range(LEVELS):
        ir_mean, vis_mean = window.mean(ir), window.mean(vis)
        # each image guides the filter, the other one is filtered [1]
        ir_base = guided_filter(ir, vis, window, EPSILON, guide_mean=ir_mean, image_mean=vis_mean)
        vis_base = guided_filter(vis, ir, window, EPSILON, guide_mean=vis_mean, image_mean=ir_mean)
        details += _blend(ir - ir_base, vis - vis_base)
        ir, vis = ir_base, vis_base
    return 0.5 * (ir + vis) + details


def _blend(one: Plane, other: Plane) -> Plane:
    """Details weighted by their magnitudes; 0 where both are."""
    one_strength, other_strength = np.abs(one), np.abs(other)
    total = one_strength + other_strength
    total[total == 0] = 1.0
    return one * (one_strength / total) + other * (other_strength / total)
