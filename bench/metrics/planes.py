"""Grey planes: how a stored image becomes what a metric reads, and a place to keep what was computed from it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.metrics.facts import Parameter
from bench.types import Image

T = TypeVar("T")
Levels = NDArray[np.uint8]
"""uint8 (H, W), 0..255."""

# MATLAB's rgb2gray: first row of the inverse of the NTSC YIQ matrix, in double precision.
MATLAB_WEIGHTS = (0.298936021293775, 0.587043074451121, 0.114020904255103)


class Budget:
    """How many bytes of intermediate results a pair may still keep; what does not fit is computed again when needed."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def take(self, value: object) -> bool:
        """Books the arrays inside ``value``; False if they do not fit."""
        size = _bytes_in(value)
        if size > self.left:
            return False
        self.left -= size
        return True


def _bytes_in(value: object) -> int:
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, (tuple, list)):
        return sum(_bytes_in(part) for part in value)
    return 0


class Kept:
    """Something that remembers what was computed from it."""

    def __init__(self, budget: Budget | None = None) -> None:
        self._budget = budget
        self._values: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of ``key``, made on first use and kept if the budget allows."""
        if key in self._values:
            return self._values[key]
        value = make()
        if self._budget is None or self._budget.take(value):
            self._values[key] = value
        return value


class Plane(Kept):
    """One grey image, uint8 (H, W), with its kept intermediate results; equal only to itself."""

    def __init__(self, levels: Levels, budget: Budget | None = None) -> None:
        super().__init__(budget)
        self.levels = np.require(
            levels, dtype=np.uint8, requirements=["C", "W"]
        )  # compiled code wants one kind of array

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.levels.shape[0], self.levels.shape[1]

    @property
    def pixels(self) -> int:
        """Height times width."""
        return self.levels.size


class Sources(Kept):
    """The two planes of one pair: what concerns both sources and no fused image is kept here."""

    def __init__(self, ir: Plane, vis: Plane, budget: Budget | None = None) -> None:
        super().__init__(budget)
        self.ir, self.vis = ir, vis
        self.asked: set[tuple[str, tuple[tuple[str, Parameter], ...]]] = set()  # formulas that may share a pass

    def __iter__(self) -> Any:
        return iter((self.ir, self.vis))


@dataclass(frozen=True, slots=True)
class Triple:
    """Infrared, visible and fused plane of one channel: what every formula takes."""

    sources: Sources
    fused: Plane

    @property
    def ir(self) -> Plane:
        """The infrared plane."""
        return self.sources.ir

    @property
    def vis(self) -> Plane:
        """The visible plane."""
        return self.sources.vis


def check_image(image: object, what: str, shape: tuple[int, int] | None = None) -> Image:
    """Returns the image if it is uint8 (H, W) or (H, W, 3), not empty, and of the given height and width.

    Raises:
        BenchError: wrong type, rank, channels, size, dtype, or NaN; says what was seen and wanted.
    """
    if not isinstance(image, np.ndarray):
        raise BenchError(f"{what}: a {type(image).__name__}, wanted a NumPy array, uint8 (H, W) or (H, W, 3)")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise BenchError(f"{what}: an array of shape {image.shape}, wanted (H, W) or (H, W, 3) in RGB order")
    if image.size == 0:
        raise BenchError(f"{what}: an empty array of shape {image.shape}, wanted at least one pixel")
    if image.dtype != np.uint8:
        raise BenchError(f"{what}: {_number_format(image)}, wanted uint8, 0..255; scale, round and convert it first")
    if shape is not None and image.shape[:2] != shape:
        seen, wanted = (f"{size[1]}x{size[0]}" for size in (image.shape, shape))
        raise BenchError(f"{what}: {seen} pixels, wanted {wanted} as the infrared image; do not resize, fuse it again")
    return image


def _number_format(image: NDArray[Any]) -> str:
    if image.dtype.kind not in "fiu":
        return f"dtype {image.dtype}"
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        return f"dtype {image.dtype} with {int((~np.isfinite(image)).sum())} NaN or infinite pixels"
    return f"dtype {image.dtype} with values {image.min():g}..{image.max():g}"


Conversion = Callable[[list[Levels]], Levels]


def grey_planes(
    image: Image, conversions: Iterable[str], faster: Mapping[str, Conversion] | None = None
) -> dict[str, list[Levels]]:
    """Conversion -> the uint8 planes a convention computes on: one grey plane, or for ``channels`` the three channels.

    Args:
        image: uint8 (H, W) or (H, W, 3) RGB.
        conversions: ``bt601``: floor(0.299 R + 0.587 G + 0.114 B + 1/2) in exact integers; ``matlab``: rgb2gray of a
            uint8 array; ``opencv``: cvtColor on float32, rounded half to even; ``pillow``: Pillow's integer
            mode L; ``channels``: no conversion.
        faster: conversions that give the same levels and are to be used in place of those here.
    """
    channels = split_channels(image)
    known = {**_CONVERSIONS, **(faster or {})}
    return {
        name: channels * (3 // len(channels)) if name == "channels" else [
            channels[0] if len(channels) == 1 else known[name](channels)
        ]
        for name in conversions
    }  # fmt: skip


def split_channels(image: Image) -> list[Levels]:
    """The three channels of an image, or one where the image is grey, however it is stored."""
    if image.ndim == 2:
        return [image]
    channels: list[Levels] = [np.asarray(channel, np.uint8) for channel in cv2.split(np.ascontiguousarray(image))]
    return channels[:1] if all(np.array_equal(channels[0], other) for other in channels[1:]) else channels


def _bt601(channels: list[Levels]) -> Levels:
    red, green, blue = (channel.astype(np.uint32) for channel in channels)
    return ((299 * red + 587 * green + 114 * blue + 500) // 1000).astype(np.uint8)


def _matlab(channels: list[Levels]) -> Levels:
    red, green, blue = (weight * channel for weight, channel in zip(MATLAB_WEIGHTS, channels, strict=True))
    return np.floor(red + green + blue + 0.5).astype(np.uint8)


def _opencv(channels: list[Levels]) -> Levels:
    # The evaluator reads BGR with OpenCV; ties at .5 are common (the weights are thousandths) and fall by float32
    # rounding, so the channel order of the sum matters.
    bgr = cv2.merge(channels[::-1]).astype(np.float32)
    return np.clip(np.rint(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)), 0, 255).astype(np.uint8)


def _pillow(channels: list[Levels]) -> Levels:
    red, green, blue = (channel.astype(np.uint32) for channel in channels)
    return ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)


_CONVERSIONS: dict[str, Conversion] = {
    "bt601": _bt601, "matlab": _matlab, "opencv": _opencv, "pillow": _pillow,
}  # fmt: skip
