"""A network small enough to be converted in a test: padded, stretched and truncated as large ones are."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from bench.plugin.method import ImageStyle, Method, MethodInfo, Padding
from bench.weights.find import Resolved

NO_WEIGHTS = Resolved(None, "no weights needed")


class Small(Method):
    """Two layers of known values that tell the sources apart, padded, stretched and truncated."""

    name = "small"
    info = MethodInfo(title="Small", year=2026, paper="none", licence="Apache-2.0")
    padding = Padding(8, mode="symmetric", always=True)
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", stretch="min_max", rounding="truncate")

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.net = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1, padding_mode="reflect"), nn.ReLU(), nn.Conv2d(8, 1, 1))
        generator = torch.Generator().manual_seed(0)
        for parameter in self.net.parameters():
            parameter.data = torch.rand(parameter.shape, generator=generator) / 4

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return self.net(torch.cat([ir, 0.5 * vis], 1))
