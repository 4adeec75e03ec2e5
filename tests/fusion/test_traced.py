"""Styles as tensor operations: the same numbers as the harness, for every word that an adapter may use."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.colour import EIGHT_BIT_MERGES, READERS
from bench.fusion import style, traced_style
from bench.fusion.harness import _pad
from bench.fusion.traced import _padded
from bench.plugin.method import ImageStyle, Merge, Padding, Rounding

STYLE = ImageStyle()
FLOAT_READERS = ("luma", "luma_video", "luma_scipy")


def colours() -> np.ndarray:
    """Random colours, every grey, and the corners of the cube."""
    image = np.random.default_rng(0).integers(0, 256, (256, 130, 3), dtype=np.uint8)
    image[:, 0] = np.arange(256)[:, None]
    image[:8, 1] = 255 * ((np.arange(8)[:, None] >> np.arange(3)) & 1)
    return image


def planes(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None].float()


@pytest.mark.parametrize("word", READERS)
def test_every_reader_gives_the_harness_luma(word: str) -> None:
    image = colours()
    seen = traced_style.READERS[word](planes(image))[0, 0].numpy()
    wanted = READERS[word](image).astype(np.float64)
    tolerance = 1e-4 if word in FLOAT_READERS else 0.0
    assert np.abs(seen - wanted).max() <= tolerance


@pytest.mark.parametrize("word", READERS)
def test_infrared_of_one_channel_is_read_alike(word: str) -> None:
    own = replace(STYLE, ir_reader=word)
    image = np.arange(256, dtype=np.uint8).reshape(8, 32)
    seen = traced_style.read_ir(own, torch.from_numpy(image).float()[None, None])[0, 0].numpy()
    assert np.abs(seen - style.read_ir(own, image)).max() <= 1e-4


@pytest.mark.parametrize("word", sorted(EIGHT_BIT_MERGES.keys() & traced_style.EIGHT_BIT_MERGES.keys()))
def test_merges_in_eight_bits_are_exact(word: str) -> None:
    image = colours()
    luma = np.random.default_rng(1).integers(0, 256, image.shape[:2], dtype=np.uint8)
    seen = traced_style.EIGHT_BIT_MERGES[word](planes(image), torch.from_numpy(luma).float()[None, None])
    assert np.array_equal(seen[0].permute(1, 2, 0).numpy().astype(np.uint8), EIGHT_BIT_MERGES[word](image, luma))


@pytest.mark.parametrize("stretch", ["none", "min_max"])
@pytest.mark.parametrize("merge", [word for word in get_args(Merge) if word != "cv2_hsv"])
def test_every_merge_and_stretch_is_within_a_level(merge: str, stretch: str) -> None:
    own = replace(STYLE, merge=merge, stretch=stretch)
    image = colours()
    values = np.random.default_rng(2).uniform(0.05, 0.9, image.shape[:2]).astype(np.float32)
    seen = traced_style.merged(own, planes(image), torch.from_numpy(values)[None, None])[0].permute(1, 2, 0).numpy()
    off = np.abs(seen - style.merged(own, image, values).astype(np.float64))
    assert off.max() <= 1
    assert (off > 0).mean() < 2e-3


@pytest.mark.parametrize("rounding", get_args(Rounding))
def test_roundings_treat_halves_and_what_leaves_the_range_alike(rounding: str) -> None:
    own = replace(STYLE, rounding=rounding, arithmetic="single")
    values = (np.arange(-700, 1700, dtype=np.float32) / 2 / 255)[None]
    seen = traced_style._rounded(own, torch.from_numpy(values * np.float32(255)))
    assert np.array_equal(seen.numpy().astype(np.uint8), style.written_luma(own, values))


def test_a_flat_image_is_stretched_to_black() -> None:
    own = replace(STYLE, stretch="min_max")
    flat = torch.full((1, 1, 3, 4), 0.5)
    assert np.array_equal(traced_style.written_luma(own, flat)[0, 0].numpy(), np.zeros((3, 4)))
    assert not style.written_luma(own, flat[0, 0].numpy()).any()


@pytest.mark.parametrize("size", [(8, 16), (9, 15), (3, 23), (1, 9)])
@pytest.mark.parametrize("rule", [
    Padding(8), Padding(8, always=True), Padding(8, mode="symmetric", always=True), Padding(1),
    Padding(8, mode="edge", side="both"), Padding(8, mode="zero", side="both"),
])  # fmt: skip
def test_padding_is_the_harness_own(rule: Padding, size: tuple[int, int]) -> None:
    image = torch.arange(float(size[0] * size[1])).reshape(1, 1, *size)
    wanted, (top, left) = _pad(image, rule)
    seen, *before = _padded(image, rule)
    assert torch.equal(seen, wanted)
    assert before == [top, left]
