"""EMMA's U-Fuser: two encoders of transformer and residual blocks, fused at four scales (Zhao et al., 2024)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.transformer import ChannelAttention, ChannelBlock, GatedFeed

WIDTHS = (8, 16, 32, 32)
"""Channels of the four scales."""

HEADS = 8
MULTIPLE = 32
"""Height and width that the network takes are multiples of this."""


def reflecting(channels: int, out_channels: int, bias: bool = False, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution with reflected borders."""
    return nn.Conv2d(channels, out_channels, 3, stride, padding=1, padding_mode="reflect", bias=bias)


class Residual(nn.Module):
    """Two convolutions added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = reflecting(width, width, bias=True), reflecting(width, width, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.relu(self.first(x), inplace=True))


class Block(nn.Module):
    """A global transformer branch and a local residual branch, put together."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.embed = reflecting(channels, width)
        self.transformer = ChannelBlock(
            width, ChannelAttention(width, HEADS), GatedFeed(width, width, groups=width, padding_mode="reflect")
        )
        self.local = nn.Sequential(Residual(width), Residual(width))
        self.join = reflecting(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, width, H, W)."""
        x = self.embed(x)
        return self.join(torch.cat([self.transformer(x), self.local(x)], dim=1))


class Encoder(nn.Module):
    """One image to features of four scales."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(*pair) for pair in zip((1, *WIDTHS[:-1]), WIDTHS, strict=True))
        self.down = nn.ModuleList(reflecting(width, width, stride=2) for width in WIDTHS[:-1])

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 1, H, W) -> features, each half the size of the one before."""
        scales = [self.blocks[0](image)]
        for down, block in zip(self.down, self.blocks[1:], strict=True):
            scales.append(block(down(scales[-1])))
        return scales


class UFuser(nn.Module):
    """Encode both, fuse each scale (infrared first), decode from the smallest up."""

    def __init__(self) -> None:
        super().__init__()
        self.ir, self.vis = Encoder(), Encoder()
        self.fusions = nn.ModuleList(Block(2 * width, width) for width in WIDTHS)
        self.decoder = nn.ModuleList(
            Block(width if width_at == 3 else 2 * width, width) for width_at, width in enumerate(WIDTHS)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(width, below, 4, stride=2, padding=1, bias=False) for below, width in pairwise(WIDTHS)
        )
        self.last = reflecting(WIDTHS[0], 1, bias=True)

    def window(self, ir: Tensor, vis: Tensor) -> Tensor:
        """(B, 1, H, W) each, 0..1, sides multiples of 32; the result too."""
        fused = [
            fusion(torch.cat(pair, dim=1))
            for fusion, pair in zip(self.fusions, zip(self.ir(ir), self.vis(vis), strict=True), strict=True)
        ]
        x = self.decoder[3](fused[3])
        for scale in (2, 1, 0):
            x = functional.relu(self.up[scale](x), inplace=True)
            x = self.decoder[scale](torch.cat([x, fused[scale]], dim=1))
        return torch.sigmoid(self.last(x))

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Images of any size from 32 x 32 on.

        Sides that are no multiple of 32 are cut at the right and bottom; the rows and columns left out come from
        windows at the other edges. Nothing is averaged.
        """
        height, width = (side - side % MULTIPLE for side in ir.shape[-2:])
        right, below = ir.shape[-1] - width, ir.shape[-2] - height
        fused = torch.empty_like(ir)
        fused[..., :height, :width] = self.window(ir[..., :height, :width], vis[..., :height, :width])
        if right:
            window = (..., slice(None, height), slice(right, None))
            fused[..., :height, width:] = self.window(ir[window], vis[window])[..., -right:]
        if below:
            window = (..., slice(below, None), slice(None, width))
            fused[..., height:, :width] = self.window(ir[window], vis[window])[..., -below:, :]
        if right and below:
            window = (..., slice(below, None), slice(right, None))
            fused[..., height:, width:] = self.window(ir[window], vis[window])[..., -below:, -right:]
        return fused
