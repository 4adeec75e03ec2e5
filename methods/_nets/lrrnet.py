"""LRRNet: low-rank and sparse parts of each image by unrolled soft thresholding (Li et al., 2023).

A code of 256 values a pixel goes through all steps. It is kept as a matrix (pixels, 256): the 3x3 convolutions from and
to a single channel are matrix products with ten and nine columns, and a step passes over the code once, a few pixels at
a time, in place.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import Conv, exporting

WIDTH = 256
BLOCKS = 4
CHUNK = 1024
"""Pixels that are computed together: a megabyte of code stays in the processor's cache."""


def _conv(channels: int, out_channels: int) -> Conv:
    return Conv(channels, out_channels, activation="none")


def _bias(conv: Conv) -> Tensor:
    assert conv.bias is not None  # noqa: S101 - for the type checker
    return conv.bias


def soft(x: Tensor, threshold: Tensor) -> Tensor:
    """Shrinks magnitudes by a threshold per column, down to zero, in place; one below zero makes them grow."""
    reach = threshold.clamp(min=0)
    x -= x.clamp(-reach, reach)
    if exporting() or x.device.type != "cpu":  # looking for the columns would make the host wait, or fix them
        x -= x.sign() * threshold.clamp(max=0)
        return x
    growing = (threshold < 0).nonzero().squeeze(1)
    if len(growing):
        x[:, growing] -= x[:, growing].sign() * threshold[growing]
    return x


def _patches(image: Tensor) -> Tensor:
    """(B, 1, H, W) to the 3x3 surroundings of every pixel, edges mirrored, and a one: (B H W, 10)."""
    padded = functional.pad(image, (1, 1, 1, 1), mode="reflect")
    patches = padded.unfold(2, 3, 1).unfold(3, 3, 1).reshape(-1, 9)
    return functional.pad(patches, (0, 1), value=1.0)


def _gathered(parts: Tensor, size: tuple[int, ...]) -> Tensor:
    """What every pixel gives to each of its surroundings, (B H W, 9), summed where it arrives: (B, 1, H, W)."""
    batch, height, width = size[0], size[-2], size[-1]
    maps = parts.reshape(batch, height, width, 9).permute(0, 3, 1, 2).contiguous()
    maps = functional.pad(maps, (1, 1, 1, 1), mode="reflect")
    shifted = [maps[:, 3 * y + x, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return torch.stack(shifted).sum(0).unsqueeze(1)


class Correction(nn.Module):
    """What an image still holds beyond its code (``synthesis``), as a change of the code (``analysis``)."""

    def __init__(self) -> None:
        super().__init__()
        self.synthesis, self.analysis = _conv(WIDTH, 1), _conv(1, WIDTH)


class Branch(nn.Module):
    """One image (B, 1, H, W) to its decoded low-rank and sparse parts, (B, 1, H, W) each."""

    def __init__(self) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.rand(1, WIDTH))
        self.momentum = nn.Parameter(torch.rand(1, 1))
        self.first = _conv(1, WIDTH)
        self.blocks = nn.ModuleList(Correction() for _ in range(BLOCKS))
        self.low, self.sparse = _conv(WIDTH // 2, 1), _conv(WIDTH // 2, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        # a graph's first step multiplies by zero what the host's product does not read
        code = image.new_zeros(image.numel(), WIDTH) if exporting() else image.new_empty(image.numel(), WIDTH)
        blocks = [block for block in self.blocks if isinstance(block, Correction)]
        low, sparse = (conv.weight.view(WIDTH // 2, 9) for conv in (self.low, self.sparse))
        outward = [*(block.synthesis.weight.view(WIDTH, 9) for block in blocks), torch.block_diag(low, sparse)]
        parts = self._step(code, image, self.first, 0.0, outward[0])
        # a number for the host's product; elsewhere it stays where it is, since reading it would make the host wait
        momentum = self.momentum if exporting() or image.device.type != "cpu" else float(self.momentum)
        for block, matrix in zip(blocks, outward[1:], strict=True):
            rest = image - _gathered(parts, image.shape) - _bias(block.synthesis)
            parts = self._step(code, rest, block.analysis, momentum, matrix)
        low_part, sparse_part = (_gathered(columns, image.shape) for columns in parts.split(9, dim=1))
        return low_part + _bias(self.low), sparse_part + _bias(self.sparse)

    def _step(self, code: Tensor, seen: Tensor, analysis: Conv, momentum: float | Tensor, outward: Tensor) -> Tensor:
        """Changes the code by what is seen, in place, and gives ``code @ outward``."""
        patches = _patches(seen)
        kernel = torch.cat([analysis.weight.view(WIDTH, 9).T, _bias(analysis).view(1, WIDTH)])
        threshold = self.threshold.view(WIDTH)
        if exporting():  # a graph may not hold as many parts as the example has
            code.copy_(torch.addmm(momentum * code, patches, kernel))
            return torch.mm(soft(code, threshold), outward)
        parts = code.new_empty(len(code), outward.shape[1])
        for start in range(0, len(code), CHUNK):
            rows = slice(start, start + CHUNK)
            if isinstance(momentum, Tensor):
                torch.addmm(momentum * code[rows], patches[rows], kernel, out=code[rows])
            else:
                torch.addmm(code[rows], patches[rows], kernel, beta=momentum, out=code[rows])
            torch.mm(soft(code[rows], threshold), outward, out=parts[rows])
        return parts


class LRRNet(nn.Module):
    """Two branches and a linear decoder; sides of at least 2 pixels. For inference: its steps work in place."""

    def __init__(self) -> None:
        super().__init__()
        self.ir, self.vis = Branch(), Branch()
        self.low, self.sparse = _conv(2, 1), _conv(2, 1)

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Images (B, 1, H, W), each stretched to [0, 1]; the result is unbounded, about 0 to 1."""
        ir_low, ir_sparse = self.ir(ir)
        vis_low, vis_sparse = self.vis(vis)
        return self.low(torch.cat([ir_low, vis_low], dim=1)) + self.sparse(torch.cat([ir_sparse, vis_sparse], dim=1))


RENAMED = (
    (".conv2d.", "."), ("get_ls1.", "ir."), ("get_ls2.", "vis."), (".lamj", ".threshold"), (".lamz", ".momentum"),
    (".conv_W00.", ".first."), *((f".lrrblock{block}.", f".blocks.{block}.") for block in range(BLOCKS)),
    (".conv_Wdz.", ".synthesis."), (".conv_Wdtz.", ".analysis."), ("decoder.conv_ReZx.", "ir.low."),
    ("decoder.conv_ReUx.", "ir.sparse."), ("decoder.conv_ReZy.", "vis.low."), ("decoder.conv_ReUy.", "vis.sparse."),
    ("decoder.conv_ReL.", "low."), ("decoder.conv_ReH.", "sparse."),
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""
