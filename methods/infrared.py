"""The infrared image itself: what a fusion method has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plugin.method import Method, MethodInfo

if TYPE_CHECKING:
    from torch import Tensor


class InfraredMethod(Method):
    """Passes the infrared image through exactly, as stored."""

    name = "infrared"
    info = MethodInfo(title="Infrared", year=0, paper="", licence="Apache-2.0", kind="reference")
    space = "rgb"
    dtype = "float64"

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:  # noqa: ARG002 - a Method
        """Gives the infrared image."""
        return ir.clone()
