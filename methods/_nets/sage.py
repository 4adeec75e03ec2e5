"""SAGE's distilled sub-network: a small U-net with batch norms (Wu et al., 2025)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import ConvNorm

WIDTH = 32


def _layer(channels: int, size: int = 3) -> ConvNorm:
    return ConvNorm(channels, WIDTH, size, nn.LeakyReLU(inplace=True))


def _block(channels: int = WIDTH) -> nn.Sequential:
    return nn.Sequential(_layer(channels), _layer(WIDTH), _layer(WIDTH))


class SAGE(nn.Module):
    """Two levels down and up again; sides of at least 4 pixels, odd ones too."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([_block(2), _block(), _block()])
        self.joins = nn.ModuleList(_layer(2 * WIDTH, 1) for _ in range(2))
        self.up = nn.ModuleList(_block() for _ in range(2))
        self.last = nn.Conv2d(WIDTH, 1, 3, padding=1)

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Images (B, 1, H, W) in [0, 1]; the result is within (-1, 1), and sometimes below 0."""
        levels = [self.down[0](torch.cat([vis, ir], dim=1))]
        for block in list(self.down)[1:]:
            levels.append(block(functional.max_pool2d(levels[-1], 2)))
        x = levels.pop()
        for join, block in zip(self.joins, self.up, strict=True):
            partner = levels.pop()
            x = functional.interpolate(x, partner.shape[-2:], mode="bilinear", align_corners=False)
            x = block(join(torch.cat([x, partner], dim=1)))
        return torch.tanh(self.last(x))
