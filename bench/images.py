"""Reading and writing of images; grey conversions, merges, stretches and roundings live in ``bench/colour.py``."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from bench.errors import BenchError
from bench.types import Image

Luma = NDArray[np.float64]
"""float64 (H, W), 0..255."""

MAX_PIXELS = 100_000_000
"""Larger images are refused before they are decoded (a decompression bomb would exhaust memory)."""

PillowImage.MAX_IMAGE_PIXELS = MAX_PIXELS
BOMBS = (PillowImage.DecompressionBombError, PillowImage.DecompressionBombWarning)
"""The warning, too, is an exception where warnings are made errors."""


def read_image(path: Path, colour: bool | None = None) -> Image:
    """Reads an 8-bit grey or RGB image as stored.

    Args:
        path: PNG, JPEG, BMP, TIFF...
        colour: True replicates grey to (H, W, 3); None and False keep what the file stores.

    Returns:
        uint8 (H, W) or (H, W, 3) RGB.

    Raises:
        BenchError: missing, unreadable, truncated, too large, 16-bit, with alpha, or another mode.
    """
    with _opened(path) as file:
        if file.mode == "P":
            file = file.convert("RGB")
        array = np.asarray(file.convert("L") if file.mode == "1" else file)
    if colour and array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    array.setflags(write=False)
    return array


def read_four_channel(path: Path) -> tuple[Image, Image]:
    """Reads a file that holds RGB and infrared as its fourth channel (the original MFNet release).

    Returns:
        ir uint8 (H, W), vis uint8 (H, W, 3).

    Raises:
        BenchError: missing, unreadable, too large, or not of four 8-bit channels.
    """
    with _opened(path, four_channel=True) as file:
        array = np.asarray(file)
    ir, vis = np.ascontiguousarray(array[..., 3]), np.ascontiguousarray(array[..., :3])
    ir.setflags(write=False)
    vis.setflags(write=False)
    return ir, vis


def image_size(path: Path, four_channel: bool = False) -> tuple[int, int]:
    """Height and width from the file's header, with the checks of ``read_image``; no pixel is decoded."""
    with _opened(path, four_channel) as file:
        return file.height, file.width


@contextmanager
def _opened(path: Path, four_channel: bool = False) -> Iterator[PillowImage.Image]:
    """Opens an image whose header is in order, and words every fault of it, decoding faults included."""
    try:
        with PillowImage.open(path) as file:
            if file.width * file.height > MAX_PIXELS:
                raise BenchError(
                    f"{path}: {file.width}x{file.height} pixels, wanted at most {MAX_PIXELS}; crop or split the image"
                )
            plain = file.mode in ("L", "RGB", "1") or (file.mode == "P" and "transparency" not in file.info)
            if four_channel and file.mode != "RGBA":
                raise BenchError(f"{path}: {_mode_in_words(file.mode)}, wanted four 8-bit channels (RGB and infrared)")
            if not four_channel and not plain:
                raise BenchError(f"{path}: {_mode_in_words(file.mode)}, wanted 8-bit grey or RGB; convert the file")
            yield file
    except FileNotFoundError as error:
        raise BenchError(f"{path}: no such file; check the data root") from error
    except (UnidentifiedImageError, *BOMBS, OSError, SyntaxError, ValueError) as error:
        text = " ".join(str(error).split())
        raise BenchError(f"{path}: not a readable image ({text}); fetch or export it again") from error


def _mode_in_words(mode: str) -> str:
    if mode.startswith(("I", "F")):
        return f"{'16-bit or wider' if mode != 'F' else 'floating-point'} image (mode {mode})"
    if mode in ("RGBA", "LA", "PA", "P", "RGBa", "La"):
        return f"image with an alpha channel (mode {mode})"
    return f"image of mode {mode}"


def encode_png(image: Image, compress_level: int = 1) -> bytes:
    """The image as PNG bytes; level 1 is several times faster than the default and some 10 % larger."""
    buffer = io.BytesIO()
    PillowImage.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", compress_level=compress_level)
    return buffer.getvalue()


def as_rgb(image: Image) -> Image:
    """(H, W, 3); grey is replicated."""
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def is_grey(image: Image) -> bool:
    """True if the three channels are equal everywhere (or there is just one)."""
    return image.ndim == 2 or bool((image[..., 0] == image[..., 1]).all() and (image[..., 1] == image[..., 2]).all())


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
