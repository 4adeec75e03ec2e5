"""ITFuse: two sources and a common stream that question each other three times (Tang et al., 2024, fig. 1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods._nets.blocks import ConvNorm
from methods._nets.rows import RowLayers

WIDTH = 16
LEVELS = 3


class CoordinateAttention(nn.Module):
    """One factor a row and one a column for each channel, from the means along the other axis (Hou et al., 2021)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.reduce = nn.Sequential(nn.Conv2d(width, width // 4, 1), nn.BatchNorm2d(width // 4), nn.Hardswish())
        self.height, self.width = nn.Conv2d(width // 4, width, 1), nn.Conv2d(width // 4, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[-2:]
        both = torch.cat([x.mean(3, keepdim=True), x.mean(2, keepdim=True).transpose(2, 3)], dim=2)
        rows, columns = self.reduce(both).split(size, dim=2)
        return x * torch.sigmoid(self.width(columns.transpose(2, 3))) * torch.sigmoid(self.height(rows))


class CrossWeight(nn.Module):
    """A value weighted by one map of a key and a query; the weight has no bound."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.key = ConvNorm(width, width, padding_mode="replicate")
        self.weight = nn.Sequential(
            nn.Conv2d(width, 2, 1, bias=False), nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 1, 1), nn.BatchNorm2d(1)
        )
        self.value = nn.Sequential(nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, value: Tensor, key: Tensor, query: Tensor) -> Tensor:
        """Only the key is embedded here, and it is added to the result."""
        key = self.key(key)
        return self.weight(query + key) * self.value(value) + key

    def equal(self, value: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """Key and query are embedded alike, and neither is added."""
        return self.weight(self.key(first) + self.key(second)) * self.value(value)


class ITFuse(nn.Module):
    """Two images in [0, 1], one in (0, 1) out; 16,703 parameters act and are kept.

    Means over rows and columns, and rows of memory: a part of an image is fused otherwise than the whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self.source = ConvNorm(1, WIDTH, padding_mode="replicate")
        self.common = ConvNorm(2, WIDTH, padding_mode="replicate")
        self.conv = ConvNorm(WIDTH, WIDTH, padding_mode="replicate")
        self.coordinates = CoordinateAttention(WIDTH)
        self.cross, self.join = CrossWeight(WIDTH), CrossWeight(WIDTH)
        self.rows = RowLayers(WIDTH, depth=3)
        self.last = nn.Conv2d(WIDTH, 1, 1)

    def _residual(self, x: Tensor) -> Tensor:
        return x + self.conv(self.conv(x))

    def _middle(self, x: Tensor) -> Tensor:
        return x + self.coordinates(self.coordinates(x))

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses (B, 1, H, W) each; their order matters."""
        first, second = self._residual(self.source(ir)), self._residual(self.source(vis))
        common = self._middle(self.conv(self.common(torch.cat([ir, vis], dim=1))))
        for level in range(LEVELS):
            if level:
                first, second = self._residual(self.conv(first)), self._residual(self.conv(second))
                common = self._middle(self.conv(self.conv(common)))
            first, second = self.cross(common, second, first), self.cross(common, first, second)
        common = self._middle(self.join.equal(common, first, second))
        return torch.sigmoid(self.last(self.conv(self.rows(common))))
