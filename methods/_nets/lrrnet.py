"""LRRNet: low-rank and sparse parts of each image by unrolled soft thresholding (Li et al., 2023)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods._nets.blocks import Conv

WIDTH = 256
BLOCKS = 4


def _conv(channels: int, out_channels: int) -> Conv:
    return Conv(channels, out_channels, activation="none")


def soft(x: Tensor, threshold: Tensor) -> Tensor:
    """Shrinks magnitudes by a threshold per channel, down to zero; one below zero grows them."""
    return torch.sign(x).mul_(x.abs().sub_(threshold).clamp_(min=0))


class Correction(nn.Module):
    """What an image still holds beyond its code, as a change of the code."""

    def __init__(self) -> None:
        super().__init__()
        self.synthesis, self.analysis = _conv(WIDTH, 1), _conv(1, WIDTH)

    def forward(self, code: Tensor, image: Tensor) -> Tensor:
        return self.analysis(image - self.synthesis(code))


class Branch(nn.Module):
    """One image (B, 1, H, W) to its code (B, 256, H, W): low-rank part, then sparse part."""

    def __init__(self) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.rand(1, WIDTH))
        self.momentum = nn.Parameter(torch.rand(1, 1))
        self.first = _conv(1, WIDTH)
        self.blocks = nn.ModuleList(Correction() for _ in range(BLOCKS))

    def forward(self, image: Tensor) -> Tensor:
        threshold = self.threshold.view(1, WIDTH, 1, 1)
        code = soft(self.first(image), threshold)
        for block in self.blocks:
            code = soft(block(code, image).add_(code * self.momentum.view(())), threshold)
        return code


class LRRNet(nn.Module):
    """Two branches and a linear decoder; any size."""

    def __init__(self) -> None:
        super().__init__()
        self.ir, self.vis = Branch(), Branch()
        self.ir_low, self.ir_sparse, self.vis_low, self.vis_sparse = (_conv(WIDTH // 2, 1) for _ in range(4))
        self.low, self.sparse = _conv(2, 1), _conv(2, 1)

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Images (B, 1, H, W), each stretched to [0, 1]; the result is unbounded, about 0 to 1."""
        ir_low, ir_sparse = self._parts(self.ir(ir), self.ir_low, self.ir_sparse)
        vis_low, vis_sparse = self._parts(self.vis(vis), self.vis_low, self.vis_sparse)
        return self.low(torch.cat([ir_low, vis_low], dim=1)) + self.sparse(torch.cat([ir_sparse, vis_sparse], dim=1))

    def _parts(self, code: Tensor, low: Conv, sparse: Conv) -> tuple[Tensor, Tensor]:
        low_code, sparse_code = code.chunk(2, dim=1)
        return low(low_code), sparse(sparse_code)
