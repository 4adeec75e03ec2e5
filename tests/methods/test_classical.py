"""References and simple classical methods: exact where they are simple, and what fusion is for where they are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.plugin.kinds import METHODS
from methods import create
from methods._classical.guided import Window, guided_filter
from methods._classical.planes import per_plane, stronger
from methods._classical.pyramid import enlarge, gaussian_pyramid, predicted

Image = NDArray[np.uint8]
SIMPLE = ("average", "maximum", "laplacian_pyramid", "ratio_pyramid", "wavelet")
MULTISCALE = ("laplacian_pyramid", "ratio_pyramid", "wavelet")


def fuse(name: str, ir: Image, vis: Image) -> Image:
    return create(name).fuse_pair(ir, vis)


def noise(seed: int, *shape: int) -> Image:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def grey_rgb(image: Image) -> Image:
    return image[..., None].repeat(3, axis=-1)


def test_references_pass_every_level_and_colour_through() -> None:
    vis = noise(0, 64, 48, 3)
    ir = np.arange(64 * 48, dtype=np.uint64).reshape(64, 48).astype(np.uint8)
    assert np.array_equal(fuse("visible", ir, vis), vis)
    assert np.array_equal(fuse("infrared", ir, vis), grey_rgb(ir))
    assert np.array_equal(fuse("infrared", vis, vis[::-1].copy()), vis)  # stored as RGB, kept as stored


def test_average_and_maximum_are_what_they_are_called() -> None:
    ir, vis = noise(1, 40, 30), noise(2, 40, 30)
    mean = (ir.astype(float) + vis) / 2
    assert np.abs(fuse("average", ir, vis)[..., 0] - mean).max() <= 0.5  # halves go either way
    assert np.array_equal(fuse("maximum", ir, vis)[..., 0], np.maximum(ir, vis))


@pytest.mark.parametrize("name", SIMPLE)
@pytest.mark.parametrize("size", [(64, 64), (51, 38)])
def test_equal_grey_sources_come_back(name: str, size: tuple[int, int]) -> None:
    image = noise(3, *size)
    fused = fuse(name, image, image)
    assert np.abs(fused.astype(int) - grey_rgb(image)).max() <= 1


@pytest.mark.parametrize("name", SIMPLE)
def test_visible_chroma_is_kept(name: str) -> None:
    ir, vis = noise(4, 48, 56) // 4 + 96, noise(5, 48, 56, 3) // 4 + 96
    fused = fuse(name, ir, vis).astype(int)
    assert np.abs((fused[..., 0] - fused[..., 2]) - (vis[..., 0].astype(int) - vis[..., 2])).max() <= 1


@pytest.mark.parametrize("name", SIMPLE)
@pytest.mark.parametrize("size", [(1, 1), (1, 33), (7, 2), (9, 17), (31, 200)])
def test_any_size_is_fused(name: str, size: tuple[int, int]) -> None:
    assert fuse(name, noise(6, *size), noise(7, *size, 3)).shape == (*size, 3)


@pytest.mark.parametrize("name", SIMPLE)
def test_batches_and_single_pairs_agree(name: str) -> None:
    pairs = [(noise(seed, 32, 40), noise(seed + 10, 32, 40, 3)) for seed in range(3)]
    fuser = create(name)
    for together, (ir, vis) in zip(fuser.fuse_batch(pairs), pairs, strict=True):
        assert np.array_equal(together, fuser.fuse_pair(ir, vis))


def half_and_half() -> tuple[Image, Image, NDArray[np.float64]]:
    """Texture left in the infrared and right in the visible image, the same grey elsewhere; the union is the truth."""
    texture = cv2.GaussianBlur(np.random.default_rng(8).normal(size=(128, 128)), (0, 0), 1.0)
    texture = 128 + 60 * texture / np.abs(texture).max()
    left = np.arange(128)[None] < 64
    ir, vis = np.where(left, texture, 128.0), np.where(left, 128.0, texture)
    return ir.round().astype(np.uint8), vis.round().astype(np.uint8), texture


@pytest.mark.parametrize("name", MULTISCALE)
def test_detail_of_either_source_survives(name: str) -> None:
    ir, vis, texture = half_and_half()

    def error(fused: Image) -> float:
        inner = np.s_[16:-16, [*range(16, 48), *range(80, 112)]]  # away from the seam and the border
        return float(np.abs(fused[..., 0][inner] - texture[inner]).mean())

    assert error(fuse(name, ir, vis)) < 0.5 * error(fuse("average", ir, vis))


def test_stronger_takes_the_larger_magnitude_and_the_first_of_two_equal() -> None:
    one, other = np.array([1.0, -3.0, 2.0, 0.0]), np.array([-2.0, 2.0, -2.0, 0.0])
    assert stronger(one, other).tolist() == [-2.0, -3.0, 2.0, 0.0]


@pytest.mark.parametrize(("size", "levels"), [((7, 7), 1), ((8, 100), 2), ((200, 100), 5), ((2000, 2000), 5)])
def test_pyramids_end_before_images_vanish(size: tuple[int, int], levels: int) -> None:
    assert len(gaussian_pyramid(np.zeros(size))) == levels


def test_a_pyramid_taken_apart_can_be_put_together() -> None:
    image = np.random.default_rng(9).random((101, 66))
    levels = gaussian_pyramid(image)
    rebuilt = levels[-1]
    for level, prediction in reversed(predicted(levels)):
        rebuilt = enlarge(rebuilt, level) + (level - prediction)
    assert np.allclose(rebuilt, image, rtol=0, atol=1e-12)


def test_planes_keep_their_places() -> None:
    ir, vis = torch.rand(2, 3, 5, 7), torch.rand(2, 3, 5, 7)
    for layout in (torch.contiguous_format, torch.channels_last):
        fused = per_plane(lambda one, other: one - 2 * other, *(t.to(memory_format=layout) for t in (ir, vis)))
        assert torch.equal(fused, ir - 2 * vis)


def guided_slowly(
    guide: NDArray[np.float64], image: NDArray[np.float64], radius: int, epsilon: float
) -> NDArray[np.float64]:
    """He et al., equations 5, 6 and 8, window by window."""
    height, width = guide.shape
    slope, offset, out = np.zeros_like(guide), np.zeros_like(guide), np.zeros_like(guide)

    def window(row: int, column: int) -> tuple[slice, slice]:
        return slice(max(row - radius, 0), row + radius + 1), slice(max(column - radius, 0), column + radius + 1)

    for row in range(height):
        for column in range(width):
            one, other = guide[window(row, column)], image[window(row, column)]
            slope[row, column] = ((one * other).mean() - one.mean() * other.mean()) / (one.var() + epsilon)
            offset[row, column] = other.mean() - slope[row, column] * one.mean()
    for row in range(height):
        for column in range(width):
            at = window(row, column)
            out[row, column] = slope[at].mean() * guide[row, column] + offset[at].mean()
    return out


@pytest.mark.parametrize(("radius", "epsilon"), [(2, 1e-2), (7, 1e-6), (45, 0.3)])
def test_guided_filter_equals_its_equations(radius: int, epsilon: float) -> None:
    generator = np.random.default_rng(10)
    guide, image = generator.random((14, 19)), (generator.random((14, 19)) < 0.5).astype(float)
    assert np.allclose(
        guided_filter(guide, image, Window(guide.shape, radius), epsilon),
        guided_slowly(guide, image, radius, epsilon),
        rtol=0,
        atol=1e-6,
    )


def test_all_classical_methods_are_listed() -> None:
    assert {"visible", "infrared", "gtf", "mst_sr", *SIMPLE} <= set(METHODS.names())
    kinds = {name: METHODS.get(name).info.kind for name in ("visible", "infrared", "gtf", "mst_sr", *SIMPLE)}
    assert {name for name, kind in kinds.items() if kind == "reference"} == {"visible", "infrared"}
    assert set(kinds.values()) == {"reference", "classical"}
