"""ReCoNet's fusion network: one repeated step that attends to each image beside the result (Huang et al., 2022)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods._nets.blocks import ConvNorm

ITERATIONS = 3
DILATIONS = (1, 2, 3)


class ReCoNet(nn.Module):
    """The released fusion network ("v0") with its weights shared by all iterations; any size.

    The registration network of the paper is not part of it: its published weights were trained on digits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ir_attention, self.vis_attention = (nn.Conv2d(2, 1, 3, padding=1, bias=False) for _ in range(2))
        self.branches = nn.ModuleList(ConvNorm(3, 64, dilation=dilation) for dilation in DILATIONS)
        self.last = ConvNorm(192, 1, activation=nn.Tanh())

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Images (B, 1, H, W) in [0, 1]; the result is within (-1, 1), and at night often below 0."""
        fused = torch.maximum(ir, vis)
        for _ in range(ITERATIONS):
            ir_seen, vis_seen = _attend(self.ir_attention, ir, fused), _attend(self.vis_attention, vis, fused)
            seen = torch.cat([ir_seen, fused, vis_seen], dim=1)
            fused = self.last(torch.cat([branch(seen) for branch in self.branches], dim=1))
        return fused


def _attend(attention: nn.Conv2d, image: Tensor, fused: Tensor) -> Tensor:
    return image * torch.sigmoid(attention(torch.cat([torch.maximum(image, fused), (image + fused) / 2], dim=1)))
