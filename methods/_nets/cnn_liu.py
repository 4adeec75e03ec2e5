"""The siamese network of Liu et al. (2017, fig. 3; 2018), which says how much of each place is worth taking."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import Conv

WINDOW = 16
"""Pixels a side that one decision is made from."""


class SiameseCNN(nn.Module):
    """Three convolutions shared by both images, and a fully connected layer as a convolution; images are 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Conv(1, 64, padding_mode="zeros")
        self.second = Conv(64, 128, padding_mode="zeros")
        self.third = Conv(128, 256, padding_mode="zeros")
        self.decide = nn.Conv2d(512, 2, WINDOW // 2, bias=False)

    def features(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 256, ceil(H / 2), ceil(W / 2)); odd sides are padded with zeros at the end."""
        # features are not negative, so that a window cut at the end has the maximum of one padded with zeros
        return self.third(functional.max_pool2d(self.second(self.first(image)), 2, ceil_mode=True))

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Shares of infrared, 0 to 1, for every second window of 16 x 16 pixels in either direction.

        Args:
            ir: float32 (B, 1, H, W), sides of at least 15.
            vis: the same shape.

        Returns:
            float64 (B, ceil(H / 2) - 7, ceil(W / 2) - 7).
        """
        scores = self.decide(torch.cat([self.features(ir), self.features(vis)], dim=1))
        return scores.double().softmax(dim=1)[:, 1]
