"""DenseFuse: a dense encoder for each image, features added, one decoder (Li and Wu, 2019, fig. 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods._nets.blocks import Conv, DenseBlock


class DenseFuse(nn.Module):
    """Encoder 1 -> 64 channels with shared weights, decoder 64 -> 1; images are 0..255, any size.

    Attributes:
        l1: weighs features by their l1 norms instead of adding them.
    """

    def __init__(self, l1: bool = False) -> None:
        super().__init__()
        self.l1 = l1
        self.first = Conv(1, 16)
        self.dense = DenseBlock([Conv(16 * count, 16) for count in (1, 2, 3)])
        self.decoder = nn.Sequential(Conv(64, 64), Conv(64, 32), Conv(32, 16), Conv(16, 1, activation="none"))

    def encode(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) -> features (B, 64, H, W)."""
        return self.dense(self.first(image))

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """The decoded sum of both images' features, about twice as bright as an image; with ``l1`` as bright as one."""
        ir_features, vis_features = self.encode(torch.cat([ir, vis])).chunk(2)
        if self.l1:
            return self.decoder(weigh(ir_features, vis_features))
        return self.decoder(ir_features + vis_features)


def weigh(ir: Tensor, vis: Tensor) -> Tensor:
    """Features weighted pixel by pixel by their l1 norms over the channels, without the paper's 3x3 mean."""
    ir_norm, vis_norm = (features.abs().sum(1, keepdim=True) for features in (ir, vis))
    total = ir_norm + vis_norm
    share = torch.where(total > 0, ir_norm / total, 0.5)  # the authors' code divides 0 by 0 where both are black
    return share * ir + (1 - share) * vis
