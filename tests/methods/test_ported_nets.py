"""Pieces of the ported networks against plain oracles: what a reader of a port would doubt first."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.interpolate import RegularGridInterpolator
from torch import Tensor
from torch.nn import functional

from bench.fusion.harness import Fuser
from bench.plugin.kinds import METHODS
from methods._nets.gifnet import BAND, Block, GIFNet
from methods._nets.lut_fuse import SIZE, LUTFuse
from methods._nets.mufusion import PATCH, MUFusion, PatchConv, corners
from methods._nets.rows import RowLayers
from methods._nets.ship import Difference, LUMatrix, Spatial


def seeded(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


# ------------------------------------------------------------------ rows of memory (DATFuse, YDTR, ITFuse)


def test_rows_follow_the_order_of_values_not_of_memory() -> None:
    torch.manual_seed(0)
    layers = RowLayers(16, depth=2).eval()
    x = seeded(2, 16, 5, 7)
    wanted = torch.stack(
        [torch.cat([layers[1](layers[0](row[None])) for row in sample.reshape(-1, 16)]) for sample in x]
    )
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.testing.assert_close(layers(x.contiguous(memory_format=layout)), wanted.reshape(x.shape))


def test_a_row_is_no_pixel() -> None:
    torch.manual_seed(0)
    layers = RowLayers(16, depth=1).eval()
    x = seeded(1, 16, 6, 6)
    by_pixel = layers[0](x.permute(0, 2, 3, 1).reshape(-1, 16)).reshape(1, 6, 6, 16).permute(0, 3, 1, 2)
    assert float((layers(x) - by_pixel).detach().abs().max()) > 0.01


@pytest.mark.parametrize(("name", "rounding"), [("datfuse", "wrap"), ("ydtr", "wrap"), ("itfuse", "truncate")])
def test_negative_outputs_are_written_as_the_authors_write_them(name: str, rounding: str) -> None:
    cls = METHODS.get(name)
    assert (cls.published.rounding, cls.whole, cls.layout) == (rounding, True, "contiguous")


@pytest.mark.parametrize("name", ["datfuse", "ydtr", "itfuse", "gifnet", "ship", "lut_fuse", "mmdrfuse"])
def test_odd_sizes_come_back_whole(name: str) -> None:
    rng = np.random.default_rng(0)
    ir, vis = rng.integers(0, 256, (97, 131), np.uint8), rng.integers(0, 256, (97, 131, 3), np.uint8)
    assert Fuser(METHODS.get(name)()).fuse_pair(ir, vis).shape == (97, 131, 3)


# ------------------------------------------------------------------ LUT-Fuse


def test_the_table_is_read_linearly_in_four_dimensions() -> None:
    net = LUTFuse().double()
    coordinates = [x[None, None] for x in seeded(4, 9, 11, dtype=torch.float64)]
    coordinates[0][..., 0, :2] = torch.tensor([0.0, 1.0])  # 1 lies beyond the last entry but one: 15.94
    axis = np.arange(SIZE + 1)
    table = np.pad(net.table.detach().numpy().reshape((SIZE,) * 4), (0, 1), mode="edge")
    places = np.stack([x.numpy().ravel() * 255 / SIZE for x in coordinates], axis=1)
    wanted = RegularGridInterpolator((axis,) * 4, table)(places).reshape(9, 11)
    np.testing.assert_allclose(net.look_up(coordinates)[0, 0].detach().numpy(), wanted, atol=1e-12)


# ------------------------------------------------------------------ MUFusion


@pytest.mark.parametrize("size", [(128, 128), (128, 252), (131, 260), (376, 300)])
def test_patches_lie_as_the_authors_cut_them(size: tuple[int, int]) -> None:
    """The grid, then edge patches for every row and column of it even where they repeat, and the corner."""
    height, width = size
    tops, lefts = (np.arange(0, length - 127, 124) for length in size)
    seen = corners(height, width)
    assert seen[: len(tops) * len(lefts)] == [(top, left) for top in tops for left in lefts]
    assert len(seen) == (len(tops) + 1) * (len(lefts) + 1)
    assert seen[-1] == (height - PATCH, width - PATCH)
    cover = np.zeros(size, int)
    for top, left in seen:
        cover[top : top + PATCH, left : left + PATCH] += 1
    assert cover.min() >= 1
    if size == (128, 252):  # the last column of the grid lies at the edge: its patches count twice
        assert (cover[0, 0], cover[0, 125], cover[0, -1]) == (2, 6, 4)


def test_overlapping_patches_are_averaged() -> None:
    torch.manual_seed(0)
    net = MUFusion().eval()
    ir, vis = seeded(2, 1, 1, 130, 128).unbind()
    both = torch.cat([ir, vis], dim=1)
    with torch.inference_mode():
        upper, lower = net.patch(both[..., :128, :]), net.patch(both[..., 2:, :])
        fused = net(ir, vis)
    torch.testing.assert_close(fused[..., :2, :], upper[..., :2, :])
    torch.testing.assert_close(fused[..., 2:128, :], (upper[..., 2:, :] + lower[..., :126, :]) / 2)
    torch.testing.assert_close(fused[..., 128:, :], lower[..., 126:, :])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nine_products_are_a_convolution(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    conv = PatchConv(5, 7, "none").to(dtype).eval()
    x = seeded(2, 5, 9, 12, dtype=dtype)
    wanted = functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="reflect"), conv.weight, conv.bias)
    torch.testing.assert_close(conv(x), wanted)


# ------------------------------------------------------------------ GIFNet


def attention_oracle(block: Block, asking: Tensor, normed: Tensor) -> Tensor:
    """Each window by itself, its cells one by one: (H, W, C) maps whose windows are whole."""
    height, width, channels = normed.shape
    query, key, value = block.query(asking), block.key(normed), block.own.value(normed)
    out, bias = torch.zeros_like(normed), block.bias()
    half = channels // 2
    for top, left in itertools.product(range(0, height, 8), range(0, width, 8)):
        place = (slice(top, top + 8), slice(left, left + 8))
        for head, part in enumerate((slice(0, half), slice(half, None))):
            q, k, v = (x[place][..., part].reshape(64, half) for x in (query, key, value))
            out[(*place, part)] = ((q @ k.T / half**0.5 + bias[head]).softmax(1) @ v).reshape(8, 8, half)
    return out


@pytest.mark.parametrize("shift", [0, 4])
def test_attention_in_bands_is_attention_in_windows(shift: int) -> None:
    torch.manual_seed(0)
    block = Block(6, shift).eval()
    asking, normed = seeded(2, 1, BAND + 12, 20, 6).unbind()
    with torch.inference_mode():
        local = block.own.local(block.own.value(normed).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        seen = block.attend(block.own, asking, normed, block.key) - local
        height, width = normed.shape[1:3]
        edges = ((shift, (-height - shift) % 8), (shift, (-width - shift) % 8), (0, 0))
        padded = [torch.from_numpy(np.pad(x[0].numpy(), edges, mode="reflect")) for x in (asking, normed)]
        wanted = attention_oracle(block, *padded)[shift : shift + height, shift : shift + width]
    torch.testing.assert_close(seen[0], wanted)


def test_position_biases_see_the_logarithm_of_offsets() -> None:
    offsets = Block(6, 0).bias.get_buffer("offsets")
    assert offsets.shape == (64, 64, 2)
    # query in row 1, column 3; key in row 6, column 2
    torch.testing.assert_close(offsets[1 * 8 + 3, 6 * 8 + 2], torch.tensor([-np.log(6.0), np.log(2.0)]).float())


def test_gifnet_takes_each_image_of_a_batch_by_itself() -> None:
    torch.manual_seed(0)
    net = GIFNet().eval()
    ir, vis = seeded(2, 2, 1, 13, 22).unbind()
    with torch.inference_mode():
        apart = torch.cat([net(ir[n : n + 1], vis[n : n + 1]) for n in (0, 1)])
        torch.testing.assert_close(net(ir, vis), apart)


# ------------------------------------------------------------------ SHIP


@pytest.mark.parametrize("channel", [3, 5])
def test_differences_are_one_kernel(channel: int) -> None:
    """The two shapes written out, for one filter; a channel's own filter also passes the input through."""
    torch.manual_seed(0)
    difference = Difference(16)
    torch.nn.init.constant_(difference.share, 0.7)
    share = float(torch.sigmoid(difference.share.detach()))
    wanted = np.zeros((3, 3))
    wanted[1, 1] = channel == 3
    for weights, places, part in (
        (difference.axes, [(0, 1), (1, 0), (1, 1), (1, 2), (2, 1)], share),
        (difference.diagonals, [(0, 0), (0, 2), (1, 1), (2, 0), (2, 2)], 1 - share),
    ):
        five = weights[3, channel].detach().numpy()
        for number, place in enumerate(places):
            wanted[place] += part * (five[number] - 0.8 * five.sum() * (number == 2))
    np.testing.assert_allclose(difference.kernel()[3, channel].detach().numpy(), wanted, atol=1e-6)


