"""PIAFusion's fusion network: two encoders that exchange what differs, one decoder (Tang et al., 2022)."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import Conv
from methods._nets.method import layers_of

ENCODER = (16, 16, 32, 64, 128)
DECODER = (256, 256, 128, 64, 32)
"""Channels before, between and after the 3x3 convolutions."""

EXCHANGES = 3


class PIAFusion(nn.Module):
    """The network of the authors' program in TensorFlow, or of its port to PyTorch, which differs in three points.

    Args:
        port: of the port: one encoder for each image, a leaky ReLU with slope 0.01, and features that are moved
            towards each other, not away.
    """

    def __init__(self, port: bool) -> None:
        super().__init__()
        self.port, self.slope = port, 0.01 if port else 0.2
        self.first_ir, self.first_vis = (Conv(1, ENCODER[0], 1, activation="none") for _ in range(2))
        self.encoders = nn.ModuleList(_convolutions(ENCODER) for _ in range(2 if port else 1))
        self.decoder = _convolutions(DECODER)
        self.last = Conv(DECODER[-1], 1, 1, activation="tanh")

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """(B, 1, H, W) each, 0..1, sides of at least 2; the result too."""
        ir, vis = self._activate(self.first_ir(ir)), self._activate(self.first_vis(vis))
        encoder_ir, encoder_vis = (cast(nn.ModuleList, self.encoders[at]) for at in (0, -1))
        for at, (layer_ir, layer_vis) in enumerate(zip(encoder_ir, encoder_vis, strict=True)):
            ir, vis = self._activate(layer_ir(ir)), self._activate(layer_vis(vis))
            if at < EXCHANGES:
                ir, vis = self._exchange(ir, vis)
        x = torch.cat([vis, ir], dim=1)
        del ir, vis  # 300 MB of an image of 640x480, while the decoder takes a gigabyte
        for layer in self.decoder:
            x = self._activate(layer(x))
        return self.last(x) / 2 + 0.5

    def _activate(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(x, self.slope, inplace=True)

    def _exchange(self, ir: Tensor, vis: Tensor) -> tuple[Tensor, Tensor]:
        """Each image's features change by their difference, weighed by its mean over the image in each channel."""
        difference = vis - ir if not self.port else ir - vis
        # row by row, because float32 adds up a whole image too coarsely
        mean = (vis - ir).mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)
        return ir - difference * torch.sigmoid(mean), vis + difference * torch.sigmoid(-mean)


def _convolutions(widths: tuple[int, ...]) -> nn.ModuleList:
    return nn.ModuleList(Conv(*pair, activation="none") for pair in pairwise(widths))


NAMES = layers_of({
    "first_ir": "PIAFusion/encoder/conv5x5_ir", "first_vis": "PIAFusion/encoder/conv5x5_vi",
    "last": "PIAFusion/decoder/conv1x1",
    **{f"encoders.0.{at}": f"PIAFusion/encoder/Conv{at + 1}/conv3x3" for at in range(4)},
    **{f"decoder.{at}": f"PIAFusion/decoder/conv{at + 1}" for at in range(4)},
})  # fmt: skip
"""Our tensors -> those of the authors' program."""

PORT_RENAMED = (
    ("encoder.ir_conv1.", "first_ir."), ("encoder.vi_conv1.", "first_vis."), ("decoder.conv5.", "last."),
    *((f"encoder.ir_conv{at + 2}.conv.1.", f"encoders.0.{at}.") for at in range(4)),
    *((f"encoder.vi_conv{at + 2}.conv.1.", f"encoders.1.{at}.") for at in range(4)),
    *((f"decoder.conv{at + 1}.conv.1.", f"decoder.{at}.") for at in range(4)),
)  # fmt: skip
"""The port's names of tensors -> ours."""
