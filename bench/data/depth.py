"""Infrared of more than 8 bits: the mapping to 8 bits that was chosen, the same for every method.

Every method and metric of the field works on 8-bit images, and published ones of deeper sensors were mapped by their
makers in ways that they seldom state. Here nothing is mapped unasked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.colour import quantise
from bench.errors import BenchError
from bench.images import MOST_BITS, read_levels
from bench.types import Image

WORDS = (
    "full (0 to what the file's bits hold), full:BITS, percentile or percentile:LOW,HIGH (of each image), set or "
    "set:LOW,HIGH (percentiles of the whole data set), levels:LOW,HIGH"
)
"""What ``--ir-range`` takes, in words."""

Kind = Literal["full", "percentile", "set", "levels"]
DEFAULTS: dict[str, tuple[float, ...]] = {"full": (), "percentile": (1.0, 99.0), "set": (0.0, 100.0), "levels": ()}


@dataclass(frozen=True, slots=True)
class IrRange:
    """Which levels become 0 and 255; between them the mapping is linear, outside it is clipped.

    Attributes:
        kind: ``full``: 0 and 2^bits - 1; ``percentile``: two percentiles of each image, between levels by linear
            interpolation; ``set``: two percentiles of all infrared images of the data set, levels that occur (0 and
            100: the lowest and the highest); ``levels``: two levels as given.
        numbers: BITS, LOW and HIGH, or nothing.
    """

    kind: Kind
    numbers: tuple[float, ...]

    @classmethod
    def of(cls, word: str) -> IrRange:
        """Reads ``KIND`` or ``KIND:NUMBERS``.

        Raises:
            BenchError: none of ``WORDS``.
        """
        kind, _, text = word.partition(":")
        try:
            numbers = tuple(float(part) for part in text.split(",")) if text else DEFAULTS[kind]
        except (KeyError, ValueError):
            numbers = (np.nan,)
        if kind not in DEFAULTS or not _fits(kind, numbers):
            raise BenchError(f"--ir-range is {word!r}, wanted {WORDS}")
        return cls(kind, numbers)  # type: ignore[arg-type]

    def ends(self, values: NDArray[np.uint16], bits: int) -> tuple[float, float]:
        """The levels of one image that become 0 and 255.

        Args:
            values: uint16 (H, W).
            bits: that the file says a level has.
        """
        if self.kind == "full":
            return 0.0, 2.0 ** (self.numbers[0] if self.numbers else bits) - 1.0
        if self.kind == "percentile":
            low, high = np.percentile(values, self.numbers)
            return float(low), float(high)
        return self.numbers[0], self.numbers[1]


def _fits(kind: str, numbers: tuple[float, ...]) -> bool:
    if kind == "full":
        return not numbers or (len(numbers) == 1 and numbers[0] in range(9, MOST_BITS + 1))
    most = 100.0 if kind in ("percentile", "set") else 2.0**MOST_BITS - 1.0
    return len(numbers) == 2 and 0.0 <= numbers[0] < numbers[1] <= most


def map_levels(values: NDArray[np.uint16], bits: int, word: str, where: str) -> Image:
    """Levels as 8 bits: 255 (v - low) / (high - low), clipped, halves up; an image of one level becomes 0.

    Args:
        values: uint16 (H, W).
        bits: that the file says a level has.
        word: of ``IrRange``.
        where: the image, for messages.

    Returns:
        uint8 (H, W).

    Raises:
        BenchError: a level above what ``full:BITS`` holds.
    """
    chosen = IrRange.of(word)
    low, high = chosen.ends(values, bits)
    if chosen.kind == "full" and values.max(initial=0) > high:
        raise BenchError(
            f"{where}: level {values.max()}, wanted at most {high:g} for --ir-range {word}; give more bits"
        )
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    return quantise((values.astype(np.float64) - low) * 255.0 / (high - low))  # exact halves for whole levels


def resolve(word: str, paths: Iterable[Path]) -> str:
    """The word with the levels of the whole data set in the place of ``set``; every other word as it is.

    Args:
        word: of ``IrRange``; empty stays empty.
        paths: all infrared files of the data set; those of 8 bits are passed over.

    Raises:
        BenchError: not a mapping, or a file cannot be read.
    """
    if not word or IrRange.of(word).kind != "set":
        return word
    files = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(paths))
    low, high = _levels_of(files, *IrRange.of(word).numbers)
    return f"levels:{low},{high}" if high > low else "full"


@lru_cache(maxsize=8)
def _levels_of(files: tuple[tuple[Path, int, int], ...], low: float, high: float) -> tuple[int, int]:
    """Two percentiles of all pixels of all deep images: the lowest levels that so many of them do not pass."""
    counts = np.zeros(1 << MOST_BITS, np.int64)
    for path, _, _ in files:
        values, bits = read_levels(path)
        if bits > 8:
            counts += np.bincount(values.ravel(), minlength=counts.size)
    below = np.cumsum(counts)
    if not below[-1]:
        return 0, 0
    wanted = [max(1, int(np.ceil(below[-1] * percent / 100.0))) for percent in (low, high)]
    first, last = np.searchsorted(below, wanted)
    return int(first), int(last)
