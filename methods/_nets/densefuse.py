"""DenseFuse: a dense encoder for each image, features added, one decoder (Li and Wu, 2019, fig. 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods._nets.blocks import Conv, DenseBlock


class DenseFuse(nn.Module):
    """Encoder 1 -> 64 channels with shared weights, decoder 64 -> 1; images are 0..255, any size."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Conv(1, 16)
        self.dense = DenseBlock([Conv(16 * count, 16) for count in (1, 2, 3)])
        self.decoder = nn.Sequential(Conv(64, 64), Conv(64, 32), Conv(32, 16), Conv(16, 1, activation="none"))

    def encode(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) -> features (B, 64, H, W)."""
        return self.dense(self.first(image))

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """The decoded sum of both images' features: about twice as bright as an image."""
        ir_features, vis_features = self.encode(torch.cat([ir, vis])).chunk(2)
        return self.decoder(ir_features + vis_features)
