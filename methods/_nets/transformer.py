"""Pieces of transformers that several networks share: norms, windows, attention in windows and over channels."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

SMALLEST_NORM = 1e-12
"""Vectors are divided by their length, but never by less."""

CHANNEL_BLOCK_NAMES = (
    (".body.", "."), ("attn.temperature", "attention.scale"), ("attn.scale", "attention.scale"),
    ("attn.qkv_dwconv.", "attention.spread."), ("attn.qkv2.", "attention.spread."), ("attn.qkv1.", "attention.qkv."),
    ("attn.qkv.", "attention.qkv."), ("attn.project_out.", "attention.project."), ("attn.proj.", "attention.project."),
    (".ffn.", ".feed."), (".mlp.", ".feed."), (".project_in.", ".expand."), (".dwconv.", ".spread."),
    (".project_out.", ".project."),
)  # fmt: skip
"""Names in a ``ChannelBlock`` in the files of its users' authors -> ours, applied in this order."""


class PixelNorm(nn.LayerNorm):
    """Layer norm over the channels of each pixel of (B, C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Mlp(nn.Sequential):
    """Two linear layers with an exact GELU between them, on (..., width)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


def to_windows(x: Tensor, size: int) -> Tensor:
    """(B, H, W, C) -> (windows, size * size, C): windows of an image row by row, pixels of a window row by row."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // size, size, width // size, size, channels)
    return x.transpose(2, 3).reshape(-1, size * size, channels)


def from_windows(windows: Tensor, size: int, height: int, width: int) -> Tensor:
    """Undoes ``to_windows`` for images of this height and width."""
    x = windows.reshape(-1, height // size, width // size, size, size, windows.shape[-1])
    return x.transpose(2, 3).reshape(-1, height, width, windows.shape[-1])


def relative_index(size: int) -> Tensor:
    """Row of the table of position biases for each (query, key) of a window, int64 (size^2, size^2).

    The row is (2 size - 1) (y_query - y_key + size - 1) + (x_query - x_key + size - 1).
    """
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    y, x = y.flatten(), x.flatten()
    return (2 * size - 1) * (y[:, None] - y[None] + size - 1) + x[:, None] - x[None] + size - 1


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int, bias: Tensor | None = None) -> Tensor:
    """Softmax attention within windows; heads are consecutive channels, scores are divided by sqrt(channels of a head).

    Args:
        query: (windows, tokens, C).
        key: as ``query``.
        value: as ``query``.
        heads: C is a multiple of it.
        bias: added to the scores, (heads, tokens, tokens) or (windows, heads, tokens, tokens).

    Returns:
        (windows, tokens, C), the heads side by side again.
    """
    query, key, value = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    # PyTorch's own attention takes longer for windows this small
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(2, 3)
    if bias is not None:
        scores = scores + bias
    return (scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)


def _length(x: Tensor) -> Tensor:
    """L2 norm of each channel of (B, H, W, C); row by row, because float32 adds up a whole image too coarsely."""
    return torch.linalg.vector_norm(torch.linalg.vector_norm(x, dim=2), dim=1)


class ChannelAttention(nn.Module):
    """Attention of channels to channels over all positions (Zamir et al., Restormer, 2022); no bias anywhere.

    Queries and keys have unit length over the image, so a value depends on the whole of it.

    Args:
        width: channels.
        heads: groups of consecutive channels that attend to each other.
        groups: of the 3x3 convolution on queries, keys and values; ``3 * width`` makes it depthwise.
    """

    def __init__(self, width: int, heads: int, groups: int = 1) -> None:
        super().__init__()
        self.heads = heads
        self.scale = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(width, 3 * width, 1, bias=False)
        self.spread = nn.Conv2d(3 * width, 3 * width, 3, padding=1, groups=groups, bias=False)
        self.project = nn.Conv2d(width, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        query, key, value = self.spread(self.qkv(x)).permute(0, 2, 3, 1).chunk(3, dim=-1)
        # one small matrix stands for attention and projection: no map is normalised or mixed twice
        mixed = self.project.weight[:, :, 0, 0] @ self._weights(query, key)
        return (value.flatten(1, 2) @ mixed.transpose(1, 2)).unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)

    def _weights(self, query: Tensor, key: Tensor) -> Tensor:
        """Softmax weights (B, C, C), zero between heads, of maps (B, H, W, C)."""
        lengths = [_length(x).clamp_min(SMALLEST_NORM) for x in (query, key)]
        products = query.flatten(1, 2).transpose(1, 2) @ key.flatten(1, 2)
        cosines = products / (lengths[0][:, :, None] * lengths[1][:, None])
        batch, width, _ = cosines.shape
        by_head = (batch, self.heads, width // self.heads, self.heads, width // self.heads)
        own = cosines.reshape(by_head).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)
        weights = torch.zeros_like(cosines).reshape(by_head)
        weights.diagonal(dim1=1, dim2=3).copy_((own * self.scale).softmax(dim=-1).permute(0, 2, 3, 1))
        return weights.reshape(cosines.shape)


class GatedFeed(nn.Module):
    """1x1 to twice the hidden width, 3x3 in groups, gelu(first half) * second half, 1x1 back; no bias.

    Args:
        width: channels.
        hidden: channels of each half.
        groups: of the 3x3 convolution, an even number.
        padding_mode: of the 3x3 convolution.
    """

    def __init__(
        self, width: int, hidden: int, groups: int, padding_mode: Literal["zeros", "reflect"] = "zeros"
    ) -> None:
        super().__init__()
        self.expand = nn.Conv2d(width, 2 * hidden, 1, bias=False)
        self.spread = nn.Conv2d(
            2 * hidden, 2 * hidden, 3, padding=1, groups=groups, bias=False, padding_mode=padding_mode
        )
        self.project = nn.Conv2d(hidden, width, 1, bias=False)
        self.groups = groups // 2

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        gate = functional.gelu(self._half(x, 0))
        return self.project(gate * self._half(x, 1))

    def _half(self, x: Tensor, half: int) -> Tensor:
        """Gate (0) or content (1): one after the other, because both with what they come from fill a gigabyte."""
        expand, spread = (layer.weight.chunk(2)[half] for layer in (self.expand, self.spread))
        x = functional.conv2d(x, expand)
        if self.spread.padding_mode == "reflect":
            return functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="reflect"), spread, groups=self.groups)
        return functional.conv2d(x, spread, padding=1, groups=self.groups)


class ChannelBlock(nn.Module):
    """A transformer block over channels: norm and attention, norm and gated feed-forward, each added to its input."""

    def __init__(self, width: int, attention: ChannelAttention, feed: GatedFeed) -> None:
        super().__init__()
        self.norm1, self.norm2 = PixelNorm(width), PixelNorm(width)
        self.attention, self.feed = attention, feed

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        x = x + self.attention(self.norm1(x))
        return x + self.feed(self.norm2(x))
