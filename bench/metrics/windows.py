"""Weighted local means: the separable windows of VIF and the SSIM family, computed in strips that fit a cache."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
_DOWN, _ACROSS = 8, 16
"""Results per matrix product along columns and rows: larger blocks multiply more zeros, smaller ones pay more calls."""
_STRIP_VALUES = 2**17
"""Numbers per strip, 1 MB: a strip's intermediate results stay in the second-level cache."""


class Window:
    """A separable window; filters by products with banded matrices, faster than taps in double precision."""

    def __init__(self, weights: Real) -> None:
        """Takes the 1-D weights, of odd length; the 2-D window is their outer product with themselves."""
        self.weights = weights
        self.size = len(weights)
        self._bands = {
            step: (self._band(_DOWN, step), np.ascontiguousarray(self._band(_ACROSS, step).T)) for step in (1, 2)
        }

    def _band(self, count: int, step: int) -> Real:
        """The matrix that takes a run of values to ``count`` means at every ``step``-th place."""
        band = np.zeros((count, (count - 1) * step + self.size))
        for row in range(count):
            band[row, row * step : row * step + self.size] = self.weights
        return band

    def length(self, length: int, step: int = 1) -> int:
        """How many means fit along an axis."""
        return (length - self.size) // step + 1

    def means(self, stack: Real, step: int = 1) -> Real:
        """The weighted means of several images at once, wherever the window fits, at every ``step``-th row and column.

        Args:
            stack: (rows, images, columns), contiguous.
            step: 1 or 2.

        Returns:
            float64 (rows out, images, columns out).
        """
        total, images, width = stack.shape
        rows, columns = self.length(total, step), self.length(width, step)
        down, across = self._bands[step]
        flat = stack.reshape(total, images * width)
        narrow = np.empty((rows, images * width))
        for start, count in _blocks(rows, _DOWN):
            reach = (count - 1) * step + self.size
            part = flat[start * step : start * step + reach]
            np.matmul(down[:count, :reach], part, out=narrow[start : start + count])
        lines = narrow.reshape(rows * images, width)
        out = np.empty((rows * images, columns))
        for start, count in _blocks(columns, _ACROSS):
            reach = (count - 1) * step + self.size
            part = lines[:, start * step : start * step + reach]
            np.matmul(part, across[:reach, :count], out=out[:, start : start + count])
        return out.reshape(rows, images, columns)

    def mean(self, image: Real, step: int = 1) -> Real:
        """The weighted mean of one image wherever the window fits, at every ``step``-th row and column (1 or 2).

        Returns:
            float64 (ceil((H - n + 1) / step), ceil((W - n + 1) / step)).
        """
        height, width = image.shape
        rows = self.length(height, step)
        out = np.empty((rows, self.length(width, step)))
        for start, stop in strips(rows, width * step):
            part = image[start * step : (stop - 1) * step + self.size]
            out[start:stop] = self.means(np.ascontiguousarray(part)[:, None], step)[:, 0]
        return out

    def mean_everywhere(self, image: Real, border: int) -> Real:
        """The weighted mean at every pixel, with one of OpenCV's borders; float64 (H, W)."""
        full = cv2.sepFilter2D(image, cv2.CV_64F, self.weights, self.weights, borderType=border)
        return np.asarray(full, dtype=np.float64)


def _blocks(length: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, size):
        yield start, min(size, length - start)


def strips(rows: int, values_per_row: int) -> Iterator[tuple[int, int]]:
    """Cuts rows into strips (start, stop) whose ``values_per_row`` numbers per row fit the cache."""
    step = max(_STRIP_VALUES // values_per_row // _DOWN, 1) * _DOWN
    for start in range(0, rows, step):
        yield start, min(start + step, rows)


def gaussian(size: int, sigma: float) -> Window:
    """A Gaussian window of odd size that sums to 1."""
    offsets = np.arange(size) - size // 2
    weights = np.exp(-(offsets**2) / (2.0 * sigma * sigma))
    return Window(np.asarray(weights / weights.sum(), dtype=np.float64))


def halved(image: Real) -> Real:
    """Means of 2x2 pixels (the last row and column repeated), every second one kept; (ceil(H/2), ceil(W/2))."""
    height, width = image.shape
    padded = np.pad(image, ((0, height % 2), (0, width % 2)), mode="edge")
    return np.asarray(
        (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]) / 4.0, dtype=np.float64
    )
