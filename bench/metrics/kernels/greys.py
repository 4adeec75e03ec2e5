"""Colour to grey, with the levels that :mod:`bench.metrics.planes` gives."""

from __future__ import annotations

import numpy as np

from bench.compiled import Array, exact_kernel
from bench.metrics.planes import MATLAB_WEIGHTS, Levels


@exact_kernel
def _bt601(red: Array, green: Array, blue: Array, out: Array) -> None:
    """All sums and the division of thousandths are exact, or at least a thousandth away from an integer."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            thousandths = 299.0 * red[y, x] + 587.0 * green[y, x] + 114.0 * blue[y, x] + 500.0
            out[y, x] = np.uint8(thousandths / 1000.0)


@exact_kernel
def _matlab(red: Array, green: Array, blue: Array, out: Array) -> None:
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            grey = MATLAB_WEIGHTS[0] * red[y, x] + MATLAB_WEIGHTS[1] * green[y, x] + MATLAB_WEIGHTS[2] * blue[y, x]
            out[y, x] = np.uint8(grey + 0.5)


def bt601(channels: list[Levels]) -> Levels:
    """Floor(0.299 R + 0.587 G + 0.114 B + 1/2)."""
    out = np.empty(channels[0].shape, dtype=np.uint8)
    red, green, blue = channels
    _bt601(red, green, blue, out)
    return out


def matlab(channels: list[Levels]) -> Levels:
    """MATLAB's rgb2gray of a uint8 array."""
    out = np.empty(channels[0].shape, dtype=np.uint8)
    red, green, blue = channels
    _matlab(red, green, blue, out)
    return out
