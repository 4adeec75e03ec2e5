"""CAF: an encoder for each image, a dense block of both, three convolutions (Liu et al., 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods._nets.blocks import Appending, Conv, ConvNorm


class CAF(nn.Module):
    """The network with the tensors of its authors' files, under their names; any size."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder1, self.encoder2 = ConvNorm(1, 16), ConvNorm(1, 16)
        self.dense = Appending(ConvNorm(channels, 32) for channels in (32, 64, 96))
        self.fuse = nn.Sequential(
            nn.Sequential(Conv(128, 64, padding_mode="zeros")),
            ConvNorm(64, 32),
            nn.Sequential(Conv(32, 1, 1, "tanh", "zeros")),
        )

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Images (B, 1, H, W) in [0, 1]; the result is within (-1, 1), and sometimes below 0."""
        return self.fuse(self.dense(torch.cat([self.encoder1(ir), self.encoder2(vis)], dim=1)))
