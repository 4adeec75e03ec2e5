"""FusionGAN: one generator for both images and a discriminator of visible patches (Ma et al., 2019, figs. 3 and 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import activate, standardise

MARGIN = 6
"""Pixels that the generator's unpadded convolutions take from each side."""

WIDTHS = (256, 128, 64, 32)
SIZES = (5, 5, 3, 3)


class GeneratorPath(nn.Module):
    """Four convolutions without padding, each followed by normalisation and a leaky ReLU.

    The biases of the released network cancel in the normalisation and are not part of this one.

    Attributes:
        epsilon: of the normalisation: 1e-5 in FusionGAN's stored graph (TensorFlow 1.2). The fused operation of later
            versions raises it to 1.001e-5, as GANMcC's graph (1.9) has it.
    """

    def __init__(self, channels: int, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.epsilon = epsilon
        widths = (channels, *WIDTHS)
        self.layers = nn.ModuleList(
            nn.Conv2d(inner, outer, size, bias=False) for inner, outer, size in zip(widths, WIDTHS, SIZES, strict=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, 32, H - 12, W - 12)."""
        for layer in self.layers:
            x = activate(standardise(layer(x), epsilon=self.epsilon), "leaky")
        return x


def extend(images: Tensor) -> Tensor:
    """Repeats the edge pixels so that the generator's output has the images' size."""
    return functional.pad(images, (MARGIN,) * 4, mode="replicate")


class FusionGAN(nn.Module):
    """The generator as the released code tests it: raw weights, images in [-1, 1], any size."""

    def __init__(self) -> None:
        super().__init__()
        self.path = GeneratorPath(2)
        self.last = nn.Conv2d(32, 1, 1)

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """The fused image in (-1, 1); infrared is the first channel."""
        return torch.tanh(self.last(self.path(extend(torch.cat([ir, vis], dim=1)))))
