"""LUT-Fuse: a learned table of four dimensions, one of them read by a small network (Yi et al., 2025, sec. 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import LEAKY_SLOPE, OwnNorm

SIZE = 16
"""Entries of the table along each axis."""

LUMA = (0.299, 0.587, 0.114)
SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))


class Block(nn.Sequential):
    """3x3 convolution, leaky ReLU, norm by the image's own statistics."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(
            nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(LEAKY_SLOPE, inplace=True), OwnNorm(width)
        )


class Context(nn.Module):
    """The fourth coordinate, (B, 1, H, W) in (0, 1), from red, green, blue and infrared in 0..255; 7,825 parameters."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.first = Block(4, width)
        self.middle = nn.Sequential(*(Block(width, width) for _ in range(3)))
        self.last = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return torch.sigmoid(self.last(self.middle(x) + x))


def gradient(luma: Tensor, kernel: Tensor) -> Tensor:
    """Length of the gradient by Sobel's kernel, with zeros around the image, stretched to 0..1 over each image."""
    both = functional.conv2d(luma, torch.stack([kernel, kernel.T])[:, None], padding=1)
    length = both.square().sum(dim=1, keepdim=True).sqrt()
    low, high = length.amin((2, 3), keepdim=True), length.amax((2, 3), keepdim=True)
    return (length - low) / (high - low + 1e-8)


class LUTFuse(nn.Module):
    """Infrared (B, 1, H, W) and RGB (B, 3, H, W) in [0, 1] -> luma, not clamped.

    Norms and the stretched gradient span the image: a part of it is fused otherwise than the whole.
    """

    grey: Tensor
    sobel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.context = Context()
        self.table = nn.Parameter(torch.rand(SIZE**4))
        self.register_buffer("grey", torch.tensor(LUMA, dtype=torch.float64).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("sobel", torch.tensor(SOBEL, dtype=torch.float64), persistent=False)

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        luma = (vis * self.grey.to(vis.dtype)).sum(dim=1, keepdim=True)
        context = self.context(255 * torch.cat([vis, ir], dim=1))
        return self.look_up([luma, gradient(luma, self.sobel.to(luma.dtype)), context, ir])

    def look_up(self, coordinates: list[Tensor]) -> Tensor:
        """Linear in each of the four coordinates in [0, 1] between the sixteen corners around them."""
        corners = [(torch.zeros_like(coordinates[0], dtype=torch.int64), torch.ones_like(coordinates[0]))]
        for coordinate in coordinates:
            place = coordinate * (255 / SIZE)
            low = place.floor()
            part = place - low
            lower = low.long()
            upper = (lower + 1).clamp_max(SIZE - 1)
            corners = [
                (index * SIZE + side, weight * share)
                for index, weight in corners
                for side, share in ((lower, 1 - part), (upper, part))
            ]
        return torch.stack([self.table[index] * weight for index, weight in corners]).sum(0)


RENAMED = (
    ("input_layer.", "context.first."), ("output_layer.1.", "context.last."),
    *((f"mid_layer.{3 * block + at}.", f"context.middle.{block}.{at}.") for block in range(3) for at in (0, 2)),
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""
