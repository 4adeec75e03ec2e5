"""Carries out an ``ImageStyle``: images as stored to planes in 0..255, a method's output to an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.colour import EIGHT_BIT_MERGES, FLOAT_MERGES, READERS, min_max, quantise
from bench.images import as_rgb, is_grey
from bench.types import Image

if TYPE_CHECKING:
    from bench.plugin.method import ImageStyle

Floats = NDArray[np.floating[Any]]


def read_ir(style: ImageStyle, ir: Image) -> NDArray[Any]:
    """The infrared plane, (H, W), 0..255; where the style names no reader for it, SciPy's or Pillow's grey."""
    word = style.ir_reader or ("luma_scipy" if style.reader == "luma_scipy" else "luma_uint8")
    return READERS[word](ir)


def read_vis(style: ImageStyle, vis: Image) -> NDArray[Any]:
    """The visible image's luma, (H, W), 0..255."""
    return READERS[style.reader](vis)


def written_luma(style: ImageStyle, values: Floats) -> Image:
    """A fused luma stretched and rounded, before any colour is put back.

    Args:
        style: its words.
        values: (H, W), 0 to 1 is black to white.

    Returns:
        uint8 (H, W).
    """
    return _rounded(style, _scaled(style, _cast(style, values)))


def written_rgb(style: ImageStyle, values: Floats) -> Image:
    """The same for three channels (H, W, 3), stretched jointly."""
    return written_luma(style, values)


def merged(style: ImageStyle, vis: Image, values: Floats) -> Image:
    """A fused luma with the colour of the visible image.

    Args:
        style: its words.
        vis: the visible image.
        values: (H, W), 0 to 1 is black to white.

    Returns:
        uint8 (H, W, 3).
    """
    if style.merge in EIGHT_BIT_MERGES:
        return EIGHT_BIT_MERGES[style.merge](vis, written_luma(style, values))
    if style.merge == "add_luma" and is_grey(vis):
        return as_rgb(written_luma(style, values))
    rgb: Floats = FLOAT_MERGES[style.merge](vis, _scale(_cast(style, values)).astype(np.float64))
    if style.stretch == "min_max":
        rgb = min_max(rgb, style.stretch_epsilon * 255.0)
    return _rounded(style, rgb)


def _cast(style: ImageStyle, values: Floats) -> Floats:
    return values.astype(np.float32 if style.arithmetic == "single" else np.float64)


def _scaled(style: ImageStyle, values: Floats) -> Floats:
    if style.stretch == "min_max":
        return min_max(values, style.stretch_epsilon)
    return _scale(values)


def _scale(values: Floats) -> Floats:
    return values * values.dtype.type(255)


def _rounded(style: ImageStyle, values: Floats) -> Image:
    return quantise(values, style.rounding)
