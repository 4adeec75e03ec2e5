"""Convolutions of channels-last images, a range of tiles or pixels at a time; several threads share an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.compiled import Array, kernel, threaded_kernel
from bench.fusion.kernels.points import LANES, RESULTS, SIDE
from bench.fusion.kernels.transforms import tile_in, tile_out

PLANES = SIDE * SIDE
APART = 16
"""Values between the planes of a block, so that they do not begin a multiple of 4096 bytes apart, where caches evict
one for the other."""


@threaded_kernel
def convolve_tiles(
    x: Array, place: tuple[int, ...], filters: Array, bias: Array, slope: Any, y: Array, tiles: tuple[int, int, int],
    work: Array,
) -> None:  # fmt: skip
    """A 3x3 convolution of some tiles.

    Args:
        x: float32, the memory of an image (H, W, C).
        place: H, W, distance of rows and of columns in ``x``, zeros around the image.
        filters: float32 (36, C, N), transformed.
        bias: float32 (N,).
        slope: float32, what negative results are multiplied by.
        y: float32 (H', W', N), contiguous; written.
        tiles: the first, the last but one, and how many are multiplied at once.
        work: float32, ``work_size(C, N, tiles[2])`` values.
    """
    channels, out_channels = filters.shape[1], filters.shape[2]
    (first, last, block), across = tiles, (y.shape[1] + RESULTS - 1) // RESULTS
    plane_in, plane_out = block * channels + APART, block * out_channels + APART
    values = work[: PLANES * plane_in].reshape(PLANES, plane_in)
    products = work[PLANES * plane_in : PLANES * (plane_in + plane_out)].reshape(PLANES, plane_out)
    edge = work[PLANES * (plane_in + plane_out) :]
    for at in range(first, last, block):
        count = min(block, last - at)
        now = at, count, across
        _tiles_in(x, place, channels, now, values.reshape(-1), plane_in, edge)
        for plane in range(PLANES):
            left = values[plane, : count * channels].reshape(count, channels)
            np.dot(left, filters[plane], products[plane, : count * out_channels].reshape(count, out_channels))
        _tiles_out(products.reshape(-1), plane_out, now, bias, slope, y, edge)


@kernel
def _tiles_in(
    x: Array, place: tuple[int, ...], channels: int, tiles: tuple[int, int, int], values: Array, plane: int, edge: Array
) -> None:
    (rows, columns, row, column, zeros), (at, count, across) = place, tiles
    none = np.float32(0.0)
    for index in range(count):
        top = RESULTS * ((at + index) // across) - zeros
        left = RESULTS * ((at + index) % across) - zeros
        to = index * channels
        if top >= 0 and left >= 0 and top + SIDE <= rows and left + SIDE <= columns:
            begin = top * row + left * column
            for channel in range(0, channels, LANES):
                tile_in(x, (begin + channel, row, column), values, (to + channel, SIDE * plane, plane), x, 0, none)
            continue
        for i in range(SIDE):
            for j in range(SIDE):
                inside = 0 <= top + i < rows and 0 <= left + j < columns
                begin = (top + i) * row + (left + j) * column
                for channel in range(channels):
                    edge[(i * SIDE + j) * channels + channel] = x[begin + channel] if inside else none
        for channel in range(0, channels, LANES):
            read = channel, SIDE * channels, channels
            tile_in(edge, read, values, (to + channel, SIDE * plane, plane), edge, 0, none)


@kernel
def _tiles_out(
    products: Array, plane: int, tiles: tuple[int, int, int], bias: Array, slope: Any, y: Array, edge: Array
) -> None:
    (height, width, channels), (at, count, across) = y.shape, tiles
    flat = y.reshape(-1)
    for index in range(count):
        top, left = RESULTS * ((at + index) // across), RESULTS * ((at + index) % across)
        begin = index * channels
        if top + RESULTS <= height and left + RESULTS <= width:
            to = (top * width + left) * channels
            for channel in range(0, channels, LANES):
                read, write = (begin + channel, SIDE * plane, plane), (to + channel, width * channels, channels)
                tile_out(products, read, flat, write, bias, channel, slope)
            continue
        for channel in range(0, channels, LANES):
            read, write = (begin + channel, SIDE * plane, plane), (channel, RESULTS * channels, channels)
            tile_out(products, read, edge, write, bias, channel, slope)
        for i in range(min(RESULTS, height - top)):
            for j in range(min(RESULTS, width - left)):
                for channel in range(channels):
                    y[top + i, left + j, channel] = edge[(i * RESULTS + j) * channels + channel]


@threaded_kernel
def mix_pixels(x: Array, weights: Array, bias: Array, slope: Any, y: Array, pixels: tuple[int, int, int]) -> None:
    """A 1x1 convolution of some pixels.

    Args:
        x: float32 (pixels, C), contiguous.
        weights: float32 (C, N).
        bias: float32 (N,).
        slope: float32, what negative results are multiplied by.
        y: float32 (pixels, N), contiguous; written.
        pixels: the first, the last but one, and how many are multiplied at once.
    """
    first, last, block = pixels
    for at in range(first, last, block):
        until = min(at + block, last)
        found = y[at:until]
        np.dot(x[at:until], weights, found)
        for pixel in range(until - at):
            for channel in range(bias.size):
                value = found[pixel, channel] + bias[channel]
                found[pixel, channel] = value if value > 0 else value * slope


def work_size(channels: int, out_channels: int, block: int) -> int:
    """Values that ``convolve_tiles`` keeps between its steps."""
    return PLANES * (block * (channels + out_channels) + 2 * APART + max(channels, out_channels))
