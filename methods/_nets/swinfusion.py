"""SwinFusion: self and cross attention in shifted windows (Ma et al., 2022)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from methods._nets.blocks import Conv
from methods._nets.transformer import Mlp, attend, from_windows, relative_index, to_windows

WIDTH, HEADS, WINDOW = 60, 6, 8
SHIFT = WINDOW // 2
FORBIDDEN = -100.0
"""Added to the score of two tokens that only the roll of the image brought together."""


class Attention(nn.Module):
    """Position biases and output projection of attention in windows, with the projections of its inputs.

    Args:
        cross: queries come from another image than keys and values, so that they are projected apart.
    """

    index: Tensor

    def __init__(self, cross: bool) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, HEADS))
        self.register_buffer("index", relative_index(WINDOW), persistent=False)
        self.inputs = nn.ModuleList(nn.Linear(WIDTH, part * WIDTH) for part in ((1, 2) if cross else (3,)))
        self.project = nn.Linear(WIDTH, WIDTH)

    def forward(self, own: Tensor, other: Tensor, mask: Tensor | None) -> Tensor:
        """Windows (N, 64, 60) to windows; queries are of ``own``, keys and values of ``other``."""
        projected = [layer(x) for layer, x in zip(self.inputs, (own, other), strict=False)]
        query, key, value = torch.cat(projected, dim=-1).chunk(3, dim=-1)
        bias = self.table[self.index].permute(2, 0, 1)
        return self.project(attend(query, key, value, HEADS, bias if mask is None else bias + mask))


class Stream(nn.Module):
    """Norms, attention and MLP of one image in a block."""

    def __init__(self, cross: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention, self.mlp = Attention(cross), Mlp(WIDTH, 2 * WIDTH)

    def feed(self, x: Tensor) -> Tensor:
        """(B, H, W, 60) and what the MLP adds to it."""
        return x + self.mlp(self.norm2(x))


def shift_mask(row: int, rolled: Tensor) -> Tensor:
    """What is added to the scores in one row of windows of a rolled image.

    Tokens are labelled by the part of the rolled image, in rows and in columns, that they come from; only those with
    both labels equal may see each other.

    Args:
        row: of windows, from the top.
        rolled: (B, H, W, C).

    Returns:
        (B * windows, 1, 64, 64).
    """
    batch, height, width, _ = rolled.shape
    y, x = (
        (side >= length - WINDOW).int() + (side >= length - SHIFT).int()
        for side, length in (
            (torch.arange(row * WINDOW, (row + 1) * WINDOW, device=rolled.device), height),
            (torch.arange(width, device=rolled.device), width),
        )
    )
    labels = to_windows((3 * y[:, None] + x).expand(batch, -1, -1)[..., None], WINDOW)
    return ((labels != labels.transpose(1, 2)).to(rolled.dtype) * FORBIDDEN)[:, None]


class Block(nn.Module):
    """A transformer block on one image, or on two that look at each other.

    Args:
        streams: one for self attention; two for cross attention, where keys and values come from the other image.
        shifted: windows are moved by half their size.
    """

    def __init__(self, streams: int, shifted: bool) -> None:
        super().__init__()
        self.streams = nn.ModuleList(Stream(cross=streams == 2) for _ in range(streams))
        self.shift = SHIFT if shifted else 0

    def forward(self, *images: Tensor) -> tuple[Tensor, ...]:
        """Images (B, H, W, 60), sides multiples of 8, in the order of the streams."""
        streams = [cast(Stream, stream) for stream in self.streams]
        attended = self._attend(streams, images)
        return tuple(
            stream.feed(x + attended.pop(0).roll((self.shift, self.shift), (1, 2)))
            for stream, x in zip(streams, images, strict=True)
        )

    def _attend(self, streams: list[Stream], images: tuple[Tensor, ...]) -> list[Tensor]:
        """What attention finds for each image, still rolled."""
        back = (-self.shift, -self.shift)
        normal = [stream.norm1(x).roll(back, (1, 2)) for stream, x in zip(streams, images, strict=True)]
        attended = [torch.empty_like(x) for x in normal]
        # one row of windows at a time: all at once, their scores would fill the memory
        for top in range(0, images[0].shape[1], WINDOW):
            mask = shift_mask(top // WINDOW, normal[0]) if self.shift else None
            windows = [to_windows(x[:, top : top + WINDOW], WINDOW) for x in normal]
            for stream, result, own, other in zip(streams, attended, windows, reversed(windows), strict=True):
                part = stream.attention(own, other, mask)
                result[:, top : top + WINDOW] = from_windows(part, WINDOW, WINDOW, result.shape[2])
        return attended


def blocks(count: int, streams: int = 1) -> nn.ModuleList:
    """Blocks whose windows are moved in every second one."""
    return nn.ModuleList(Block(streams, shifted=index % 2 == 1) for index in range(count))


def through(layers: nn.ModuleList, *images: Tensor) -> tuple[Tensor, ...]:
    """Images (B, H, W, 60) through blocks, one after the other."""
    for layer in layers:
        images = layer(*images)
    return images


class FusionStage(nn.Module):
    """Self attention in each image, then cross attention between them."""

    def __init__(self) -> None:
        super().__init__()
        self.ir, self.vis, self.cross = blocks(2), blocks(2), blocks(2, streams=2)

    def forward(self, ir: Tensor, vis: Tensor) -> tuple[Tensor, ...]:
        (ir,), (vis,) = through(self.ir, ir), through(self.vis, vis)
        return through(self.cross, ir, vis)


def to_last(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H, W, C)."""
    return x.permute(0, 2, 3, 1)


