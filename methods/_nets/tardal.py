"""TarDAL's generator: an encoder of the stacked images, a dense block, four convolutions (Liu et al., 2022)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods._nets.blocks import Appending, Conv, ConvNorm, OwnNorm


class TarDAL(nn.Module):
    """The generator with the tensors of its authors' files, under their names; any size."""

    def __init__(self, own_statistics: bool) -> None:
        """Builds it.

        Args:
            own_statistics: True normalises each image by its own statistics (``tardal.pt``, which its authors run
                in train mode), False by those stored (``tardal+.pt``, ``tardal++.pt``).
        """
        super().__init__()
        norm = OwnNorm if own_statistics else nn.BatchNorm2d
        self.encoder = ConvNorm(2, 32, norm=norm)
        self.dense = Appending(ConvNorm(channels, 32, norm=norm) for channels in (32, 64, 96))
        self.fuse = nn.Sequential(
            nn.Sequential(Conv(128, 128, padding_mode="zeros")),
            ConvNorm(128, 64, norm=norm),
            ConvNorm(64, 32, norm=norm),
            nn.Sequential(Conv(32, 1, activation="tanh", padding_mode="zeros")),
        )

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Images (B, 1, H, W) in [0, 1]; the result is within (-1, 1), and often below 0."""
        return self.fuse(self.dense(self.encoder(torch.cat([ir, vis], dim=1))))
