"""CDDFuse: a transformer encoder parted into a base and an invertible detail branch (Zhao et al., 2023)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.transformer import ChannelAttention, ChannelBlock, GatedFeed

WIDTH, HEADS = 64, 8


def shared_block() -> ChannelBlock:
    """A block of the shared encoder and the decoder: everything 3x3 is depthwise."""
    attention = ChannelAttention(WIDTH, HEADS, groups=3 * WIDTH)
    return ChannelBlock(WIDTH, attention, GatedFeed(WIDTH, 2 * WIDTH, groups=4 * WIDTH))


def base_block() -> ChannelBlock:
    """A base feature extractor: the 3x3 convolution of its attention sees all channels."""
    return ChannelBlock(WIDTH, ChannelAttention(WIDTH, HEADS), GatedFeed(WIDTH, WIDTH, groups=WIDTH))


class Bottleneck(nn.Sequential):
    """1x1, depthwise 3x3, 1x1 on half the channels; one of the three functions of an invertible node."""

    def __init__(self) -> None:
        depthwise = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, padding_mode="reflect", groups=WIDTH, bias=False)
        super().__init__(
            nn.Conv2d(WIDTH // 2, WIDTH, 1, bias=False), nn.ReLU6(True), depthwise, nn.ReLU6(True),
            nn.Conv2d(WIDTH, WIDTH // 2, 1, bias=False),
        )  # fmt: skip


class DetailNode(nn.Module):
    """An invertible node with affine coupling."""

    def __init__(self) -> None:
        super().__init__()
        self.shuffle = nn.Conv2d(WIDTH, WIDTH, 1)
        self.phi, self.rho, self.eta = Bottleneck(), Bottleneck(), Bottleneck()

    def forward(self, x: Tensor) -> Tensor:
        """(B, 64, H, W) -> the same shape."""
        first, second = self.shuffle(x).chunk(2, dim=1)
        second = second + self.phi(first)
        first = first * torch.exp(self.rho(second)) + self.eta(second)
        return torch.cat([first, second], dim=1)


class Encoder(nn.Module):
    """One image to base and detail features."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(1, WIDTH, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(*(shared_block() for _ in range(4)))
        self.base = base_block()
        self.detail = nn.Sequential(*(DetailNode() for _ in range(3)))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1, H, W) -> base and detail, each (B, 64, H, W)."""
        shared = self.blocks(self.embed(image))
        return self.base(shared), self.detail(shared)


class Decoder(nn.Module):
    """Base and detail features to an image."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(2 * WIDTH, WIDTH, 1, bias=False)
        self.blocks = nn.Sequential(*(shared_block() for _ in range(4)))
        self.output = nn.ModuleList(
            [
                nn.Conv2d(WIDTH, WIDTH // 2, 3, padding=1, bias=False),
                nn.Conv2d(WIDTH // 2, 1, 3, padding=1, bias=False),
            ]
        )

    def forward(self, reduced: Tensor, image: Tensor) -> Tensor:
        """Features, passed through ``reduce``, and the image that the result is added to -> (B, 1, H, W), 0..1."""
        x = self.blocks(reduced)
        x = functional.leaky_relu(self.output[0](x), 0.01, inplace=True)
        return torch.sigmoid(self.output[1](x) + image)


class CDDFuse(nn.Module):
    """Encode both images, fuse bases and details, decode onto the visible image."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()
        self.fuse_base, self.fuse_detail = base_block(), nn.Sequential(DetailNode())

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """(B, 1, H, W) each, 0..1; the result too, but far from filling the range."""
        return self.decoder(self._features(ir, vis), vis)

    def _features(self, ir: Tensor, vis: Tensor) -> Tensor:
        """What the decoder works on; all else that fills 80 MB an image of 640x480 is given back before it does."""
        base, detail = (first + second for first, second in zip(self.encoder(vis), self.encoder(ir), strict=True))
        return self.decoder.reduce(torch.cat([self.fuse_base(base), self.fuse_detail(detail)], dim=1))
