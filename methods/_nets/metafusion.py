"""MetaFusion's fusion network: widening blocks, and a weight map for each image (Zhao et al., 2023)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from methods._nets.blocks import Conv

BLOCKS = ((4, 64), (128, 128), (256, 128))
"""Channels before and in each block; a block gives twice the second number."""

RADIUS = 14
"""Pixels around a pixel that its weights depend on: one for each 3x3 convolution on the way."""

WIDTHS = (256, 128, 128, 128, 128, 64)


def zero_padded(channels: int, out_channels: int) -> Conv:
    """3x3 with zeros at the borders, and ReLU."""
    return Conv(channels, out_channels, padding_mode="zeros")


class Block(nn.Module):
    """Two convolutions, then two side by side."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(zero_padded(channels, width), zero_padded(width, width))
        self.left, self.right = zero_padded(width, width), zero_padded(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, 2 * width, H, W)."""
        x = self.body(x)
        return torch.cat([self.left(x), self.right(x)], dim=1)


class MetaFusion(nn.Module):
    """Weight maps for the infrared image and the visible image's brightness; they do not sum to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block(*pair) for pair in BLOCKS))
        layers = [zero_padded(*pair) for pair in pairwise(WIDTHS)]
        self.weigh = nn.Sequential(*layers, Conv(WIDTHS[-1], 2, 1, activation="none"))

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """(B, 1, H, W) and RGB (B, 3, H, W), 0..1 -> weights (B, 2, H, W), infrared first, 0..1."""
        return torch.sigmoid(self.weigh(self.blocks(torch.cat([ir, vis], dim=1))))
