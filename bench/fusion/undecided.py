"""Pixels at the jump of a cast that wraps: the last bits of the arithmetic decide which side they fall on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bench.fusion import style
from bench.fusion.harness import Fuser
from bench.images import as_rgb
from bench.types import Image

NUDGE = 1e-3
"""Grey levels: ample for float32 sums of values up to 256 in another order, and far below what any image shows."""

JUMP = 128
"""Grey levels between two sides that only a wrap can bring about."""


def fuse_as(fuser: Fuser, pair: tuple[Image, Image], wanted: Image, grey: bool = False) -> tuple[Image, int]:
    """Fuses a pair to be compared with a reference of another processor.

    Where the method's cast wraps, a value just below -1 or just below 256 becomes white or black. A pixel whose value
    lies within ``NUDGE`` of such a jump is undecided, and takes the side that the reference has.

    Args:
        fuser: the method.
        pair: ir and vis, as for ``Fuser.fuse_pair``.
        wanted: the reference, uint8 (H, W) or (H, W, 3).
        grey: fuse to the luma as it is written, as ``Fuser.fuse_luma`` does.

    Returns:
        The image, uint8 (H, W, 3), or (H, W) if ``grey``; and how many pixels took another side than here.
    """
    wraps = fuser.style.rounding == "wrap" and fuser.method.space == "luma"
    if not wraps or wanted.shape[:2] != pair[1].shape[:2]:
        return fuser.fuse_luma(*pair) if grey else fuser.fuse_pair(*pair), 0
    output = fuser.compute(*fuser.prepare([pair]))

    def written(values: Tensor) -> Image:
        return _luma(fuser, values) if grey else fuser.finish([pair], values)[0]

    sides = [output + step / 255 for step in (-NUDGE, NUDGE)]
    undecided = _jumps(*(_luma(fuser, side) for side in sides))
    image, target = written(output), as_rgb(wanted).astype(np.int16)
    best, changed = image.copy(), np.zeros_like(undecided)
    for side in sides if undecided.any() else ():
        other = written(side)
        nearer = undecided & (_distance(other, target) < _distance(best, target))
        best[nearer] = other[nearer]
        changed |= nearer
    return best, int(changed.sum())


def _luma(fuser: Fuser, output: Tensor) -> Image:
    return style.written_luma(fuser.style, output[0, 0].to("cpu").numpy())


def _jumps(low: Image, high: Image) -> NDArray[np.bool_]:
    return np.asarray(np.abs(low.astype(np.int16) - high) > JUMP)


def _distance(image: Image, target: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.asarray(np.abs(as_rgb(image) - target).max(axis=2))
