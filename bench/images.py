"""Reading, colour and writing of images: every grey conversion, stretch and rounding of the harness lives here."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


def luma(image: Image) -> Luma:
    """BT.601 luma 0.299 R + 0.587 G + 0.114 B, not rounded; a grey image is its own luma, exactly.

    Returns:
        float64 (H, W), 0..255.
    """
    if image.ndim == 2:
        return image.astype(np.float64)
    red, green, blue = (image[..., channel].astype(np.float64) for channel in range(3))
    # written so that equal channels give their own value without a rounding residue
    return green + 0.299 * (red - green) + 0.114 * (blue - green)


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


def min_max(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Stretches an array's own minimum and maximum to 0 and 255; a constant array becomes 0."""
    low, high = float(values.min()), float(values.max())
    if high == low:
        return np.zeros(values.shape)
    # dividing first maps the maximum to exactly 255, which truncation must not turn into 254
    return (values.astype(np.float64) - low) / (high - low) * 255.0


def quantise(values: NDArray[np.floating], truncate: bool = False) -> Image:
    """0..255 floats to uint8, clipped; ``floor(x + 0.5)``, or the fraction dropped."""
    shifted = np.clip(values, 0.0, 255.0) if truncate else np.clip(values, 0.0, 255.0) + 0.5
    return shifted.astype(np.uint8)


def add_luma(vis: Image, fused_luma: Luma) -> Luma:
    """Puts the visible chroma back: ``vis + (fused - luma(vis))``, the same as replacing Y in YCbCr.

    Returns:
        float64 (H, W, 3), may leave 0..255.
    """
    return as_rgb(vis).astype(np.float64) + (fused_luma - luma(vis))[..., None]


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
    y = fused_luma / 255.0
    merged = np.stack([y + 1.403 * cr, y - 0.714 * cr - 0.344 * cb, y + 1.773 * cb], axis=-1)
    return np.clip(merged, 0.0, 1.0) * 255.0


def pil_ycbcr(vis: Image, fused_luma: Image) -> Image:
    """Puts Pillow's Cb and Cr of the visible image behind a rounded fused luma; uint8 (H, W, 3)."""
    if is_grey(vis):
        return as_rgb(fused_luma)
    _, cb, cr = PillowImage.fromarray(vis).convert("YCbCr").split()
    return np.asarray(PillowImage.merge("YCbCr", (PillowImage.fromarray(fused_luma), cb, cr)).convert("RGB"))
