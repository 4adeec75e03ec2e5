"""Swin layers whose window is one token, as in DATFuse, YDTR and ITFuse.

Attention over a single token returns its value: queries, keys, heads and position tables have no effect and are not
kept. A token is not a pixel there: the authors reinterpret the memory of a (C, H, W) map as rows of C values.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import exporting
from methods._nets.method import NetMethod

CHUNK = 1 << 14
"""Rows that are computed together: their hidden values, four times as many, then stay in the processor's cache."""


class RowLayer(nn.Module):
    """Residual value path and residual two-layer perceptron on rows (N, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.value, self.proj = nn.Linear(width, width), nn.Linear(width, width)
        self.expand, self.shrink = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, rows: Tensor) -> Tensor:
        rows = rows + self.proj(self.value(self.norm1(rows)))
        return rows + self.shrink(functional.gelu(self.expand(self.norm2(rows))))


class RowLayers(nn.Sequential):
    """Row layers on a map (B, C, H, W), whose samples are read as (H W, C) in C, H, W order whatever its layout."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__(*(RowLayer(width) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten().unflatten(0, (-1, x.shape[1]))  # in two steps, which a tracer of any size can follow
        parts = (rows,) if exporting() else rows.split(CHUNK)
        return torch.cat([super(RowLayers, self).forward(part) for part in parts]).flatten().view(x.shape)


class TwoFactors(nn.Module):
    """One factor a channel, of the channels' means, and one a pixel; their products with the map are summed."""

    def __init__(self, channel: nn.Module, pixel: nn.Module) -> None:
        super().__init__()
        self.channel, self.pixel = channel, pixel

    def forward(self, x: Tensor) -> Tensor:
        return x * self.channel(x.mean((2, 3), keepdim=True)) + x * self.pixel(x)


ROW_NAMES = (
    ("basicLayer.blocks.", "rows."), ("attn.value", "value"), ("attn.proj", "proj"), ("mlp.fc1", "expand"),
    ("mlp.fc2", "shrink"), ("convolutional_out.conv", "last"), (".conv.", ".0."), (".bn.", ".1."),
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""


class RowMethod(NetMethod):
    """A method whose tokens are rows of memory; of each ``qkv`` in its file only the values act."""

    whole = True
    layout = "contiguous"  # rows of values that follow each other in memory, and sums in the authors' order

    @classmethod
    def read(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """See ``NetMethod.read``."""
        return {
            name.replace(".qkv.", ".value."): tensor.chunk(3)[-1] if ".qkv." in name else tensor
            for name, tensor in super().read(paths).items()
        }