def test_the_first_product_is_a_circular_convolution() -> None:
    """Over the image and per channel, without conjugation: a shifted impulse shifts the other map around."""
    torch.manual_seed(0)
    spatial = Spatial().eval()
    seen: list[Tensor] = []
    spatial.norms[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    vis, ir = seeded(1, 16, 5, 7), torch.zeros(1, 16, 5, 7)
    ir[..., 2, 3] = 1
    spatial(vis, ir)
    torch.testing.assert_close(seen[0], vis.roll((2, 3), dims=(2, 3)), atol=1e-5, rtol=0)


def test_the_mix_of_channels_is_a_product_of_triangles() -> None:
    torch.manual_seed(0)
    mix = LUMatrix(4)
    torch.nn.init.normal_(mix.logarithms)
    mix.get_buffer("signs").copy_(torch.tensor([1.0, -1, 1, -1]))
    mix.get_buffer("permutation").copy_(torch.eye(4)[[2, 0, 3, 1]])
    lower, upper = mix.lower.detach().numpy(), mix.upper.detach().numpy()
    diagonal = np.diag([1.0, -1, 1, -1] * np.exp(mix.logarithms.detach().numpy()))
    wanted = np.eye(4)[[2, 0, 3, 1]] @ (np.tril(lower, -1) + np.eye(4)) @ (np.triu(upper, 1) + diagonal)
    np.testing.assert_allclose(mix().detach().numpy(), wanted, atol=1e-5)
