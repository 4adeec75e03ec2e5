"""SDNet: squeezes two images into one and, for training, decomposes it again (Zhang and Ma, 2021, fig. 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods._nets.blocks import Activation, Conv


def _conv(channels: int, out_channels: int, size: int = 3, activation: Activation = "leaky") -> Conv:
    return Conv(channels, out_channels, size, activation, "zeros")


class Tower(nn.Module):
    """One image's encoder, densely connected."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([_conv(1, 16, 5), _conv(16, 16), _conv(32, 16), _conv(48, 16)])

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of the four levels, each (B, 16, H, W)."""
        levels = [self.layers[0](image)]
        for layer in list(self.layers)[1:]:
            levels.append(layer(torch.cat(levels, dim=1)))
        return levels


class SDNet(nn.Module):
    """The squeezing half, which alone fuses: images in [-1, 1], (B, 1, H, W) each; any size."""

    def __init__(self) -> None:
        super().__init__()
        self.ir, self.vis = Tower(), Tower()
        self.fuse = _conv(128, 1, 1, "tanh")

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """The fused image in [-1, 1]; features of the two towers alternate level by level."""
        levels = [level for both in zip(self.ir(ir), self.vis(vis), strict=True) for level in both]
        return self.fuse(torch.cat(levels, dim=1))


class Decomposition(nn.Module):
    """The other half, used in training only: both images back from the fused one."""

    def __init__(self) -> None:
        super().__init__()
        self.spread = _conv(1, 128, 1)
        self.ir, self.vis = (
            nn.Sequential(_conv(128, 16), _conv(16, 4), _conv(4, 1, activation="tanh")) for _ in range(2)
        )

    def forward(self, fused: Tensor) -> tuple[Tensor, Tensor]:
        """Infrared and visible, in [-1, 1]."""
        features = self.spread(fused)
        return self.ir(features), self.vis(features)
