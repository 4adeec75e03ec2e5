"""The visible image itself: what a fusion method has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plugin.method import Method, MethodInfo

if TYPE_CHECKING:
    from torch import Tensor


class VisibleMethod(Method):
    """Passes the visible image through exactly."""

    name = "visible"
    info = MethodInfo(title="Visible", year=0, paper="", licence="Apache-2.0", kind="reference")
    space = "rgb"
    dtype = "float64"

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:  # noqa: ARG002 - a Method
        """Gives the visible image."""
        return vis.clone()
