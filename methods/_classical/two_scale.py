"""Fusion of a base and a detail layer whose weights are the principal axis of the details (ADF, FPDE).

References:
    [1] Bavirisetti, Dhuli: Fusion of infrared and visible sensor images based on anisotropic diffusion and
        Karhunen-Loeve transform, IEEE Sensors Journal 16(1), 2016, doi:10.1109/JSEN.2015.2478655.
    [2] Bavirisetti, Xiao, Liu: Multi-sensor image fusion based on fourth order partial differential equations,
        FUSION 2017, doi:10.23919/ICIF.2017.8009719.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from methods._classical.diffusion import diffuse, smooth_fourth_order
from methods._classical.matlab import to_uint8
from methods._classical.planes import Bytes, Plane
from methods._classical.principal import principal_weights

Layers = tuple[Plane, Plane]
"""Base and detail."""


def fuse_adf(ir: Bytes, vis: Bytes) -> Plane:
    """Bases by anisotropic diffusion, and their mean [1]: (H, W) and (C, H, W) -> (C, H, W)."""
    return _fuse(ir, vis, _by_diffusion, lambda one, other: 0.5 * one + 0.5 * other)


def fuse_fpde(ir: Bytes, vis: Bytes) -> Plane:
    """Bases by fourth-order diffusion, in 8 bits and halved in 8 bits [2]: (H, W) and (C, H, W) -> (C, H, W)."""
    return _fuse(ir, vis, _by_fourth_order, _add_halves)


def _fuse(ir: Bytes, vis: Bytes, split: Callable[[Plane], Layers], join: Callable[[Plane, Plane], Plane]) -> Plane:
    ir_base, ir_detail = split(ir.astype(np.float64))
    fused = np.empty(vis.shape)
    for plane, out in zip(vis, fused, strict=True):
        base, detail = split(plane.astype(np.float64))
        ir_weight, vis_weight = principal_weights(ir_detail, detail)
        out[:] = ir_weight * ir_detail + vis_weight * detail + join(ir_base, base)
    return fused


def _by_diffusion(image: Plane) -> Layers:
    base = diffuse(image)
    return base, image - base


def _by_fourth_order(image: Plane) -> Layers:
    base = to_uint8(smooth_fourth_order(image)).astype(np.float64)
    return base, image - base


def _add_halves(one: Plane, other: Plane) -> Plane:
    """Half of each rounded up, then added, saturating: two odd values give one more than their mean."""
    return np.minimum(np.floor(0.5 * one + 0.5) + np.floor(0.5 * other + 0.5), 255.0)
