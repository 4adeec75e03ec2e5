"""Maximum: the brighter of both lumas at every pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plugin.method import Method, MethodInfo

if TYPE_CHECKING:
    from torch import Tensor


class MaximumMethod(Method):
    """Pixel-wise maximum of infrared and visible luma."""

    name = "maximum"
    info = MethodInfo(
        title="Maximum",
        year=2019,
        paper="doi:10.1016/j.inffus.2018.02.004",
        licence="Apache-2.0",
        kind="classical",
        notes="the paper cited is a survey; the method is older than the field",
    )

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Takes the larger value."""
        return ir.maximum(vis)
