"""Known answers: what each method makes of a rule-made pair in float64, so that no weight can change unseen.

An 8-bit image hides small changes; the float64 output does not, and is the same on all processors to 1e-9. Recorded
when a method was proven against its authors' images, it carries that proof to machines without them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.fusion.harness import Fuser
from bench.plugin.method import Method
from bench.plugin.proof import declared
from bench.types import Image
from bench.weights.formula import MURMUR_FIRST, MURMUR_SECOND, STEP

SIZE = (64, 72)
"""Height and width of the made pair, where the method allows so few pixels."""

SAMPLES = 64
TOLERANCE = 1e-7
"""Of the output's range. Noise of 1 % on any tensor that acts moves some sample by more."""

CLASSICAL_SHARE = 0.95
"""Of the samples of a classical method, which must agree: those that round inside may tip at exact halves."""


def tolerance(cls: type[Method]) -> float:
    """Of the output's range: how far a method's answer may be from the recorded one."""
    return declared(cls).answer_tolerance or TOLERANCE


def made_pair(size: tuple[int, int] = SIZE) -> tuple[Image, Image]:
    """An infrared (H, W) and a visible (H, W, 3) image of smooth shapes and noise, by integer arithmetic alone."""
    planes = [_made_plane(size, seed) for seed in range(4)]
    return planes[0], np.stack([(2 * planes[1].astype(np.int64) + plane) // 3 for plane in planes[1:]], -1).astype(
        np.uint8
    )


def _made_plane(size: tuple[int, int], seed: int) -> Image:
    """Noise on grids of 32, 16 and 8 pixels, drawn bilinearly, and a little of single pixels."""
    total = np.zeros(size, dtype=np.int64)
    for level, (cell, weight) in enumerate(((32, 8), (16, 4), (8, 2), (1, 1))):
        total += weight * _grid(size, cell, 97 * seed + level)
    return np.clip(2 * total // 15 - 128, 0, 255).astype(np.uint8)


def _grid(size: tuple[int, int], cell: int, seed: int) -> NDArray[np.int64]:
    rows, columns = (length // cell + 2 for length in size)
    knots = (_hashed(rows * columns, seed) & 255).reshape(rows, columns)
    (y, u), (x, v) = (np.divmod(np.arange(length), cell) for length in size)
    u, v = u[:, None], v[None]
    corners = [knots[np.ix_(y + a, x + b)] for a in (0, 1) for b in (0, 1)]
    top, bottom = corners[0] * (cell - v) + corners[1] * v, corners[2] * (cell - v) + corners[3] * v
    return (top * (cell - u) + bottom * u) // (cell * cell)


def _hashed(count: int, seed: int) -> NDArray[np.int64]:
    """The finaliser of MurmurHash3 on ``seed + i * 2654435761``, as the formula weights have it."""
    hashed = np.uint32(seed) + np.arange(count, dtype=np.uint32) * STEP
    hashed ^= hashed >> np.uint32(16)
    hashed *= MURMUR_FIRST
    hashed ^= hashed >> np.uint32(13)
    hashed *= MURMUR_SECOND
    return (hashed ^ (hashed >> np.uint32(16))).astype(np.int64)


def sampled(values: NDArray[Any]) -> NDArray[np.float64]:
    """64 values at places that depend on the array's size alone."""
    return values.reshape(-1)[_hashed(SAMPLES, 12345) % values.size].astype(np.float64)


def answer(cls: type[Method], weights: Path | None) -> dict[str, Any]:
    """What a method makes of the made pair in float64; see ``answer_of``."""
    return answer_of(in_float64(cls, weights))


def in_float64(cls: type[Method], weights: Path | None) -> Fuser:
    """A method that computes in float64, in the plain way."""
    wide = type(cls.__name__, (cls,), {"dtype": "float64", "__module__": cls.__module__})
    method = wide(weights, "cpu")
    for module in method.modules().values():
        module.double()
    return Fuser(method, way="plain")


def answer_of(fuser: Fuser) -> dict[str, Any]:
    """64 samples of the output on the made pair, its range and its sum.

    The sum hears weights that act on few pixels: LUT-Fuse's network is saturated in all but some percent of them.

    Args:
        fuser: of ``in_float64``.
    """
    cls = type(fuser.method)
    height, width = declared(cls).answer_size or SIZE
    size = (max(height, cls.smallest), max(width, cls.smallest))
    with torch.random.fork_rng(devices=[]):
        output = fuser.compute(*fuser.prepare([made_pair(size)])).numpy()
    return {
        "size": list(size),
        "minimum": float(output.min()),
        "maximum": float(output.max()),
        "sum": float(output.sum()),
        "samples": [float(value) for value in sampled(output)],
    }


def difference(cls: type[Method], seen: dict[str, Any], wanted: dict[str, Any]) -> float:
    """The largest difference of two answers over the range of the wanted one; infinite where they cannot be compared.

    Of a classical method the least that 95 % of the samples keep.
    """
    if seen["size"] != wanted["size"]:
        return float("inf")
    span = max(wanted["maximum"] - wanted["minimum"], 1e-12)
    apart = np.sort(np.abs(np.subtract(seen["samples"], wanted["samples"]))) / span
    if not np.isfinite(apart).all():
        return float("inf")
    if cls.info.kind == "classical":
        return float(apart[int(np.ceil(CLASSICAL_SHARE * len(apart))) - 1])
    sums = abs(seen["sum"] - wanted["sum"]) / span if "sum" in wanted else 0.0
    return float(max(apart[-1], sums))
