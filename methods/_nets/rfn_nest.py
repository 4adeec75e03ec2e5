"""RFN-Nest: a nested auto-encoder with a residual fusion network at each of four scales (Li et al., 2021, fig. 2)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.errors import BenchError
from methods._nets.blocks import Conv

WIDTHS = (64, 112, 160, 208)
"""Channels of the four scales."""

TILED_ABOVE = 512
"""Pixels; a larger height or width is fused in four overlapping tiles, as the released test code does."""

SMALLEST = 16
"""Pixels; the fourth scale is an eighth of the image, and cannot be reflected when it is a single pixel."""


NEST_NAMES = (
    ("conv0.", "auto.first."), ("conv_out.", "auto.last."), (".denseblock.", "."), (".conv2d.", "."),
    *((f"DB{scale}_0.", f"auto.encoder.{scale - 1}.") for scale in (1, 2, 3, 4)),
    *((f"DB{row}_{column}.", f"auto.node{row}{column}.") for row in (1, 2, 3) for column in range(1, 5 - row)),
)  # fmt: skip
"""The authors' names of the auto-encoder's tensors -> ours, applied in this order."""


class Block(nn.Sequential):
    """3x3 to half the input channels, then 1x1; both with ReLU."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__(Conv(channels, channels // 2), Conv(channels // 2, out_channels, 1))


class Fusion(nn.Module):
    """The residual fusion network of one scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.direct = Conv(2 * width, width)
        self.ir, self.vis = Conv(width, width), Conv(width, width)
        self.residual = nn.Sequential(Conv(2 * width, width, 1), Conv(width, width), Conv(width, width))

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fused features of the same shape."""
        residual = self.residual(torch.cat([self.ir(ir), self.vis(vis)], dim=1))
        return self.direct(torch.cat([ir, vis], dim=1)) + residual


def _grow(x: Tensor, target: Tensor) -> Tensor:
    """Twice the size, reflected at the right and bottom where the target had an odd size."""
    x = functional.interpolate(x, scale_factor=2, mode="nearest")
    height, width = target.shape[-2] - x.shape[-2], target.shape[-1] - x.shape[-1]
    if height == 0 and width == 0:
        return x
    left, top = width // 2, height // 2
    return functional.pad(x, (left, width - left, top, height - top), mode="reflect")


class AutoEncoder(nn.Module):
    """Encoder to four scales and the nested decoder; images are 0..255."""

    def __init__(self) -> None:
        super().__init__()
        one, two, three, four = WIDTHS
        self.first = Conv(1, 16, 1)
        self.encoder = nn.ModuleList([Block(16, one), Block(one, two), Block(two, three), Block(three, four)])
        self.node11 = Block(one + two, one)
        self.node21 = Block(two + three, two)
        self.node31 = Block(three + four, three)
        self.node12 = Block(2 * one + two, one)
        self.node22 = Block(2 * two + three, two)
        self.node13 = Block(3 * one + two, one)
        self.last = Conv(one, 1, 1)

    def encode(self, image: Tensor) -> list[Tensor]:
        """(B, 1, H, W) -> features of the four scales, each half the size of the one before."""
        x = self.first(image)
        scales = []
        for level, block in enumerate(self.encoder):
            x = block(functional.max_pool2d(x, 2) if level else x)
            scales.append(x)
        return scales

    def decode(self, scales: list[Tensor]) -> Tensor:
        """Features of four scales -> (B, 1, H, W), not negative."""
        f1, f2, f3, f4 = scales
        x11 = self.node11(torch.cat([f1, _grow(f2, f1)], dim=1))
        x21 = self.node21(torch.cat([f2, _grow(f3, f2)], dim=1))
        x12 = self.node12(torch.cat([f1, x11, _grow(x21, f1)], dim=1))
        x31 = self.node31(torch.cat([f3, _grow(f4, f3)], dim=1))
        x22 = self.node22(torch.cat([f2, x21, _grow(x31, f2)], dim=1))
        x13 = self.node13(torch.cat([f1, x11, x12, _grow(x22, f1)], dim=1))
        return self.last(x13)


class RFNNest(nn.Module):
    """Both halves: encode each image, fuse each scale, decode; at least 16 x 16 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.auto = AutoEncoder()
        self.fusions = nn.ModuleList(Fusion(width) for width in WIDTHS)

    def fuse(self, ir: list[Tensor], vis: list[Tensor]) -> list[Tensor]:
        """Fused features of each scale."""
        return [fusion(*pair) for fusion, pair in zip(self.fusions, zip(ir, vis, strict=True), strict=True)]

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """(B, 1, H, W) each, 0..255; the result is not negative and without a fixed range."""
        both = [scale.chunk(2) for scale in self.auto.encode(torch.cat([ir, vis]))]
        return self.auto.decode(self.fuse([pair[0] for pair in both], [pair[1] for pair in both]))


def in_tiles(net: Callable[[Tensor, Tensor], Tensor], ir: Tensor, vis: Tensor) -> Tensor:
    """Fuses (B, 1, H, W) at once, or in four tiles where the image is large; overlaps are averaged.

    Raises:
        BenchError: a tile has fewer than 16 pixels a side.
    """
    height, width = ir.shape[-2:]
    tiled = height > TILED_ABOVE or width > TILED_ABOVE
    if min(height, width) // (2 if tiled else 1) + (2 if tiled else 0) < SMALLEST:
        raise BenchError(f"image is {width}x{height} pixels, wanted at least {SMALLEST} in every tile")
    if not tiled:
        return net(ir, vis)
    total, count = torch.zeros_like(ir), torch.zeros_like(ir[:1])
    for rows in _halves(height):
        for columns in _halves(width):
            tile = (..., rows, columns)
            total[tile] += net(ir[tile], vis[tile])
            count[tile] += 1
    return total / count


def _halves(length: int) -> tuple[slice, slice]:
    """Two overlapping halves of a side."""
    middle = length // 2
    return slice(0, middle + 3), slice(middle - 2, length)
