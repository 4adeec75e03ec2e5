"""MATLAB's image arithmetic, which the released code of many classical methods rests on.

Rounding, grey values, gradients, resizing and min-max as MATLAB documents them; each is a small difference to NumPy or
OpenCV that moves pixels.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image as PillowImage

from bench.colour import quantise
from methods._classical.planes import Bytes, Plane

GREY_WEIGHTS = (0.298936021293775, 0.587043074451121, 0.114020904255103)
"""Of ``rgb2gray``: the first row of the inverse of its YIQ matrix, not the three-digit BT.601 weights."""


def to_uint8(values: Plane) -> Bytes:
    """``uint8(values)``: rounded half up, clipped to 0..255; NaN becomes 0."""
    return quantise(np.nan_to_num(values, nan=0.0, posinf=255.0, neginf=0.0))


def grey(image: Bytes | Plane) -> Plane:
    """``rgb2gray`` before rounding: (C, H, W) with one or three channels -> float64 (H, W), same range.

    Equal channels give their own value.
    """
    if len(image) == 1 or (np.array_equal(image[0], image[1]) and np.array_equal(image[0], image[2])):
        return image[0].astype(np.float64)
    red, green, blue = (weight * plane for weight, plane in zip(GREY_WEIGHTS, image, strict=True))
    return red + green + blue


def gradient(image: Plane, axis: int, out: Plane | None = None) -> Plane:
    """``gradient``: half the difference of the neighbours, and the whole of the one-sided one at both ends.

    Args:
        image: (H, W), at least two pixels along ``axis``.
        axis: 0 down the columns, 1 along the rows.
        out: where to write; not ``image``.
    """
    out = np.empty_like(image) if out is None else out
    source, target = (image, out) if axis == 0 else (image.T, out.T)
    np.subtract(source[2:], source[:-2], out=target[1:-1])
    target[1:-1] *= 0.5
    np.subtract(source[1], source[0], out=target[0])
    np.subtract(source[-1], source[-2], out=target[-1])
    return out


def stretch(image: Plane) -> Plane:
    """``mat2gray``: minimum and maximum to 0 and 1; a constant gives 0."""
    low, high = float(image.min()), float(image.max())
    return (image - low) / (high - low) if high > low else np.zeros_like(image)


def entropy(image: Bytes) -> float:
    """``entropy``: of the histogram of all values of all channels, in bits, 0 to 8."""
    shares = np.bincount(image.ravel(), minlength=256) / image.size
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


# ------------------------------------------------------------------ imresize


def _bicubic(distance: Plane) -> Plane:
    """Keys' kernel with a = -1/2."""
    x = np.abs(distance)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def _bilinear(distance: Plane) -> Plane:
    return np.maximum(1 - np.abs(distance), 0.0)


def _nearest(distance: Plane) -> Plane:
    return ((distance >= -0.5) & (distance < 0.5)).astype(np.float64)


KERNELS: dict[str, tuple[Callable[[Plane], Plane], float]] = {
    "bicubic": (_bicubic, 4.0),
    "bilinear": (_bilinear, 2.0),
    "nearest": (_nearest, 1.0),
}
"""Kernel and its width."""


def imresize(image: Plane, size: tuple[int, int], kernel: str = "bicubic", scale: float | None = None) -> Plane:
    """``imresize``: separable, widened where it shrinks (not ``nearest``), mirrored with the edge pixel.

    A uint8 image stays one, and is rounded between the two directions too.

    Args:
        image: (H, W), float64 or uint8.
        size: height and width wanted.
        kernel: ``bicubic``, ``bilinear`` or ``nearest``.
        scale: the factor where MATLAB was given one, whose size is ``ceil(scale * side)``; else the ratio of the sizes.

    Returns:
        The same type as ``image``.
    """
    scales = [scale or wanted / seen for wanted, seen in zip(size, image.shape, strict=True)]
    for axis in sorted((0, 1), key=lambda axis: scales[axis]):
        if size[axis] == image.shape[axis] and scales[axis] == 1:
            continue
        taps, weights = _taps(image.shape[axis], size[axis], scales[axis], kernel)
        resized = _weighted(image, taps, weights, axis)
        image = to_uint8(resized) if image.dtype == np.uint8 else resized
    return image


def _weighted(image: Plane, taps: Plane, weights: Plane, axis: int) -> Plane:
    """Sums of taps along one axis, tap by tap: the order of MATLAB's loop."""
    total = np.zeros([len(taps) if along == axis else length for along, length in enumerate(image.shape)])
    for tap, weight in zip(taps.T, weights.T, strict=True):
        total += np.take(image, tap, axis=axis) * (weight[:, None] if axis == 0 else weight)
    return total


@lru_cache(maxsize=32)
def _taps(length: int, wanted: int, scale: float, kernel: str) -> tuple[Plane, Plane]:
    """Which pixels (wanted, n) each resized pixel is made of, and their shares."""
    function, width = KERNELS[kernel]
    shrink = scale if scale < 1 and kernel != "nearest" else 1.0
    width /= shrink
    centre = np.arange(1, wanted + 1) / scale + 0.5 * (1 - 1 / scale)
    first = np.floor(centre - width / 2)
    taps = first[:, None] + np.arange(math.ceil(width) + 2)
    weights = shrink * function(shrink * (centre[:, None] - taps))
    weights /= weights.sum(axis=1, keepdims=True)
    place = np.mod(taps.astype(np.int64) - 1, 2 * length)
    place = np.minimum(place, 2 * length - 1 - place)
    used = (weights != 0).any(axis=0)
    return place[:, used], weights[:, used]


# ------------------------------------------------------------------ imwrite


def recode_jpeg(image: Bytes) -> Bytes:
    """What ``imwrite`` and ``imread`` of a JPEG leave of (C, H, W): quality 75, chroma halved; one channel is grey."""
    stored = image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))
    buffer = io.BytesIO()
    PillowImage.fromarray(stored).save(buffer, "JPEG", quality=75, subsampling="4:2:0")
    decoded = np.asarray(PillowImage.open(buffer))
    return decoded[None] if len(image) == 1 else decoded.transpose(2, 0, 1)
