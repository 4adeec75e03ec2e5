"""Guided filtering (GFF; Li, Kang and Hu, 2013): two scales, weighted by saliency that follows the image's edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plugin.method import Method, MethodInfo
from methods._classical.guided import fuse_gff
from methods._classical.planes import per_plane

if TYPE_CHECKING:
    from torch import Tensor


class GuidedFilterMethod(Method):
    """Weighted average of base and detail layers, weights smoothed by guided filters."""

    name = "guided_filter"
    info = MethodInfo(
        title="GFF",
        year=2013,
        paper="doi:10.1109/TIP.2013.2244222",
        licence="Apache-2.0",
        kind="classical",
    )
    dtype = "float64"

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma; details may leave [0, 1] and are clipped."""
        return per_plane(fuse_gff, ir, vis).clamp_(0.0, 1.0)
