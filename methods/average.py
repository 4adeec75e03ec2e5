"""Average: the mean of both lumas, the least that a fusion method should do better than."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plugin.method import Method, MethodInfo

if TYPE_CHECKING:
    from torch import Tensor


class AverageMethod(Method):
    """Mean of infrared and visible luma."""

    name = "average"
    info = MethodInfo(
        title="Average",
        year=2019,
        paper="doi:10.1016/j.inffus.2018.02.004",
        licence="Apache-2.0",
        kind="classical",
        notes="the paper cited is a survey; the method is older than the field",
    )

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Halves the sum."""
        return (ir + vis) / 2
