"""A narrow U-Net (Ronneberger et al., 2015): learns in seconds on a CPU what a scene of a few classes needs."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from bench.plugin.task import Segmenter
from bench.train.segmenter_step import split_parameters

WIDTHS = (16, 32, 64, 96)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the image; the paper has 64 to 1024, from full size on."""


class Block(nn.Sequential):
    """Two 3x3 convolutions, each with batch norm and ReLU; the first may halve the size."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        layers: list[nn.Module] = []
        for channels, step in ((in_channels, stride), (out_channels, 1)):
            conv = nn.Conv2d(channels, out_channels, 3, step, 1, bias=False)
            layers += [conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]
        super().__init__(*layers)


class UNet(nn.Module):
    """Contracting and expanding path with skips; 0.4 million parameters.

    Unlike the paper's it is narrow, halves the image at once, pads its convolutions, has batch norm, and enlarges by
    interpolation. Input (B, 3, H, W) in [0, 1], any height and width.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(Block(a, b, 2) for a, b in zip((3, *WIDTHS), WIDTHS, strict=False))
        deeper = list(zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True))
        self.up = nn.ModuleList(Block(a + b, b) for a, b in deeper)
        self.out = nn.Conv2d(WIDTHS[0], classes, 1)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Returns the logits (B, classes, H, W)."""
        size, kept = x.shape[-2:], []
        for block in self.down:
            x = block(x)
            kept.append(x)
        for block, skip in zip(self.up, kept[-2::-1], strict=True):
            x = block(torch.cat([_resize(x, skip.shape[-2:]), skip], dim=1))
        return (_resize(self.out(x).float(), size),)


def _resize(x: Tensor, size: torch.Size) -> Tensor:
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class UNetSegmenter(Segmenter):
    """For runs of minutes."""

    name = "unet"
    summary = "U-Net (Ronneberger et al., 2015), narrow: for runs of minutes on a CPU"
    normalisation = "images in [0, 1] as they are"
    takes_backbone = False

    def build(self, classes: int, seed: int, backbone: Path | None = None) -> tuple[nn.Module, str]:  # noqa: ARG002 - a Segmenter
        """Builds the network from random weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return UNet(classes), "random"

    def loss_weights(self) -> tuple[float, ...]:
        """There is one output."""
        return (1.0,)

    def parameter_groups(self, net: nn.Module, weight_decay: float) -> list[dict[str, object]]:
        """Convolutions decay, batch norms and biases do not; all learn at one rate."""
        return split_parameters(net, weight_decay, heads=())
