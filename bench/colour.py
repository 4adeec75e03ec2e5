"""Grey conversions, merges of a fused luma with the visible colour, stretches and roundings: words of ``ImageStyle``.

Each is the arithmetic of some authors' program, in the precision that program had. Images are uint8, (H, W) or
(H, W, 3) RGB; luma is float64 (H, W), 0..255. Fixed-point formulas are those of OpenCV and libpng (their documentation
and results), written anew; that they equal the libraries is tested on random colours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from bench.images import Luma, as_rgb, is_grey
from bench.types import Image

Floats = NDArray[np.floating]

# ------------------------------------------------------------------ readers


def luma(image: Image) -> Luma:
    """BT.601 luma 0.299 R + 0.587 G + 0.114 B, not rounded; a grey image is its own luma, exactly.

    Returns:
        float64 (H, W), 0..255.
    """
    if image.ndim == 2:
        return image.astype(np.float64)
    red, green, blue = _channels(image)
    # green + 0.299 (red - green) + 0.114 (blue - green): equal channels give their own value without a rounding
    # residue; in place, for new arrays of this size cost more than the arithmetic
    red -= green
    red *= 0.299
    red += green
    blue -= green
    blue *= 0.114
    red += blue
    return red


def luma_uint8(image: Image) -> Image:
    """Luma as Pillow's ``convert("L")`` rounds it; uint8 (H, W)."""
    return image if image.ndim == 2 else np.asarray(PillowImage.fromarray(image).convert("L"))


def luma_scipy(image: Image) -> Luma:
    """Luma as ``scipy.misc.imread(path, flatten=True, mode="YCbCr")`` of SciPy < 1.2 read it.

    The image went RGB -> YCbCr -> RGB -> F in Pillow's fixed point, which loses one level at 22 grey values when the
    file stores grey as RGB, and nothing when it stores a single channel.

    Returns:
        float64 (H, W), 0..255, holding float32 values.
    """
    if image.ndim == 2:
        return image.astype(np.float64)
    round_trip = PillowImage.fromarray(image).convert("YCbCr").convert("RGB").convert("F")
    return np.asarray(round_trip, dtype=np.float64)


def luma_l15(image: Image) -> Luma:
    """OpenCV's grey of an 8-bit colour image: 15 fractional bits, rounded."""
    return _fixed_luma(image, (9798, 19235, 3735), 1 << 14, 15)


def luma_y14(image: Image) -> Luma:
    """Y of OpenCV's 8-bit YCrCb: 14 fractional bits, rounded."""
    return _fixed_luma(image, (4899, 9617, 1868), 1 << 13, 14)


def luma_png15(image: Image) -> Luma:
    """Grey as OpenCV's PNG reader (libpng) makes it of a colour file: 15 fractional bits, the fraction dropped."""
    return _fixed_luma(image, (9797, 19234, 3737), 0, 15)


def luma_floor(image: Image) -> Luma:
    """0.299 R + 0.587 G + 0.114 B in float64, added from left to right, the fraction dropped.

    Grey loses a level at those 65 values whose products add up to just below them; a single channel is read as three.
    """
    red, green, blue = _channels(as_rgb(image))
    return np.floor(0.299 * red + 0.587 * green + 0.114 * blue)


def luma_rint(image: Image) -> Luma:
    """OpenCV's grey of a float32 image, 0.299 R + 0.587 G + 0.114 B, rounded to nearest, halves to even."""
    if image.ndim == 2:
        return image.astype(np.float64)
    red, green, blue = (channel.astype(np.float32) for channel in _channels(image))
    grey = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    return np.rint(grey).astype(np.float64)


def luma_video(image: Image) -> Luma:
    """0.257 R + 0.564 G + 0.098 B + 16, not rounded: PIAFusion's, with 0.564 where video range has 0.504."""
    red, green, blue = _channels(as_rgb(image))
    return 0.257 * red + 0.564 * green + 0.098 * blue + 16.0


def red(image: Image) -> Luma:
    """The red channel."""
    return as_rgb(image)[..., 0].astype(np.float64)


def _channels(image: Image) -> tuple[Luma, Luma, Luma]:
    return (
        image[..., 0].astype(np.float64),
        image[..., 1].astype(np.float64),
        image[..., 2].astype(np.float64),
    )


def _fixed_luma(image: Image, weights: tuple[int, int, int], half: int, bits: int) -> Luma:
    if image.ndim == 2:
        return image.astype(np.float64)
    return ((image.astype(np.int64) @ np.array(weights) + half) >> bits).astype(np.float64)


READERS: dict[str, Callable[[Image], NDArray[np.generic]]] = {
    "luma": luma, "luma_uint8": luma_uint8, "luma_scipy": luma_scipy, "luma_l15": luma_l15, "luma_y14": luma_y14,
    "luma_png15": luma_png15, "luma_floor": luma_floor, "luma_rint": luma_rint, "luma_video": luma_video, "red": red,
}  # fmt: skip
"""Word of ``ImageStyle.reader`` -> function."""

# ------------------------------------------------------------------ stretch and rounding


