"""MATLAB's arithmetic against what it is documented to do, written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from methods._classical.matlab import entropy, gradient, grey, imresize, recode_jpeg, stretch, to_uint8

Array = NDArray[np.float64]


def noise(seed: int, *shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_halves_go_up_and_all_else_is_clipped() -> None:
    values = np.array([-3.0, -0.5, 0.49, 0.5, 1.5, 2.5, 254.5, 255.4, 256.0, 1e300, np.inf, -np.inf, np.nan])
    assert to_uint8(values).tolist() == [0, 0, 0, 1, 2, 3, 255, 255, 255, 255, 255, 0, 0]


def test_grey_of_equal_channels_is_the_channel() -> None:
    plane = noise(0, 9, 7)
    assert np.array_equal(grey(np.stack([plane] * 3)), plane)
    assert np.array_equal(grey(plane[None]), plane)


def test_grey_weighs_green_most() -> None:
    pure = 255 * np.eye(3, dtype=np.uint8)[:, :, None]
    assert to_uint8(grey(pure)).ravel().tolist() == [76, 150, 29]  # rgb2gray of red, green and blue


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("size", [(2, 2), (5, 8)])
def test_gradient_is_numpys(axis: int, size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).normal(size=size)
    assert np.array_equal(gradient(image, axis), np.gradient(image, axis=axis))


def test_stretch_and_entropy_of_simple_images() -> None:
    assert stretch(np.array([[2.0, 4.0, 6.0]])).tolist() == [[0, 0.5, 1]]
    assert not stretch(np.full((2, 2), 7.0)).any()
    assert entropy(np.zeros((3, 4), np.uint8)) == 0
    assert entropy(np.array([[0, 1], [2, 3]], np.uint8)) == 2
    assert entropy(np.arange(256, dtype=np.uint8).repeat(5)) == pytest.approx(8)


# ------------------------------------------------------------------ imresize


def kernel_value(kernel: str, distance: float) -> float:
    size = abs(distance)
    if kernel == "nearest":
        return float(-0.5 <= distance < 0.5)
    if kernel == "bilinear":
        return max(0.0, 1 - size)
    if size <= 1:
        return 1.5 * size**3 - 2.5 * size**2 + 1
    return -0.5 * size**3 + 2.5 * size**2 - 4 * size + 2 if size <= 2 else 0.0


def resize_line(line: Array, wanted: int, scale: float, kernel: str) -> Array:
    """One row, pixel by pixel, with 1-based places as MATLAB counts them."""
    shrink = scale if scale < 1 and kernel != "nearest" else 1.0
    reach = {"bicubic": 4, "bilinear": 2, "nearest": 1}[kernel] / shrink
    mirrored = [*range(1, len(line) + 1), *range(len(line), 0, -1)]
    out = np.zeros(wanted)
    for place in range(1, wanted + 1):
        centre = place / scale + 0.5 * (1 - 1 / scale)
        first = math.floor(centre - reach / 2)
        taps = range(first, first + math.ceil(reach) + 2)
        weights = [kernel_value(kernel, shrink * (centre - tap)) for tap in taps]
        values = [line[mirrored[(tap - 1) % len(mirrored)] - 1] for tap in taps]
        out[place - 1] = np.dot(weights, values) / sum(weights)
    return out


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear", "nearest"])
@pytest.mark.parametrize(("length", "wanted"), [(9, 30), (30, 9), (12, 13), (17, 16), (7, 14)])
def test_resizing_follows_its_definition(kernel: str, length: int, wanted: int) -> None:
    image = np.random.default_rng(2).random((3, length))
    expected = np.stack([resize_line(row, wanted, wanted / length, kernel) for row in image])
    assert np.allclose(imresize(image, (3, wanted), kernel), expected, rtol=0, atol=1e-12)
    assert np.allclose(imresize(image.T.copy(), (wanted, 3), kernel), expected.T, rtol=0, atol=1e-12)


def test_a_scale_given_is_used_itself() -> None:
    image = np.random.default_rng(3).random((1, 37))
    scale = 1 / 6.25
    expected = resize_line(image[0], 6, scale, "nearest")
    assert np.array_equal(imresize(image, (1, 6), "nearest", scale=scale)[0], expected)
    assert not np.array_equal(imresize(image, (1, 6), "nearest")[0], expected)


def test_a_size_that_stays_is_the_image_itself() -> None:
    image = noise(4, 12, 17)
    assert np.array_equal(imresize(image, (12, 17)), image)


def test_8_bit_images_are_rounded_between_the_directions() -> None:
    image = noise(5, 40, 24)
    rows = to_uint8(np.stack([resize_line(row, 13, 13 / 24, "bicubic") for row in image.T.astype(float).T]))
    columns = to_uint8(np.stack([resize_line(column, 10, 10 / 40, "bicubic") for column in image.T.astype(float)]).T)
    # the direction that shrinks more goes first
    expected = to_uint8(np.stack([resize_line(row, 13, 13 / 24, "bicubic") for row in columns.astype(float)]))
    seen = imresize(image, (10, 13))
    assert seen.dtype == np.uint8
    assert np.array_equal(seen, expected)
    assert rows.shape == (40, 13)
    assert not np.array_equal(seen, to_uint8(imresize(image.astype(float), (10, 13))))


# ------------------------------------------------------------------ JPEG


def test_a_grey_jpeg_and_one_of_equal_channels_are_the_same() -> None:
    plane = noise(6, 40, 33)
    stored = recode_jpeg(plane[None])
    assert stored.shape == (1, 40, 33)
    assert np.array_equal(recode_jpeg(np.stack([plane] * 3)), np.stack([stored[0]] * 3))
    assert not np.array_equal(stored[0], plane)
