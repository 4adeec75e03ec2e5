"""Colour, padding, batching, stretch and rounding around a method."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bench import colour, images
from bench.errors import BenchError
from bench.fusion.harness import Fuser
from bench.plugin.method import ImageStyle, Method, MethodInfo

RNG = np.random.default_rng(0)
INFO = MethodInfo("Made", 2026, "doi:10.0000/made", "MIT", kind="classical")


class VisOnly(Method):
    name = "visonly"
    info = INFO

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        return vis.clone()


class Padded(VisOnly):
    multiple = 16
    seen: tuple[int, ...] = ()

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        self.seen = tuple(vis.shape)
        return vis.clone()


def images_of(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    return RNG.integers(0, 256, (height, width), np.uint8), RNG.integers(0, 256, (height, width, 3), np.uint8)


def test_passing_the_visible_luma_through_gives_the_visible_image_back() -> None:
    ir, vis = images_of(37, 53)
    assert np.array_equal(Fuser(VisOnly()).fuse_pair(ir, vis), vis)


def test_grey_stored_in_any_way_gives_the_same_plain_image() -> None:
    ir, _ = images_of(20, 30)
    grey = RNG.integers(0, 256, (20, 30), np.uint8)
    results = [
        Fuser(VisOnly(), way="plain").fuse_pair(a, b)
        for a in (ir, images.as_rgb(ir))
        for b in (grey, images.as_rgb(grey))
    ]
    assert all(np.array_equal(result, images.as_rgb(grey)) for result in results)


def test_odd_sizes_come_back_whole_and_padded_within() -> None:
    ir, vis = images_of(21, 35)
    method = Padded()
    fused = Fuser(method).fuse_pair(ir, vis)
    assert method.seen == (1, 1, 32, 48)
    assert np.array_equal(fused, vis)


def test_an_image_smaller_than_its_padding_is_fused() -> None:
    ir, vis = images_of(3, 5)
    assert np.array_equal(Fuser(Padded()).fuse_pair(ir, vis), vis)


def test_pairs_of_mixed_sizes_keep_their_order() -> None:
    pairs = [images_of(8, 8), images_of(9, 8), images_of(8, 8)]
    for (_, vis), fused in zip(pairs, Fuser(VisOnly()).fuse_batch(pairs), strict=True):
        assert np.array_equal(fused, vis)


def test_stretch_spans_all_levels_and_truncation_keeps_white() -> None:
    class Stretched(VisOnly):
        published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", stretch="min_max", rounding="truncate")

    grey = RNG.integers(40, 60, (16, 16), np.uint8)
    fused = Fuser(Stretched()).fuse_pair(grey, grey)
    assert (fused.min(), fused.max()) == (0, 255)
    assert np.array_equal(Fuser(Stretched(), way="plain").fuse_pair(grey, grey), images.as_rgb(grey))


def test_a_constant_output_is_stretched_to_black_not_to_nan() -> None:
    class Flat(VisOnly):
        published = ImageStyle(stretch="min_max")

    grey = np.full((8, 8), 77, np.uint8)
    assert not Fuser(Flat()).fuse_pair(grey, grey).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda vis: vis * torch.nan, "NaN or infinity"),
        (lambda vis: vis * 255.0, "wanted 0 to 1"),
        (lambda vis: vis[..., 1:, :], "has shape"),
        (lambda vis: vis.numpy(), "has shape ndarray"),
    ],
)
def test_an_output_that_is_no_image_is_named(change: object, message: str) -> None:
    class Broken(VisOnly):
        def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
            return change(vis)  # type: ignore[operator]

    ir, vis = images_of(12, 12)
    with pytest.raises(BenchError, match=message):
        Fuser(Broken()).fuse_pair(ir, vis)


@pytest.mark.parametrize(
    ("ir", "vis", "message"),
    [
        (np.zeros((4, 4)), np.zeros((4, 4), np.uint8), "float64, wanted a uint8 array"),
        (np.zeros((4, 5), np.uint8), np.zeros((4, 4), np.uint8), "wanted equal sizes"),
        (np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.uint8), "has shape"),
        (np.zeros((0, 4), np.uint8), np.zeros((0, 4), np.uint8), "has shape"),
        ("ir.png", np.zeros((4, 4), np.uint8), "str, wanted a uint8 array"),
    ],
)
def test_wrong_input_is_named(ir: object, vis: object, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        Fuser(VisOnly()).fuse_pair(ir, vis)  # type: ignore[arg-type]


def test_scipy_luma_loses_a_level_at_22_greys_of_rgb_files_only() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None]
    lost = np.flatnonzero(colour.luma_scipy(images.as_rgb(ramp))[0] != ramp[0])
    assert lost.tolist() == [
        11,
        18,
        25,
        32,
        55,
        62,
        69,
        76,
        99,
        106,
        113,
        136,
        143,
        150,
        157,
        180,
        187,
        194,
        201,
        224,
        231,
        238,
    ]
    assert np.array_equal(colour.luma_scipy(ramp), ramp)