def min_max(values: Floats, epsilon: float = 0.0) -> Floats:
    """Stretches an array's own minimum and maximum to 0 and 255, in its own precision; a constant one becomes 0.

    Args:
        values: any scale.
        epsilon: added to the span, on the scale of ``values``; keeps the maximum below 255.
    """
    low, span = values.min(), np.ptp(values)
    if span == 0:
        return np.zeros_like(values)
    # dividing first maps the maximum to exactly 255, which truncation must not turn into 254
    return (values - low) / (span + values.dtype.type(epsilon)) * values.dtype.type(255)


def quantise(values: Floats, rounding: str = "nearest") -> Image:
    """0..255 floats to uint8.

    Args:
        values: clipped first, but for ``wrap``.
        rounding: ``nearest`` floor(x + 0.5); ``truncate`` drops the fraction; ``even`` takes halves to the even
            neighbour, ``nearest_down`` to the lower one; ``wrap`` drops the fraction towards zero and takes the integer
            modulo 256, as a cast without a clip does on x86.
    """
    if rounding == "wrap":
        return (np.trunc(values).astype(np.int64) & 255).astype(np.uint8)
    clipped = np.clip(values, 0.0, 255.0)
    if rounding == "nearest":
        clipped += values.dtype.type(0.5)  # the cast drops the fraction
    elif rounding == "even":
        np.rint(clipped, out=clipped)
    elif rounding == "nearest_down":
        clipped -= values.dtype.type(0.5)
        np.ceil(clipped, out=clipped)
    return clipped.astype(np.uint8)


# ------------------------------------------------------------------ merges in floats


def add_luma(vis: Image, fused_luma: Luma) -> Luma:
    """Puts the visible chroma back: ``vis + (fused - luma(vis))``, the same as replacing Y in YCbCr.

    Args:
        vis: the visible image.
        fused_luma: clipped to 0..255 first.

    Returns:
        float64 (H, W, 3), may leave 0..255.
    """
    change = np.clip(np.asarray(fused_luma, np.float64), 0.0, 255.0)
    change -= luma(vis)
    rgb = as_rgb(vis).astype(np.float64)
    for channel in range(3):  # some times as fast as one sum over (H, W, 3), whose last axis is short
        rgb[..., channel] += change
    return rgb


def float_ycrcb(vis: Image, fused_luma: Luma) -> Luma:
    """Puts the visible chroma back by the rounded float matrices of SeAFusion's released code.

    Cr = (R - Y) 0.713 + 0.5, Cb = (B - Y) 0.564 + 0.5 on [0, 1]; R = Y + 1.403 (Cr - .5), G = Y - 0.714 (Cr - .5)
    - 0.344 (Cb - .5), B = Y + 1.773 (Cb - .5), clamped to [0, 1] before any stretch.

    Returns:
        float64 (H, W, 3), 0..255.
    """
    rgb = as_rgb(vis).astype(np.float64) / 255.0
    vis_luma = luma(vis) / 255.0
    cr = (rgb[..., 0] - vis_luma) * 0.713
    cb = (rgb[..., 2] - vis_luma) * 0.564
    return np.clip(_from_crcb(fused_luma / 255.0, cr, cb), 0.0, 1.0) * 255.0


def cv2_crcb_float(vis: Image, fused_luma: Luma) -> Luma:
    """Puts OpenCV's 8-bit Cr and Cb back in floats, with 0.5 taken for their zero: SAGE's way.

    The bytes' own zero is 128/255, so a grey visible image comes out tinted, by up to 0.9 levels.

    Returns:
        float64 (H, W, 3), may leave 0..255.
    """
    cr, cb = (plane / 255.0 - 0.5 for plane in cv2_chroma(vis))
    return _from_crcb(fused_luma / 255.0, cr, cb) * 255.0


def _from_crcb(y: Luma, cr: Luma, cb: Luma) -> Luma:
    return np.stack([y + 1.403 * cr, y - 0.714 * cr - 0.344 * cb, y + 1.773 * cb], axis=-1)


def video(vis: Image, fused_luma: Luma) -> Luma:
    """BT.601 in video range with rounded matrices, in floats (PIAFusion): black is 16, chroma has 219/255 of the scale.

    Cb = -0.148 R - 0.291 G + 0.439 B, Cr = 0.439 R - 0.368 G - 0.071 B; q = 1.164 (Y - 16); R = q + 1.596 Cr,
    G = q - 0.392 Cb - 0.813 Cr, B = q + 2.017 Cb.

    Returns:
        float64 (H, W, 3), may leave 0..255.
    """
    cb, cr = _chroma(vis, (-0.148, -0.291, 0.439), (0.439, -0.368, -0.071))
    q = 1.164 * (fused_luma - 16.0)
    return np.stack([q + 1.596 * cr, q - 0.392 * cb - 0.813 * cr, q + 2.017 * cb], axis=-1)


def ycbcr3(vis: Image, fused_luma: Luma) -> Luma:
    """Full-range BT.601, chroma with three digits, in floats; the fused luma is not clipped (GIFNet, MUFusion).

    Cb = -0.169 R - 0.331 G + 0.5 B, Cr = 0.5 R - 0.419 G - 0.081 B; R = Y + 1.402 Cr,
    G = Y - 0.344136 Cb - 0.714136 Cr, B = Y + 1.772 Cb.

    Returns:
        float64 (H, W, 3), may leave 0..255.
    """
    return _full_range(fused_luma, *_chroma(vis, (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081)))


