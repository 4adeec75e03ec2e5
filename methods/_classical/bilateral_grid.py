"""The bilateral filter by a grid in space and grey value.

References:
    [1] Paris, Durand: A fast approximation of the bilateral filter using a signal processing approach, ECCV 2006,
        doi:10.1007/11744085_44.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from methods._classical.planes import Plane

MARGIN = 2
"""Empty cells around the grid, on each side."""
PASSES = 2
BAND_PIXELS = 16_000
"""Interpolated together, so that all arrays stay in the processor's cache."""
BLOCK_CELLS = 32_000
"""Blurred together, for the same reason."""


def bilateral(image: Plane, space_sigma: float, range_sigma: float) -> Plane:
    """An approximate bilateral filter: averages in a coarse grid of places and grey values, read back in between.

    The kernel is what two passes of (1, 2, 1) / 4 along each axis of the grid make, not a Gaussian. Sums are kept in
    the order of the authors' program: where an image is nearly flat, rounding decides what is built upon them.

    Args:
        image: float64 (H, W).
        space_sigma: pixels a cell is wide.
        range_sigma: grey values, in the image's units, a cell is deep.
    """
    grid = _Grid.of(image, space_sigma, range_sigma)
    sums, counts = (_blur(part) for part in grid.fill(image))
    smooth = np.empty_like(image)
    rows = max(1, BAND_PIXELS // image.shape[1])
    for top in range(0, len(image), rows):
        band = slice(top, top + rows)
        total, weight = grid.read(image[band], top, (sums, counts))
        np.divide(total, weight, out=smooth[band])
    return smooth


@dataclass(frozen=True, slots=True)
class _Grid:
    """Cells (rows, columns, depths) of an image.

    Attributes:
        shape: of the grid.
        low: grey value of the first depth.
        space: pixels a cell is wide.
        spread: grey values a cell is deep.
    """

    shape: tuple[int, int, int]
    low: float
    space: float
    spread: float

    @classmethod
    def of(cls, image: Plane, space: float, spread: float) -> _Grid:
        low, high = float(image.min()), float(image.max())
        height, width = ((length - 1) / space for length in image.shape)
        rows, columns, depths = (int(extent) + 1 + 2 * MARGIN for extent in (height, width, (high - low) / spread))
        return cls((rows, columns, depths), low, space, spread)

    def places(self, length: int, first: int = 0) -> Plane:
        """Of the pixels along a side, in cells from the margin on."""
        return np.arange(first, first + length) / self.space

    def depths(self, image: Plane) -> Plane:
        return (image - self.low) / self.spread

    def cell(self, row: NDArray[np.int64], column: NDArray[np.int64], depth: NDArray[np.int64]) -> NDArray[np.int64]:
        return (row[:, None] * self.shape[1] + column) * self.shape[2] + depth

    def fill(self, image: Plane) -> tuple[Plane, Plane]:
        """Sums and counts of the pixels nearest to each cell."""
        row, column, depth = (
            (place + 0.5).astype(np.int64) + MARGIN
            for place in (self.places(image.shape[0]), self.places(image.shape[1]), self.depths(image))
        )
        cell, size = self.cell(row, column, depth).ravel(), int(np.prod(self.shape))
        sums = np.bincount(cell, weights=image.ravel(), minlength=size)
        counts = np.bincount(cell, minlength=size).astype(np.float64)
        return sums.reshape(self.shape), counts.reshape(self.shape)

    def read(self, image: Plane, top: int, grids: tuple[Plane, ...]) -> list[Plane]:
        """Trilinear interpolation at each pixel of a band of rows from ``top`` on; shares are float32."""
        height, width = image.shape
        parts = [_whole_and_rest(place) for place in (self.places(height, top), self.places(width), self.depths(image))]
        (row, row_share), (column, column_share), (depth, depth_share) = parts
        cell = self.cell(row, column, depth)
        totals = [np.zeros_like(image) for _ in grids]
        _, columns, depths = self.shape
        one = np.float32(1)
        for deeper, with_depth in enumerate((one - depth_share, depth_share)):
            for lower, with_row in enumerate((one - row_share, row_share)):
                for right, with_column in enumerate((one - column_share, column_share)):
                    share = with_column * with_row[:, None] * with_depth
                    offset = (lower * columns + right) * depths + deeper
                    for grid, total in zip(grids, totals, strict=True):
                        total += grid.reshape(-1)[offset:].take(cell, mode="clip") * share
        return totals


def _whole_and_rest(place: Plane) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    place = place + MARGIN
    whole = place.astype(np.int64)
    return whole, (place - whole).astype(np.float32)


def _blur(grid: Plane) -> Plane:
    """Passes along columns, rows and depths; the outermost cells stay 0."""
    rows, columns, depths = grid.shape
    for slab in grid:
        _blur_first_axis(slab)
    _blur_first_axis(grid.reshape(rows, columns * depths))
    block = max(1, BLOCK_CELLS // depths)
    lines = grid.reshape(rows * columns, depths)
    for start in range(0, len(lines), block):
        _blur_last_axis(lines[start : start + block])
    return grid


def _blur_first_axis(image: Plane) -> None:
    """In place. Half the centre plus a quarter of both neighbours' sum rounds as (left + right + 2 centre) / 4."""
    blurred = image
    for _ in range(PASSES):
        blurred = cv2.sepFilter2D(blurred, -1, np.ones(1), np.array([0.25, 0.5, 0.25]), borderType=cv2.BORDER_CONSTANT)
        blurred[0] = blurred[-1] = 0
    image[:] = blurred


def _blur_last_axis(lines: Plane) -> None:
    flat = lines.reshape(-1)  # neighbours across two lines only meet in cells that are set to 0
    for _ in range(PASSES):
        blurred = flat[:-2] + flat[2:]
        blurred += 2 * flat[1:-1]
        blurred *= 0.25
        flat[1:-1] = blurred
        lines[:, 0] = lines[:, -1] = 0
