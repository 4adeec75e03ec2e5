"""U2Fusion: one dense network for both images (Xu et al., 2022, sec. 3.5)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from methods._nets.blocks import Conv, DenseBlock

GROWTH = 44


class U2Fusion(nn.Module):
    """Two images in [0, 1] as channels, one image in (0, 1) out; any size; 659,217 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Conv(2, GROWTH, activation="leaky")
        self.dense = DenseBlock([Conv(GROWTH * count, GROWTH, activation="leaky") for count in range(1, 6)])
        widths = (6 * GROWTH, 128, 64, 32)
        self.decoder = nn.Sequential(
            *(Conv(wide, narrow, activation="leaky") for wide, narrow in pairwise(widths)),
            Conv(32, 1, activation="tanh"),
        )

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuses two images (B, 1, H, W); their order matters."""
        return self.decoder(self.dense(self.first(torch.cat([first, second], dim=1)))) / 2 + 0.5
