"""IFCNN: two convolutions for each image, features merged element by element, two more (Zhang et al., 2020, fig. 1)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.transfer import constant
from methods._nets.blocks import Conv

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of ImageNet; the authors' published pictures were made with them."""

GREY = (0.299, 0.587, 0.114)
GREY_FIXED = (9798, 19235, 3735)
"""The same weights times 2^15, as OpenCV 4 reduces three uint8 channels to grey."""


class ConvNorm(nn.Module):
    """3x3 convolution without bias, batch norm, ReLU; edges are repeated."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = Conv(64, 64, activation="none", padding_mode="replicate", bias=False)
        self.bn = nn.BatchNorm2d(64)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)), inplace=True)


JOINS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "max": torch.maximum,
    "sum": torch.add,
    "mean": lambda ir, vis: (ir + vis) / 2,
}


class IFCNN(nn.Module):
    """Images (B, 3, H, W) with ImageNet's mean and spread taken out; any size.

    Attributes:
        join: how features meet, element by element: ``max``, ``sum`` or ``mean``.
    """

    def __init__(self, join: str = "max") -> None:
        super().__init__()
        self.join = JOINS[join]
        # the first layer of a ResNet-101 trained on ImageNet, never trained further
        self.conv1 = Conv(3, 64, 7, activation="none", padding_mode="replicate", bias=False)
        self.conv2 = ConvNorm()
        self.conv3 = ConvNorm()
        self.conv4 = Conv(64, 3, 1, activation="none")

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """The fused image, normalised as the inputs are; symmetric in its inputs."""
        ir_features, vis_features = self.conv2(self.conv1(torch.cat([ir, vis]))).chunk(2)
        return self.conv4(self.conv3(self.join(ir_features, vis_features)))


def on_imagenets_scale(net: nn.Module, ir: Tensor, vis: Tensor) -> Tensor:
    """The network on its normalised inputs: (B, 1, H, W) each, 0..1; three channels out, 0..1."""
    mean, std = (constant(values, ir).view(1, 3, 1, 1) for values in (MEAN, STD))
    fused: Tensor = net((ir - mean) / std, (vis - mean) / std) * std + mean
    return fused


def grey(fused: Tensor) -> Tensor:
    """Three channels as one, in floats."""
    return (fused * constant(GREY, fused).view(1, 3, 1, 1)).sum(1, keepdim=True)


def grey_of_bytes(fused: Tensor) -> Tensor:
    """Three channels, truncated to uint8, as one of uint8, as OpenCV reduces them; 0..1 again."""
    levels = (fused.clamp(0, 1) * 255).to(torch.int32)
    weights = constant(GREY_FIXED, levels).view(1, 3, 1, 1)
    return ((levels * weights).sum(1, keepdim=True) + (1 << 14) >> 15).to(fused.dtype) / 255
