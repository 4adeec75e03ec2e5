"""Ratio of low-pass pyramid (Toet, 1989): the stronger contrast at each of four scales, as the eye would pick it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plugin.method import Method, MethodInfo
from methods._classical.planes import Plane, per_plane, stronger
from methods._classical.pyramid import enlarge, gaussian_pyramid, predicted

if TYPE_CHECKING:
    from torch import Tensor

DARKEST = 1.0 / 255.0
"""Added before and taken off after: one grey level, so that black has a finite contrast."""


class RatioPyramidMethod(Method):
    """Contrasts (a level over its prediction, minus one) by largest magnitude, base by average."""

    name = "ratio_pyramid"
    info = MethodInfo(
        title="Ratio pyramid",
        year=1989,
        paper="doi:10.1016/0167-8655(89)90003-2",
        licence="Apache-2.0",
        kind="classical",
        notes="four levels, largest contrast, averaged base",
    )

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma; products of contrasts may leave [0, 1] and are clipped."""
        return per_plane(_fuse, ir, vis).clamp_(0.0, 1.0)


def _fuse(ir: Plane, vis: Plane) -> Plane:
    ir_levels, vis_levels = gaussian_pyramid(ir + DARKEST), gaussian_pyramid(vis + DARKEST)
    fused = (ir_levels[-1] + vis_levels[-1]) / 2
    for ir_level, vis_level in reversed(list(zip(predicted(ir_levels), predicted(vis_levels), strict=True))):
        contrast = stronger(ir_level[0] / ir_level[1] - 1, vis_level[0] / vis_level[1] - 1)
        fused = enlarge(fused, contrast) * (contrast + 1)
    return fused - DARKEST
