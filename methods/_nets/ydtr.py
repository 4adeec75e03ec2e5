"""YDTR: two branches with shared tensors and a joined stem (Tang et al., 2023, fig. 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods._nets.blocks import ConvNorm
from methods._nets.rows import RowLayers, TwoFactors

WIDTH = 64


class DetailFocus(TwoFactors):
    """Both factors are without a bound."""

    def __init__(self, width: int) -> None:
        narrow = width // 8
        super().__init__(
            nn.Sequential(nn.Conv2d(width, narrow, 1), nn.ReLU(), nn.Conv2d(narrow, width, 1)),
            nn.Sequential(nn.Conv2d(width, narrow, 3, padding=1), nn.Conv2d(narrow, 1, 3, padding=1)),
        )


class YDTR(nn.Module):
    """Two images in [0, 1], one in (-1, 1) out, the same whichever is first; 89,946 parameters act and are kept.

    Means over the image and rows of memory: a part of an image is fused otherwise than the whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = ConvNorm(1, WIDTH, padding_mode="replicate")
        self.focus = DetailFocus(WIDTH)
        self.rows = RowLayers(WIDTH, depth=2)
        self.last = nn.Conv2d(WIDTH, 1, 1)

    def _branch(self, image: Tensor) -> Tensor:
        return self.rows(self.focus(self.first(image)))

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses (B, 1, H, W) each."""
        return torch.tanh(self.last(self.rows(self.focus(self._branch(ir) + self._branch(vis)))))
