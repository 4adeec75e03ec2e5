"""MMDRFuse: a distilled network of two convolutions (Deng et al., 2024, sec. 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods._nets.blocks import Conv


class MMDRFuse(nn.Module):
    """Two images in [0, 1], one in (-1, 1) out; any size from 2 x 2; 113 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = Conv(2, 4), Conv(4, 1, activation="tanh")

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses (B, 1, H, W) each; their order matters."""
        return self.last(self.first(torch.cat([ir, vis], dim=1)))
