"""DIDFuse: one encoder splits each image into base and detail, whose sums are decoded (Zhao et al., 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods._nets.blocks import ConvNorm


class Encoder(nn.Module):
    """An image (B, 1, H, W) in [0, 1] to shallow features, deep features, base and detail, each (B, 64, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.shallow = ConvNorm(1, 64, activation=nn.PReLU(), padding_mode="reflect")
        self.deep = ConvNorm(64, 64, activation=nn.PReLU())
        self.base = ConvNorm(64, 64, activation=nn.Tanh())
        self.detail = ConvNorm(64, 64, activation=nn.Tanh())

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        shallow = self.shallow(image)
        deep = self.deep(shallow)
        return shallow, deep, self.base(deep), self.detail(deep)


class Decoder(nn.Module):
    """Features as the encoder gives them to an image in (0, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.join = ConvNorm(128, 64, activation=nn.PReLU())
        self.with_deep = ConvNorm(128, 64, activation=nn.PReLU())
        self.with_shallow = ConvNorm(128, 1, activation=nn.Sigmoid(), padding_mode="reflect")

    def forward(self, shallow: Tensor, deep: Tensor, base: Tensor, detail: Tensor) -> Tensor:
        x = self.join(torch.cat([base, detail], dim=1))
        x = self.with_deep(torch.cat([x, deep], dim=1))
        return self.with_shallow(torch.cat([x, shallow], dim=1))


class DIDFuse(nn.Module):
    """Encoder and decoder with the sum of both images' features between them; sides of at least 2 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Images (B, 1, H, W) in [0, 1]; symmetric in them."""
        summed = [ir_map.add_(vis_map) for ir_map, vis_map in zip(self.encoder(ir), self.encoder(vis), strict=True)]
        return self.decoder(*summed)
