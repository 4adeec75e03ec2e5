"""BANet (Peng et al., 2021), the paper's segmenter: a ResNet-18 context path with attention refinement, two outputs."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from bench.plugin.task import Segmenter
from bench.train.segmenter_step import split_parameters
from bench.weights.backbones import load_resnet18

WIDTH = 128
"""Channels of the decoder."""


class ConvBlock(nn.Sequential):
    """Convolution without bias, batch norm, leaky ReLU (0.01)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
        # slope 1 is what the released code asks for, though its activation has 0.01
        nn.init.kaiming_normal_(conv.weight, a=1)
        super().__init__(conv, nn.BatchNorm2d(out_channels), nn.LeakyReLU(0.01, inplace=True))


class Gate(nn.Sequential):
    """1x1 convolution, batch norm, sigmoid: a weight per channel (and place)."""

    def __init__(self, channels: int) -> None:
        conv = nn.Conv2d(channels, channels, 1, bias=False)
        nn.init.kaiming_normal_(conv.weight, a=1)
        super().__init__(conv, nn.BatchNorm2d(channels), nn.Sigmoid())


class AttentionRefinement(nn.Module):
    """A 3x3 block weighted by channel attention from its own global mean."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.block = ConvBlock(in_channels, WIDTH, 3)
        self.gate = Gate(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, 128, H, W)."""
        x = self.block(x)
        return x * self.gate(x.mean(dim=(2, 3), keepdim=True))


class Head(nn.Sequential):
    """Logits at the resolution of its input."""

    def __init__(self, in_channels: int, middle: int, classes: int) -> None:
        conv = nn.Conv2d(middle, classes, 1, bias=False)
        nn.init.kaiming_normal_(conv.weight, a=1)
        super().__init__(ConvBlock(in_channels, middle, 3), conv)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


class Banet(nn.Module):
    """Bilateral attention decoder over ResNet-18, in the variant that the SeAFusion authors released.

    12,894,080 parameters with nine classes. Input (B, 3, H, W) in [0, 1], not normalised; height and width are best
    multiples of 32, other sizes work.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        from torchvision.models import resnet18

        trunk = resnet18(weights=None)
        self.stem = nn.Sequential(trunk.conv1, trunk.bn1, trunk.relu, trunk.maxpool)
        self.layer1, self.layer2, self.layer3, self.layer4 = trunk.layer1, trunk.layer2, trunk.layer3, trunk.layer4
        self.refine32 = AttentionRefinement(512)
        self.refine16 = AttentionRefinement(256)
        self.refine8 = AttentionRefinement(128)
        self.head32 = ConvBlock(WIDTH, WIDTH, 3)
        self.head16 = ConvBlock(WIDTH, WIDTH, 3)
        self.mix16 = ConvBlock(2 * WIDTH, WIDTH, 1)
        self.mix8 = ConvBlock(2 * WIDTH, WIDTH, 1)
        self.gate32 = Gate(WIDTH)
        self.gate16 = Gate(WIDTH)
        self.fuse = ConvBlock(WIDTH, WIDTH, 1)
        self.out = Head(WIDTH, WIDTH, classes)
        self.out16 = Head(WIDTH, 64, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the main logits and those of the 1/16 branch, both (B, classes, H, W)."""
        size = x.shape[-2:]
        f8 = self.layer2(self.layer1(self.stem(x)))
        f16 = self.layer3(f8)
        p32, p16, p8 = self.refine32(self.layer4(f16)), self.refine16(f16), self.refine8(f8)
        c32 = _resize(p32, p8)
        u32 = self.head32(_resize(p32, p16))
        c16 = _resize(self.mix16(torch.cat([u32, p16], dim=1)), p8)
        u16 = self.head16(_resize(p16, p8))
        c8 = self.mix8(torch.cat([u16, p8], dim=1))
        c16 = c16 * self.gate32(c32)
        feature = self.fuse(c8 * self.gate16(c16))
        # float32 before the last step: in half precision an interpolated logit loses what the arg-max needs
        outputs = (self.out(feature).float(), self.out16(p16).float())
        main, middle = (F.interpolate(y, size=size, mode="bilinear", align_corners=True) for y in outputs)
        return main, middle


class BanetSegmenter(Segmenter):
    """The segmenter of the SeAFusion paper."""

    name = "banet"
    summary = "BANet, ResNet-18 (Peng et al., 2021): the segmenter of the SeAFusion paper"
    normalisation = "images in [0, 1] as they are"

    def build(self, classes: int, seed: int, backbone: Path | None = None) -> tuple[nn.Module, str]:
        """Builds the network, its ResNet-18 with the ImageNet weights in ``backbone`` if that is given."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = Banet(classes)
        parts = {"conv1": net.stem[0], "bn1": net.stem[1], "layer1": net.layer1, "layer2": net.layer2}
        return net, load_resnet18({**parts, "layer3": net.layer3, "layer4": net.layer4}, backbone)

    def loss_weights(self) -> tuple[float, ...]:
        """The released code trains with 0.75 for the auxiliary output (the fusion step uses 0.1)."""
        return (1.0, 0.75)

    def parameter_groups(self, net: nn.Module, weight_decay: float) -> list[dict[str, object]]:
        """Convolutions decay, batch norms do not; the two heads learn ten times faster."""
        return split_parameters(net, weight_decay, heads=("out.", "out16."))
