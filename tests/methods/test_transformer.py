"""The pieces of transformers, against loops written from their definitions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from methods._nets.swinfusion import SHIFT, WINDOW, Block, shift_mask
from methods._nets.transformer import (
    ChannelAttention,
    PixelNorm,
    attend,
    from_windows,
    relative_index,
    to_windows,
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_windows_come_row_by_row_and_go_back() -> None:
    x = torch.rand(2, 6, 9, 4)
    windows = to_windows(x, 3)
    assert windows.shape == (2 * 6, 9, 4)
    assert torch.equal(windows[6 + 3 + 1], x[1, 3:6, 3:6].reshape(9, 4))
    assert torch.equal(from_windows(windows, 3, 6, 9), x)


def test_the_index_of_positions_is_query_minus_key() -> None:
    index = relative_index(3)
    for query in range(9):
        for key in range(9):
            y, x = query // 3 - key // 3, query % 3 - key % 3
            assert index[query, key] == 5 * (y + 2) + x + 2
    assert sorted(set(index.flatten().tolist())) == list(range(25))


def test_attention_in_windows_is_what_its_formula_says() -> None:
    query, key, value = (torch.rand(2, 4, 6, dtype=torch.float64) for _ in range(3))
    bias = torch.rand(3, 4, 4, dtype=torch.float64)
    seen = attend(query, key, value, 3, bias)
    for window in range(2):
        for head in range(3):
            own = slice(2 * head, 2 * head + 2)
            scores = query[window, :, own] @ key[window, :, own].T / math.sqrt(2) + bias[head]
            torch.testing.assert_close(seen[window, :, own], scores.softmax(1) @ value[window, :, own])


@pytest.mark.parametrize("heads", [1, 2, 6])
def test_attention_over_channels_is_what_its_formula_says(heads: int) -> None:
    layer = ChannelAttention(6, heads).double()
    nn.init.uniform_(layer.scale)
    x = torch.rand(2, 6, 5, 7, dtype=torch.float64)
    query, key, value = layer.spread(layer.qkv(x)).chunk(3, dim=1)
    mixed = torch.empty_like(value)
    for image in range(2):
        for head in range(heads):
            own = slice(head * 6 // heads, (head + 1) * 6 // heads)
            q, k = (y[image, own].flatten(1) / y[image, own].flatten(1).norm(dim=1, keepdim=True) for y in (query, key))
            weights = (q @ k.T * layer.scale[head, 0, 0]).softmax(dim=1)
            mixed[image, own] = (weights @ value[image, own].flatten(1)).reshape(-1, 5, 7)
    torch.testing.assert_close(layer(x), layer.project(mixed))
    torch.testing.assert_close(layer(x.contiguous(memory_format=torch.channels_last)), layer(x))


def test_a_black_map_gives_no_nan() -> None:
    assert torch.isfinite(ChannelAttention(4, 2)(torch.zeros(1, 4, 6, 6))).all()


def test_the_norm_of_a_pixel_sees_its_channels_alone() -> None:
    norm, x = PixelNorm(5), torch.rand(2, 5, 3, 4)
    seen = norm(x)
    for y in range(3):
        torch.testing.assert_close(seen[1, :, y, 2], nn.functional.layer_norm(x[1, :, y, 2], (5,)))


# ------------------------------------------------------------------ shifted windows


def test_only_what_was_together_before_the_roll_sees_each_other() -> None:
    height, width = 16, 24
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    rolled = torch.stack([y, x], dim=-1)[None].roll((-SHIFT, -SHIFT), (1, 2))
    for row in range(height // WINDOW):
        places = to_windows(rolled[:, row * WINDOW : (row + 1) * WINDOW], WINDOW)
        # in the image as it was, two pixels of a moved window are never a window or more apart
        near = ((places[:, :, None] - places[:, None]).abs() < WINDOW).all(dim=-1)
        seen = shift_mask(row, torch.zeros(1, height, width, 1))[:, 0]
        assert torch.equal(seen == 0, near)
        assert set(seen.flatten().tolist()) <= {0.0, -100.0}


@pytest.mark.parametrize("streams", [1, 2])
def test_a_batch_is_its_images_one_by_one(streams: int) -> None:
    block = Block(streams, shifted=True).double()
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.2)
    images: list[Tensor] = [torch.rand(2, 16, 24, 60, dtype=torch.float64) for _ in range(streams)]
    together = block(*images)
    for index in range(2):
        alone = block(*(x[index : index + 1] for x in images))
        for whole, part in zip(together, alone, strict=True):
            torch.testing.assert_close(whole[index : index + 1], part)


def test_cross_attention_takes_queries_of_its_own_image() -> None:
    block = Block(2, shifted=False)
    first, second = torch.rand(1, 8, 8, 60), torch.rand(1, 8, 8, 60)
    nn.init.zeros_(block.streams[0].attention.inputs[1].weight)  # no keys or values of the other image
    nn.init.zeros_(block.streams[0].attention.inputs[1].bias)
    assert torch.equal(block(first, second)[0], block(first, second + 1)[0])
    assert not torch.equal(block(first, second)[1], block(first, second + torch.rand(1, 8, 8, 60))[1])
