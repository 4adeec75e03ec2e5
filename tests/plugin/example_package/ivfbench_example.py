"""Example plug-in: the root of the mean square of both lumas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plugin.method import Method, MethodInfo

if TYPE_CHECKING:
    from torch import Tensor


class ExamplePluginMethod(Method):
    """Between the average and the maximum."""

    name = "example_plugin"
    info = MethodInfo(
        title="Example plug-in",
        year=2026,
        paper="https://example.org/your-paper",
        licence="Apache-2.0",
        kind="classical",
    )

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Works on luma in [0, 1]."""
        return ((ir.square() + vis.square()) / 2).sqrt()
