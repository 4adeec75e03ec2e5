"""Laplacian pyramid (Burt and Adelson, 1983): the stronger detail at each of four scales, and the mean of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plugin.method import Method, MethodInfo
from methods._classical.planes import Plane, per_plane, stronger
from methods._classical.pyramid import enlarge, gaussian_pyramid, predicted

if TYPE_CHECKING:
    from torch import Tensor


class LaplacianPyramidMethod(Method):
    """Details by largest magnitude, base by average."""

    name = "laplacian_pyramid"
    info = MethodInfo(
        title="Laplacian pyramid",
        year=1983,
        paper="doi:10.1109/TCOM.1983.1095851",
        licence="Apache-2.0",
        kind="classical",
        notes="four levels, largest magnitude, averaged base",
    )

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma; sums of details may leave [0, 1] and are clipped."""
        return per_plane(_fuse, ir, vis).clamp_(0.0, 1.0)


def _fuse(ir: Plane, vis: Plane) -> Plane:
    ir_levels, vis_levels = gaussian_pyramid(ir), gaussian_pyramid(vis)
    fused = (ir_levels[-1] + vis_levels[-1]) / 2
    for ir_level, vis_level in reversed(list(zip(predicted(ir_levels), predicted(vis_levels), strict=True))):
        detail = stronger(ir_level[0] - ir_level[1], vis_level[0] - vis_level[1])
        fused = enlarge(fused, detail) + detail
    return fused
