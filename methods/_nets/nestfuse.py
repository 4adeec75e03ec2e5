"""NestFuse: the nested auto-encoder of RFN-Nest, fused by attention without parameters (Li et al., 2020)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from methods._nets.rfn_nest import AutoEncoder

EPSILON = 1e-5


def nuclear_norm(features: Tensor) -> Tensor:
    """Sum of the singular values of each channel's H x W matrix, a small number added; (B, C, 1, 1)."""
    return torch.linalg.svdvals(features).sum(dim=-1)[..., None, None] + EPSILON


POOLINGS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "avg": lambda features: features.mean(dim=(2, 3), keepdim=True),
        "max": lambda features: features.amax(dim=(2, 3), keepdim=True),
        "nuclear": nuclear_norm,
    }
)
"""What stands for a channel in the channel attention."""


def by_channel(ir: Tensor, vis: Tensor, pooling: str) -> Tensor:
    """Features weighed by what stands for each channel."""
    weight_ir, weight_vis = POOLINGS[pooling](ir), POOLINGS[pooling](vis)
    total = weight_ir + weight_vis + EPSILON
    return weight_ir / total * ir + weight_vis / total * vis


def by_place(ir: Tensor, vis: Tensor) -> Tensor:
    """Features weighed at each place by the exponential of their mean over the channels."""
    mean_ir, mean_vis = ir.mean(dim=1, keepdim=True), vis.mean(dim=1, keepdim=True)
    # the common factor cancels, and keeps the exponentials finite
    largest = torch.maximum(mean_ir, mean_vis)
    weight_ir, weight_vis = torch.exp(mean_ir - largest), torch.exp(mean_vis - largest)
    total = weight_ir + weight_vis + EPSILON * torch.exp(-largest)
    return weight_ir / total * ir + weight_vis / total * vis


class NestFuse(nn.Module):
    """Encode each image, fuse each scale, decode; at least 16 x 16 pixels.

    Args:
        pooling: one of ``POOLINGS``.
    """

    def __init__(self, pooling: str) -> None:
        super().__init__()
        self.auto, self.pooling = AutoEncoder(), pooling

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """(B, 1, H, W) each, 0..255; the result is not negative and without a fixed range."""
        return self.auto.decode([self._fuse(*scale.chunk(2)) for scale in self.auto.encode(torch.cat([ir, vis]))])

    def _fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Features of one scale."""
        return (by_channel(ir, vis, self.pooling) + by_place(ir, vis)) / 2
