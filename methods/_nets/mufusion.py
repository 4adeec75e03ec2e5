"""MUFusion: a dense U-shaped network on overlapping patches (Cheng et al., 2023, sec. 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import Activation, activate

PATCH = 128
STRIDE = 124
UP = ((64, 64), (128, 64), (128, 64), (128, 64), (96, 32))
"""Channels in and out of the decoder's convolutions."""


class PatchConv(nn.Conv2d):
    """A 3x3 convolution with mirrored borders and its activation, as nine matrix products.

    In float64, where convolutions are not tuned as in float32, this takes half their time.
    """

    def __init__(self, channels: int, out_channels: int, activation: Activation = "relu") -> None:
        super().__init__(channels, out_channels, 3)
        self.activation: Activation = activation

    def forward(self, input: Tensor) -> Tensor:
        height, width = input.shape[-2], input.shape[-1] + 2
        flat = functional.pad(input, (1, 1, 1, 1), mode="reflect").flatten(2)
        # every row of the result ends in two values that wrapped around
        out = torch.stack([self._products(sample, height, width) for sample in flat]).unflatten(2, (height, width))
        return activate(out[..., :-2], self.activation)

    def _products(self, sample: Tensor, height: int, width: int) -> Tensor:
        out = self.get_parameter("bias")[:, None].repeat(1, height * width)
        count = height * width - 2
        for tap, weight in enumerate(self.weight.flatten(2).unbind(2)):
            start = tap // 3 * width + tap % 3
            out[:, :count].addmm_(weight, sample[:, start : start + count])
        return out


class MUFusion(nn.Module):
    """Two images in [0, 1], one in (-1, 1) out, at least 128 pixels high and wide; 554,721 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = PatchConv(2, 32), PatchConv(32, 32)
        self.halve = nn.Conv2d(64, 64, 3, stride=2, padding=1, padding_mode="reflect")
        self.down = nn.ModuleList(PatchConv(64 * count, 64) for count in (1, 2, 3))
        self.up = nn.ModuleList(PatchConv(wide, narrow) for wide, narrow in UP)
        self.last = PatchConv(64, 1, activation="tanh")

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses (B, 1, H, W) each, patch by patch; where patches overlap, their mean counts."""
        both = torch.cat([ir, vis], dim=1)
        total, count = torch.zeros_like(ir), torch.zeros_like(ir)
        for top, left in corners(*ir.shape[-2:]):
            place = (..., slice(top, top + PATCH), slice(left, left + PATCH))
            total[place] += self.patch(both[place])
            count[place] += 1
        return total / count

    def patch(self, both: Tensor) -> Tensor:
        """(B, 2, 128, 128) -> (B, 1, 128, 128)."""
        first = self.first(both)
        second = self.second(first)
        third = functional.relu(self.halve(torch.cat([first, second], dim=1)))
        fourth = self.down[0](third)
        fifth = self.down[1](torch.cat([third, fourth], dim=1))
        x = self.up[0](self.down[2](torch.cat([third, fourth, fifth], dim=1)))
        for level, before in zip((1, 2, 3), (fifth, fourth, third), strict=True):
            x = self.up[level](torch.cat([before, x], dim=1))
        x = functional.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
        return self.last(torch.cat([first, self.up[4](torch.cat([second, x], dim=1))], dim=1))


def corners(height: int, width: int) -> list[tuple[int, int]]:
    """Top and left of all patches: a grid, then always one at each end of its rows and columns, and the last corner.

    Where a grid line ends with the image its last patch counts twice in the mean, as in the authors' program.
    """
    rows, columns = (list(range(0, length - PATCH + 1, STRIDE)) for length in (height, width))
    bottom, right = height - PATCH, width - PATCH
    grid = [(top, left) for top in rows for left in columns]
    return [*grid, *((top, right) for top in rows), *((bottom, left) for left in columns), (bottom, right)]


RENAMED = (
    *((f"conv{number}{number}.1.", f"up.{6 - number}.") for number in (6, 5, 4, 3, 2)), ("conv11.1.", "last."),
    ("conv1.1.", "first."), ("conv2.1.", "second."), ("conv3.1.", "halve."),
    *((f"conv{number}.1.", f"down.{number - 4}.") for number in (4, 5, 6)),
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""
