"""The images of the known answers; i is the row, j the column, both from 0; 64 x 64 unless said otherwise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.types import Image

Triple = tuple[Image, Image, Image]
SIDE = 64


def _image(values: NDArray[np.int64]) -> Image:
    return values.astype(np.uint8)


def _places(side: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    row, column = np.mgrid[:side, :side]
    return row, column


def constant(level: int, side: int = SIDE) -> Image:
    """One level everywhere."""
    return np.full((side, side), level, np.uint8)


def half(left: int, right: int, side: int = SIDE) -> Image:
    """``left`` in the left half of the columns, ``right`` in the other."""
    return _image(np.where(_places(side)[1] < side // 2, left, right))


def top(upper: int, lower: int, side: int = SIDE) -> Image:
    """``upper`` in the upper half of the rows, ``lower`` in the other."""
    return np.ascontiguousarray(half(upper, lower, side).T)


def stripe(even: int, odd: int, side: int = SIDE) -> Image:
    """``even`` in even columns, ``odd`` in the others."""
    return _image(np.where(_places(side)[1] % 2 == 0, even, odd))


def check(even: int, odd: int, side: int = SIDE) -> Image:
    """``even`` where i + j is even, ``odd`` elsewhere."""
    row, column = _places(side)
    return _image(np.where((row + column) % 2 == 0, even, odd))


def quarters(first: int, second: int, third: int, fourth: int) -> Image:
    """Top left, top right, bottom left, bottom right."""
    return np.vstack([half(first, second)[: SIDE // 2], half(third, fourth)[: SIDE // 2]])


def columns(*levels: int) -> Image:
    """Vertical bands of equal width."""
    return np.repeat(np.repeat(np.array([levels], np.uint8), SIDE // len(levels), axis=1), SIDE, axis=0)


def flip(first: int, second: int) -> Image:
    """``half`` with both levels swapped in the rows 0, 4, 8, ..."""
    image = half(first, second)
    image[::4] = half(second, first)[::4]
    return image


def impulse(level: int, side: int = SIDE) -> Image:
    """One pixel, in row and column side // 2; 0 elsewhere."""
    image = constant(0, side)
    image[side // 2, side // 2] = level
    return image


def texture(side: int = SIDE) -> Image:
    """(7 i^2 + 13 j^2 + 5 i j) mod 251: no flat place, many levels."""
    row, column = _places(side)
    return _image((7 * row**2 + 13 * column**2 + 5 * row * column) % 251)


def ramp(rows: int = SIDE, width: int = SIDE) -> Image:
    """X = j."""
    return np.repeat(np.arange(width, dtype=np.uint8)[None], rows, axis=0)


def diagonal() -> Image:
    """X = i + j."""
    row, column = _places(SIDE)
    return _image(row + column)


def soft_edge() -> Image:
    """0 left of column 32, 50 in it, 100 right of it."""
    column = _places(SIDE)[1]
    return _image(np.where(column < 32, 0, np.where(column == 32, 50, 100)))


def two_bits() -> Image:
    """(j mod 2) + (floor(j / 2) mod 2)."""
    column = _places(SIDE)[1]
    return _image(column % 2 + column // 2 % 2)


def painted(red: Image, green: Image, blue: Image) -> Image:
    """A colour image of three planes, (H, W, 3) RGB."""
    return np.dstack([red, green, blue])


def _equal(image: Image) -> Triple:
    return image, image, image


def _alike(source: Image, fused: Image) -> Triple:
    return source, source, fused


def _row(*levels: int) -> Image:
    return np.array([levels], np.uint8)


IMAGES: dict[str, Callable[[], Triple]] = {
    "I1": lambda: _equal(constant(100)),
    "I2": lambda: _equal(half(50, 200)),
    "I3": lambda: (half(50, 200), top(50, 200), half(50, 200)),
    "I4": lambda: (half(0, 100), top(0, 100), quarters(0, 60, 140, 200)),
    "I5": lambda: _equal(ramp(4, 256)),
    "I6": lambda: _equal(columns(10, 10, 20, 30)),
    "I7": lambda: _equal(impulse(200)),
    "I8": lambda: _alike(half(50, 200), constant(100)),
    "I9": lambda: _alike(half(50, 200), flip(50, 200)),
    "I10": lambda: _equal(half(254, 255)),
    "I11": lambda: _alike(half(254, 255), top(254, 255)),
    "I12": lambda: _equal(columns(0, 253, 254, 255)),
    "I13": lambda: (half(50, 200), top(50, 200), stripe(50, 200)),
    "I14": lambda: (half(50, 200), top(50, 200), flip(50, 200)),
    "I15": lambda: _equal(stripe(0, 100)),
    "I16": lambda: _equal(check(0, 100)),
    "I17": lambda: _equal(ramp()),
    "I18": lambda: _equal(diagonal()),
    "I19": lambda: _alike(stripe(0, 100), check(0, 100)),
    "I20": lambda: _alike(stripe(0, 100), stripe(0, 200)),
    "I21": lambda: _equal(half(0, 255)),
    "I22": lambda: _equal(half(100, 110)),
    "I23": lambda: (constant(100), constant(120), constant(110)),
    "I24": lambda: (half(50, 200), half(200, 50), half(50, 200)),
    "I25": lambda: (half(0, 100), top(0, 100), half(0, 100) + top(0, 100)),
    "I26": lambda: (half(0, 100), top(0, 100), half(0, 50) + top(0, 50)),
    "I27": lambda: _alike(constant(100), constant(50)),
    "I28": lambda: (constant(10), constant(200), constant(77)),
    "I29": lambda: _alike(stripe(0, 100), stripe(100, 0)),
    "I30": lambda: _equal(texture(192)),
    "I31": lambda: _alike(constant(100, 192), constant(50, 192)),
    "I32": lambda: _alike(texture() % 200, texture() % 200 + 10),
    "I33": lambda: _alike(texture(), constant(128)),
    "I34": lambda: _alike(half(0, 200), half(0, 100)),
    "I35": lambda: _equal(half(0, 51)),
    "I36": lambda: _alike(half(0, 100), half(0, 200)),
    "I37": lambda: (half(0, 200), half(0, 100), half(0, 100)),
    "I38": lambda: _alike(two_bits(), constant(9)),
    "I39": lambda: _alike(half(0, 255), columns(0, 255, 255, 255)),
    "I40": lambda: _equal(constant(0)),
    "I41": lambda: _alike(constant(0), constant(255)),
    "I42": lambda: _equal(texture()),
    "J1": lambda: _alike(stripe(0, 100), stripe(0, 50)),
    "J2": lambda: (stripe(0, 100), np.ascontiguousarray(stripe(0, 100).T), stripe(0, 100)),
    "J3": lambda: _alike(stripe(0, 20), stripe(0, 10)),
    "J4": lambda: _alike(soft_edge(), constant(9)),
    "J5": lambda: _alike(texture() % 100, texture() % 100 * 2),
    "J6": lambda: _alike(stripe(0, 255, 2), top(0, 255, 2)),
    "J7": lambda: _alike(stripe(0, 255), check(0, 255)),
    "J8": lambda: _alike(constant(200, 1), constant(100, 1)),
    "J9": lambda: _alike(_row(100, 200), _row(50, 200)),
    "J10": lambda: _alike(impulse(200, 11), impulse(100, 11)),
    "J11": lambda: _alike(half(0, 200, 6), half(200, 0, 6)),
    "J12": lambda: _alike(columns(0, 253, 254, 255), half(0, 255)),
    "J13": lambda: _alike(stripe(0, 100, 192), stripe(0, 200, 192)),
    "J14": lambda: _equal(stripe(0, 255, 2)),
    "J16": lambda: _equal(half(0, 200, 6)),
    "J17": lambda: (half(0, 200, 6), constant(9, 6), half(0, 200, 6)),
    "J18": lambda: _alike(half(0, 200, 6), constant(9, 6)),
    "K1": lambda: (constant(9), constant(0), half(0, 255)),
    "K2": lambda: (constant(9), _red(), _green()),
    "K3": lambda: (constant(9), _red(), painted(half(255, 0), half(0, 255), constant(0))),
    "K4": lambda: (constant(9), _red(), constant(76)),
    "K5": lambda: (constant(0), constant(0), painted(half(255, 0), constant(0), constant(0))),
    "K6": lambda: (constant(9), constant(119), constant(120)),
}
"""Name -> infrared, visible and fused image: I as in the sheet of the field's conventions, J our own, K of colour."""


def _red() -> Image:
    return painted(constant(255), constant(0), constant(0))


def _green() -> Image:
    return painted(constant(0), constant(255), constant(0))
