"""DATFuse: dual attention around a transformer without neighbours (Tang et al., 2023, fig. 1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import ConvNorm
from methods._nets.rows import RowLayers, TwoFactors

WIDTH = 16


class Attention(TwoFactors):
    """Both factors are gates."""

    def __init__(self, width: int) -> None:
        narrow = width // 4
        super().__init__(
            nn.Sequential(nn.Conv2d(width, narrow, 1), nn.ReLU(), nn.Conv2d(narrow, width, 1), nn.Sigmoid()),
            nn.Sequential(
                nn.Conv2d(width, narrow, 3, padding=1), nn.BatchNorm2d(narrow), nn.ReLU(),
                nn.Conv2d(narrow, 1, 3, padding=1), nn.BatchNorm2d(1), nn.Sigmoid(),
            ),
        )  # fmt: skip


class DATFuse(nn.Module):
    """Two images in [0, 1], one in (-1, 1) out; 9,464 parameters act and are kept.

    Means over the image and rows of memory: a part of an image is fused otherwise than the whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = ConvNorm(2, WIDTH, 5, padding_mode="replicate")
        self.conv = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, padding_mode="replicate")
        self.norm = nn.BatchNorm2d(WIDTH)
        self.attention = Attention(WIDTH)
        self.rows = RowLayers(WIDTH, depth=2)
        self.last = nn.Conv2d(WIDTH, 1, 1)

    def _features(self, x: Tensor) -> Tensor:
        """One convolution and one norm, used twice."""
        return self.norm(self.conv(functional.relu(self.norm(self.conv(x)))))

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses (B, 1, H, W) each; their order matters."""
        x = self.first(torch.cat([ir, vis], dim=1))
        x = self._features(self.rows(functional.relu(self.attention(self._features(x)) + x)))
        return torch.tanh(self.last(self.attention(x) + x))