def ycbcr6(vis: Image, fused_luma: Luma) -> Luma:
    """As ``ycbcr3``, chroma with six digits (LUT-Fuse).

    Cb = -0.168736 R - 0.331264 G + 0.5 B, Cr = 0.5 R - 0.418688 G - 0.081312 B.
    """
    return _full_range(fused_luma, *_chroma(vis, (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)))


def _full_range(y: Luma, cb: Luma, cr: Luma) -> Luma:
    return np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1)


def _chroma(vis: Image, to_cb: tuple[float, ...], to_cr: tuple[float, ...]) -> tuple[Luma, Luma]:
    """Cb and Cr around 0; exactly 0 where the three channels are equal, though rows of rounded weights sum to 0."""
    if is_grey(vis):
        zero = np.zeros(vis.shape[:2])
        return zero, zero
    channels = _channels(vis)
    cb, cr = (sum(weight * plane for weight, plane in zip(row, channels, strict=True)) for row in (to_cb, to_cr))
    return np.asarray(cb), np.asarray(cr)


FLOAT_MERGES: dict[str, Callable[[Image, Luma], Luma]] = {
    "add_luma": add_luma, "float_ycrcb": float_ycrcb, "cv2_crcb_float": cv2_crcb_float, "video": video,
    "ycbcr3": ycbcr3, "ycbcr6": ycbcr6,
}  # fmt: skip
"""Word of ``ImageStyle.merge`` -> function on an unrounded fused luma; stretch and rounding come after."""

# ------------------------------------------------------------------ merges in 8 bits


def pil_ycbcr(vis: Image, fused_luma: Image) -> Image:
    """Puts Pillow's Cb and Cr of the visible image behind a rounded fused luma; uint8 (H, W, 3)."""
    if is_grey(vis):
        return as_rgb(fused_luma)
    _, cb, cr = PillowImage.fromarray(vis).convert("YCbCr").split()
    return np.asarray(PillowImage.merge("YCbCr", (PillowImage.fromarray(fused_luma), cb, cr)).convert("RGB"))


def cv2_chroma(vis: Image) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cr and Cb of OpenCV's 8-bit YCrCb, 0..255; int64 (H, W) both."""
    rgb = as_rgb(vis).astype(np.int64)
    y = luma_y14(as_rgb(vis)).astype(np.int64)
    middle = (128 << 14) + (1 << 13)
    cr, cb = (((rgb[..., channel] - y) * factor + middle) >> 14 for channel, factor in ((0, 11682), (2, 9241)))
    return np.clip(cr, 0, 255), np.clip(cb, 0, 255)


def cv2_ycrcb(vis: Image, fused_luma: Image) -> Image:
    """Puts OpenCV's 8-bit Cr and Cb behind a rounded fused luma, by its 8-bit inverse; uint8 (H, W, 3).

    R = Y + (22987 Cr + 2^13 >> 14), G = Y + (-11698 Cr - 5636 Cb + 2^13 >> 14), B = Y + (29049 Cb + 2^13 >> 14),
    Cr and Cb less 128.
    """
    cr, cb = (plane - 128 for plane in cv2_chroma(vis))
    y, half = fused_luma.astype(np.int64), 1 << 13
    steps = (22987 * cr, -11698 * cr - 5636 * cb, 29049 * cb)
    return np.clip(np.stack([y + ((step + half) >> 14) for step in steps], axis=-1), 0, 255).astype(np.uint8)


def cv2_hsv(vis: Image, fused_luma: Image) -> Image:
    """Puts a rounded fused brightness in the place of V of OpenCV's 8-bit HSV; uint8 (H, W, 3).

    As MetaFusion's script calls it: red and blue are exchanged on the way there and back, which leaves the colours and
    moves the rounding of the hue.
    """
    import cv2

    hsv = cv2.cvtColor(np.ascontiguousarray(as_rgb(vis)[..., ::-1]), cv2.COLOR_RGB2HSV)
    hsv[..., 2] = fused_luma
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), dtype=np.uint8)[..., ::-1]


EIGHT_BIT_MERGES: dict[str, Callable[[Image, Image], Image]] = {
    "pil_ycbcr": pil_ycbcr, "cv2_ycrcb": cv2_ycrcb, "cv2_hsv": cv2_hsv,
}  # fmt: skip
"""Word of ``ImageStyle.merge`` -> function on a fused luma that is stretched and rounded already."""


def resize(image: Image, size: tuple[int, int], by: Literal["pillow", "opencv"]) -> Image:
    """An image at another size, bilinear.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        size: height and width.
        by: ``pillow`` averages where it shrinks (antialiasing), ``opencv`` does not.
    """
    height, width = size
    if by == "pillow":
        return np.asarray(PillowImage.fromarray(image).resize((width, height), PillowImage.Resampling.BILINEAR))
    import cv2

    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