def to_first(x: Tensor) -> Tensor:
    """(B, H, W, C) -> (B, C, H, W)."""
    return x.permute(0, 3, 1, 2)


def convolution(channels: int, out_channels: int) -> Conv:
    """3x3 with zeros at the borders and a leaky ReLU."""
    return Conv(channels, out_channels, activation="leaky", padding_mode="zeros")


class SwinFusion(nn.Module):
    """Extraction in each image, two stages of fusion, reconstruction; no connection around the groups of blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(convolution(1, WIDTH // 2), convolution(WIDTH // 2, WIDTH))
        self.norm = nn.LayerNorm(WIDTH)
        self.extract_ir, self.extract_vis = blocks(4), blocks(4)
        self.norm_extract_ir, self.norm_extract_vis = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.stages = nn.ModuleList([FusionStage(), FusionStage()])
        self.norm_fusion_ir, self.norm_fusion_vis = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.join = convolution(2 * WIDTH, WIDTH)
        self.reconstruct, self.norm_reconstruct = blocks(4), nn.LayerNorm(WIDTH)
        self.last = nn.Sequential(
            convolution(WIDTH, WIDTH // 2),
            convolution(WIDTH // 2, WIDTH // 4),
            Conv(WIDTH // 4, 1, activation="none", padding_mode="zeros"),
        )

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """(B, 1, H, W) each, 0..1, sides multiples of 8; the result is near that range, not clipped."""
        (ir,) = through(self.extract_ir, self.norm(to_last(self.first(ir))))
        (vis,) = through(self.extract_vis, self.norm(to_last(self.first(vis))))
        # the authors use the first norm again before the fusion and before the reconstruction
        ir, vis = self.norm(self.norm_extract_ir(ir)), self.norm(self.norm_extract_vis(vis))
        for stage in self.stages:
            ir, vis = stage(ir, vis)
        both = torch.cat([self.norm_fusion_ir(ir), self.norm_fusion_vis(vis)], dim=-1)
        (x,) = through(self.reconstruct, self.norm(to_last(self.join(to_first(both)))))
        return self.last(to_first(self.norm_reconstruct(x)))
