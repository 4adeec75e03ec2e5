"""Filters that classical methods share, against loops and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from methods._classical.bilateral_grid import bilateral
from methods._classical.cross_bilateral import _scatter, cross_bilateral_details
from methods._classical.diffusion import diffuse, smooth_fourth_order
from methods._classical.filters import Border, gaussian, gaussian_taps, mean
from methods._classical.guided import Window, box_sum, guided_filter
from methods._classical.principal import principal_weights

Array = NDArray[np.float64]
PAD = {"zero": "constant", "replicate": "edge", "symmetric": "symmetric"}


def random(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).random(shape)


# ------------------------------------------------------------------ Gaussian and mean


@pytest.mark.parametrize(("window", "sigma"), [(5, 1.0), (13, 2.0), (97, 16.0), (385, 64.0)])
@pytest.mark.parametrize("border", ["zero", "replicate", "symmetric"])
@pytest.mark.parametrize("size", [(23, 31), (23, 1400)])
def test_a_gaussian_is_the_sum_over_its_window(
    size: tuple[int, int], window: int, sigma: float, border: Border
) -> None:
    image, radius = random(0, *size), window // 2
    places = np.arange(window) - radius
    kernel = np.exp(-(places[:, None] ** 2 + places**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = np.pad(image, radius, mode=PAD[border])  # type: ignore[call-overload]
    seen = gaussian(image, window, sigma, border)
    for row, column in ((0, 0), (11, size[1] - 1), (22, 5), (12, 16)):
        expected = (padded[row : row + window, column : column + window] * kernel).sum()
        assert seen[row, column] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("window", [7, 97])
def test_what_is_zero_stays_exactly_zero(window: int) -> None:
    image = np.zeros((300, 20))
    image[:40] = random(1, 40, 20)
    blurred = gaussian(image, window, window / 6, "replicate")
    assert not blurred[40 + window // 2 :].any()
    assert blurred[39 + window // 2].all()


def test_taps_sum_to_one_and_are_even() -> None:
    taps = gaussian_taps(11, 5.0)
    assert taps.sum() == pytest.approx(1)
    assert np.array_equal(taps, taps[::-1])
    assert taps[5] / taps[0] == pytest.approx(np.exp(25 / 50))


@pytest.mark.parametrize("border", ["replicate", "symmetric", "zero"])
def test_a_mean_is_one(border: Border) -> None:
    image = random(2, 9, 12)
    padded = np.pad(image, 3, mode=PAD[border])  # type: ignore[call-overload]
    assert mean(image, 7, border)[2, 11] == pytest.approx(padded[2:9, 11:18].mean())


# ------------------------------------------------------------------ boxes and guided filter


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (20, 31)])
@pytest.mark.parametrize("radius", [1, 2, 9, 45])
def test_boxes_are_cut_at_the_border(size: tuple[int, int], radius: int) -> None:
    image = random(3, *size)
    expected = np.array([
        [image[max(r - radius, 0) : r + radius + 1, max(c - radius, 0) : c + radius + 1].sum() for c in range(size[1])]
        for r in range(size[0])
    ])  # fmt: skip
    assert np.allclose(box_sum(image, radius), expected, rtol=0, atol=1e-10)
    assert np.allclose(Window(size, radius).mean(np.full(size, 0.3)), 0.3, rtol=0, atol=1e-14)


def test_boxes_of_whole_numbers_are_exact() -> None:
    image = np.random.default_rng(4).integers(0, 255**2, (60, 50)).astype(float)
    assert box_sum(image, 7)[30, 20] == image[23:38, 13:28].sum()


@pytest.mark.parametrize("radius", [2, 30])
def test_means_known_already_change_nothing(radius: int) -> None:
    guide, image = random(5, 24, 33), random(6, 24, 33)
    window = Window(guide.shape, radius)
    means = {"guide_mean": window.mean(guide), "image_mean": window.mean(image)}
    assert np.array_equal(guided_filter(guide, image, window, 0.01), guided_filter(guide, image, window, 0.01, **means))


def test_a_guide_of_itself_is_the_general_filter() -> None:
    image = random(7, 24, 33)
    window = Window(image.shape, 3)
    assert np.allclose(
        guided_filter(image, image, window, 0.01), guided_filter(image, image.copy(), window, 0.01), rtol=0, atol=1e-14
    )


# ------------------------------------------------------------------ diffusion


def diffuse_slowly(image: Array, steps: int) -> Array:
    for _ in range(steps):
        padded, change = np.pad(image, 1), np.zeros_like(image)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                if (down, right) == (0, 0):
                    continue
                there = padded[1 + down : 1 + down + image.shape[0], 1 + right : 1 + right + image.shape[1]]
                step = there - image
                change += step * np.exp(-((step / 30) ** 2)) / (down**2 + right**2)
        image = image + 0.15 * change
    return image


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (12, 9)])
def test_diffusion_takes_its_steps(size: tuple[int, int]) -> None:
    image = 255 * random(8, *size)
    assert np.allclose(diffuse(image, steps=3), diffuse_slowly(image, 3), rtol=0, atol=1e-10)
    assert np.allclose(diffuse(image), diffuse_slowly(image, 10), rtol=0, atol=1e-10)


def test_diffusion_darkens_the_border_alone() -> None:
    flat = diffuse(np.full((30, 30), 40.0))
    assert (flat[10:-10, 10:-10] == 40).all()
    assert flat[0, 15] < 39


def smooth_slowly(image: Array, steps: int) -> Array:
    def second(values: Array, axis: int) -> Array:
        return np.gradient(np.gradient(values, axis=axis), axis=axis)

    for _ in range(steps):
        horizontal, vertical = second(image, 1), second(image, 0)
        conduction = 1 / (1 + (np.sqrt(horizontal**2 + vertical**2) / 4) ** 2)
        image = image - 0.9 * (second(conduction * horizontal, 1) + second(conduction * vertical, 0))
    return image


@pytest.mark.parametrize("size", [(2, 2), (5, 3), (14, 17)])
def test_fourth_order_diffusion_takes_its_steps(size: tuple[int, int]) -> None:
    image = 255 * random(9, *size)
    assert np.allclose(smooth_fourth_order(image), smooth_slowly(image, 15), rtol=0, atol=1e-9)


def test_fourth_order_diffusion_leaves_planes_alone() -> None:
    slope = 3.0 * np.arange(20.0)[:, None] + 2.0 * np.arange(24.0)
    assert np.allclose(smooth_fourth_order(slope)[4:-4, 4:-4], slope[4:-4, 4:-4], rtol=0, atol=1e-9)


# ------------------------------------------------------------------ principal axis


def test_the_principal_axis_of_multiples_is_their_ratio() -> None:
    one = random(10, 8, 9)
    assert principal_weights(one, 3 * one) == pytest.approx((0.25, 0.75))
    assert principal_weights(one, -0.5 * one) == pytest.approx((2.0, -1.0))  # not clipped


def test_without_an_axis_both_weigh_the_same() -> None:
    zero = np.zeros((5, 5))
    assert principal_weights(zero, zero) == (0.5, 0.5)
    one = random(11, 5, 5)
    assert principal_weights(one, -one) == (0.5, 0.5)  # an axis whose entries sum to 0 cannot be scaled


# ------------------------------------------------------------------ bilateral filters


def cross_bilateral_slowly(image: Array, guide: Array, row: int, column: int) -> float:
    image, guide = (np.pad(values, 5, mode="reflect") for values in (image, guide))
    total = weight = 0.0
    for down in range(-5, 6):
        for right in range(-5, 6):
            there = (row + 5 + down, column + 5 + right)
            share = np.exp(-(down**2 + right**2) / (2 * 1.8**2))
            share *= np.exp(-((guide[there] - guide[row + 5, column + 5]) ** 2) / (2 * 25**2))
            total, weight = total + share * image[there], weight + share
    return total / weight


def test_cross_bilateral_filters_take_their_weights_from_the_other_image() -> None:
    generator = np.random.default_rng(12)
    ir = generator.integers(0, 256, (13, 1700), dtype=np.uint8)  # more than one band
    vis = generator.integers(0, 256, (3, 13, 1700), dtype=np.uint8)
    ir_details, vis_details = cross_bilateral_details(ir, vis)
    grey = ir.astype(float)
    for row, column in ((0, 0), (12, 1699), (8, 3), (9, 800), (10, 1000)):
        for channel, plane in enumerate(vis.astype(float)):
            expected = grey[row, column] - cross_bilateral_slowly(grey, plane, row, column)
            assert ir_details[channel, row, column] == pytest.approx(expected, abs=1e-9)
            expected = plane[row, column] - cross_bilateral_slowly(plane, grey, row, column)
            assert vis_details[channel, row, column] == pytest.approx(expected, abs=1e-9)


def test_details_of_flat_windows_are_exactly_nothing() -> None:
    ir, vis = np.full((30, 30), 201, np.uint8), np.full((1, 30, 30), 57, np.uint8)
    ir[:4] = 9
    ir_details, vis_details = cross_bilateral_details(ir, vis)
    assert not vis_details.any()
    assert not ir_details[0, 9:].any()
    assert ir_details[0, :4].any()


def test_scatter_is_the_trace_of_two_covariances() -> None:
    detail = np.random.default_rng(13).normal(size=(9, 11))
    padded = np.pad(detail, 2, mode="reflect")
    seen = _scatter(detail)
    for row, column in ((0, 0), (4, 5), (8, 10), (2, 9)):
        window = padded[row : row + 5, column : column + 5]
        expected = np.trace(np.cov(window)) + np.trace(np.cov(window.T))
        assert seen[row, column] == pytest.approx(expected)
    assert (_scatter(np.zeros((9, 9))) == 2.0**-52).all()


def bilateral_slowly(image: Array, space: float, spread: float) -> Array:
    """Cell by cell and pixel by pixel."""
    height, width = image.shape
    low = image.min()
    shape = [int((length - 1) / space) + 5 for length in (height, width)] + [int((image.max() - low) / spread) + 5]
    grid = np.zeros((2, *shape))
    for row in range(height):
        for column in range(width):
            cell = [int(place + 2.5) for place in (row / space, column / space, (image[row, column] - low) / spread)]
            grid[:, cell[0], cell[1], cell[2]] += image[row, column], 1
    for axis in (2, 1, 3):
        for _ in range(2):
            blurred = np.zeros_like(grid)
            centre = grid[:, 1:-1, 1:-1, 1:-1]
            left, right = (np.roll(grid, step, axis=axis)[:, 1:-1, 1:-1, 1:-1] for step in (1, -1))
            blurred[:, 1:-1, 1:-1, 1:-1] = (left + right + 2 * centre) / 4
            grid = blurred
    out = np.empty_like(image)
    for row in range(height):
        for column in range(width):
            places = (row / space + 2, column / space + 2, (image[row, column] - low) / spread + 2)
            whole = [int(place) for place in places]
            rest = [place - int(place) for place in places]
            total = np.zeros(2)
            for corner in np.ndindex(2, 2, 2):
                share = np.prod([r if c else 1 - r for r, c in zip(rest, corner, strict=True)])
                total += share * grid[:, whole[0] + corner[0], whole[1] + corner[1], whole[2] + corner[2]]
            out[row, column] = total[0] / total[1]
    return out


@pytest.mark.parametrize(("size", "space", "spread"), [((17, 22), 2.0, 0.05), ((21, 12), 4.0, 0.3), ((3, 3), 16, 2.0)])
def test_the_bilateral_grid_equals_its_loops(size: tuple[int, int], space: float, spread: float) -> None:
    image = random(14, *size)
    # shares of the interpolation are float32
    assert np.allclose(bilateral(image, space, spread), bilateral_slowly(image, space, spread), rtol=0, atol=1e-6)


def test_the_bilateral_filter_keeps_edges_and_constants() -> None:
    image = np.full((64, 64), 0.2)
    image[:, 32:] = 0.8
    assert np.allclose(bilateral(image, 4.0, 0.05), image, rtol=0, atol=1e-12)
    assert np.allclose(bilateral(np.full((9, 9), 0.4), 2.0, 0.1), 0.4, rtol=0, atol=1e-12)
    noisy = image + 0.01 * random(15, 64, 64)
    assert bilateral(noisy, 4.0, 0.1)[:, 8:24].std() < 0.2 * noisy[:, 8:24].std()
