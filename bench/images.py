"""Reading and writing of images; grey conversions, merges, stretches and roundings live in ``bench/colour.py``."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError
from PIL.Image import open as open_with_pillow  # itself, also where ultralytics replaces it later
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from bench.errors import BenchError
from bench.files import PICTURES, stranger
from bench.types import Image

Luma = NDArray[np.float64]
"""float64 (H, W), 0..255."""

MAX_PIXELS = 100_000_000
"""Larger images are refused before they are decoded (a decompression bomb would exhaust memory)."""

PillowImage.MAX_IMAGE_PIXELS = MAX_PIXELS
BOMBS = (PillowImage.DecompressionBombError, PillowImage.DecompressionBombWarning)
"""The warning, too, is an exception where warnings are made errors."""

UNKNOWN = (UnidentifiedImageError, ImportError)
"""Of a file in no format that Pillow knows; an import where ultralytics came first and replaced ``Image.open``."""


ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm")
"""Endings of the image files that are read, in lower case; a file's ending may be of any case."""

FORMATS = ("PNG", "JPEG", "BMP", "PPM", TiffImageFile.format, WebPImageFile.format)
"""What Pillow may take a file for. Formats whose depth cannot be told from the opened file are not among them."""

MOST_BITS = 16
"""Bits of the deepest infrared that a mapping to 8 bits is offered for."""

ORIENTATION = 0x0112
"""The tag of EXIF (and TIFF) that says how the stored rows and columns are to be turned; CIPA DC-008, 4.6.4 A."""


def read_image(path: Path, colour: bool | None = None) -> Image:
    """Reads an 8-bit grey or RGB image as stored, turned upright if its EXIF orientation says so.

    An alpha channel that is opaque everywhere is dropped.

    Args:
        path: PNG, JPEG, BMP, TIFF...
        colour: True replicates grey to (H, W, 3); None and False keep what the file stores.

    Returns:
        uint8 (H, W) or (H, W, 3) RGB.

    Raises:
        BenchError: missing, unreadable, truncated, too large, of more than 8 bits, with an alpha channel that hides
            something, or of another mode.
    """
    with _opened(path) as file:
        pixels = _without_alpha(path, file)
        array = np.ascontiguousarray(_upright(pixels, _orientation(file)))  # Pillow turns a TIFF as it loads it
    if colour and array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    array.setflags(write=False)
    return array


def read_levels(path: Path) -> tuple[NDArray[np.uint16], int]:
    """Reads a grey image of up to 16 bits as stored, or the one channel that three equal ones hold.

    Returns:
        uint16 (H, W), turned upright as ``read_image`` does, and how many bits the file says a level has.

    Raises:
        BenchError: missing, unreadable, too large, of more than 16 bits or of floats, or in colour.
    """
    with _opened(path, deep=True) as file:
        bits = _bits(file)
        levels: NDArray[Any]
        if bits <= 8:
            levels = _one_channel(path, _without_alpha(path, file))
        elif file.mode.startswith("I"):
            levels = np.asarray(file)
        else:  # Pillow would drop the low byte of several channels
            levels = _one_channel(path, _decoded_deep(path))
        orientation = _orientation(file)  # asked last: Pillow turns a TIFF as it loads it
    if levels.size and (levels.min() < 0 or levels.max() >= 1 << MOST_BITS):
        raise BenchError(f"{path}: levels {levels.min()} to {levels.max()}, wanted 0 to 65535; convert the file")
    return np.ascontiguousarray(_upright(levels, orientation)).astype(np.uint16), bits


def _decoded_deep(path: Path) -> NDArray[np.uint16]:
    """All channels of a 16-bit colour file, without an alpha channel that is opaque."""
    import cv2

    found: Any = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if found is None or found.dtype != np.uint16:
        raise BenchError(f"{path}: not a readable image of 16-bit channels; convert it to one channel")
    if found.ndim == 3 and found.shape[2] == 4:
        if (found[..., 3] != np.iinfo(np.uint16).max).any():
            raise BenchError(f"{path}: 16-bit image with an alpha channel that is not opaque; convert it")
        found = found[..., :3]
    return found


def _one_channel(path: Path, levels: NDArray[Any]) -> NDArray[Any]:
    if levels.ndim == 2:
        return levels
    if not is_grey(levels):
        raise BenchError(f"{path}: infrared in colour, wanted one channel, or three equal ones; convert it")
    return levels[..., 0]


def read_four_channel(path: Path) -> tuple[Image, Image]:
    """Reads a file that holds RGB and infrared as its fourth channel (the original MFNet release).

    Returns:
        ir uint8 (H, W), vis uint8 (H, W, 3).

    Raises:
        BenchError: missing, unreadable, too large, or not of four 8-bit channels.
    """
    with _opened(path, four_channel=True) as file:
        pixels = np.asarray(file)
        array = _upright(pixels, _orientation(file))
    ir, vis = np.ascontiguousarray(array[..., 3]), np.ascontiguousarray(array[..., :3])
    ir.setflags(write=False)
    vis.setflags(write=False)
    return ir, vis


def read_ids(path: Path) -> Image:
    """Reads an image of class ids: the numbers stored, of 1, 2, 4 or 8 bits, or the indices of a palette.

    Returns:
        uint8 (H, W), turned upright as ``read_image`` does.

    Raises:
        BenchError: missing, unreadable, too large, of more than 8 bits, not of one channel, or a JPEG, which keeps no
            numbers.
    """
    with _opened(path) as file:
        if file.mode not in ("1", "L", "P"):
            raise BenchError(f"{path}: image of mode {file.mode}, wanted one channel of class ids")
        if file.format in ("JPEG", "MPO"):
            raise BenchError(f"{path}: a JPEG changes the numbers it holds, wanted a lossless file of class ids")
        return np.ascontiguousarray(_upright(_as_stored(file), _orientation(file)))


def _as_stored(file: PillowImage.Image) -> Image:
    """The numbers in the file; Pillow stretches grey of few levels to 0..255 and inverts where 0 is white."""
    packing = _raw_mode(file).partition(";")[2]  # e.g. 4I: of four bits, inverted
    bits = "".join(letter for letter in packing if letter.isdigit())
    highest = 2 ** int(bits or (1 if file.mode == "1" else 8)) - 1
    if file.format == "PPM" and file.mode == "L":
        highest = next((part for part in _tile_arguments(file) if isinstance(part, int)), highest)
    read = np.asarray(file).astype(np.uint8)  # which forgets how the file stores them
    if file.mode == "P":
        return read
    levels = read if file.mode == "1" else (read.astype(np.uint32) * highest + 127) // 255
    return (highest - levels if "I" in packing else levels).astype(np.uint8)


class Header(NamedTuple):
    """What a file says of its image before a pixel is decoded.

    Attributes:
        height: of the upright image.
        width: of the upright image.
        alpha: it has an alpha channel, which ``read_image`` drops if it is opaque.
        bits: of its deepest channel.
    """

    height: int
    width: int
    alpha: bool
    bits: int


def read_header(path: Path, four_channel: bool = False, deep: bool = False) -> Header:
    """Reads a file's header, with the checks of ``read_image``, or of ``read_levels`` if ``deep``; decodes no pixel."""
    with _opened(path, four_channel, deep) as file:
        tags = getattr(file, "tag_v2", {})  # Pillow's own size of a TIFF is turned already, by version
        width, height = int(tags.get(256, file.width)), int(tags.get(257, file.height))
        if _orientation(file) >= 5:
            height, width = width, height
        return Header(height, width, _is_alpha(file), _bits(file))


def image_size(path: Path, four_channel: bool = False) -> tuple[int, int]:
    """Height and width of the upright image; see ``read_header``."""
    return read_header(path, four_channel)[:2]


@contextmanager
def _opened(path: Path, four_channel: bool = False, deep: bool = False) -> Iterator[PillowImage.Image]:
    """Opens an image whose header is in order, and words every fault of it, decoding faults included."""
    try:
        with open_with_pillow(path, formats=FORMATS) as file:
            if file.width * file.height > MAX_PIXELS:
                raise BenchError(
                    f"{path}: {file.width}x{file.height} pixels, wanted at most {MAX_PIXELS}; crop or split the image"
                )
            _check_mode(path, file, four_channel, deep)
            _check_frames(path, file)
            if isinstance(file, TiffImageFile):
                file.filename = ""  # else Pillow maps the file, and a grey one so mapped is turned wrongly
            yield file
    except FileNotFoundError as error:
        raise BenchError(f"{path}: no such file; check the data root") from error
    except (*UNKNOWN, *BOMBS, OSError, SyntaxError, ValueError, TypeError, EOFError) as error:
        if isinstance(error, UNKNOWN):
            seen = stranger(path, PICTURES) or "not a readable image; fetch or export it again"
        else:
            seen = f"not a readable image ({' '.join(str(error).split())}); fetch or export it again"
        raise BenchError(f"{path}: {seen}") from error


def _check_frames(path: Path, file: PillowImage.Image) -> None:
    """Refuses several images in one file, of which Pillow would show the first without a word."""
    frames = getattr(file, "n_frames", 1)
    if frames == 1:
        return
    with open_with_pillow(path, formats=FORMATS) as other:
        frames -= sum(_is_companion(other, frame, file.size) for frame in range(1, frames))
    if frames > 1:
        raise BenchError(f"{path}: holds {frames} images (pages, frames), wanted one; save the one that is meant alone")


def _is_companion(file: PillowImage.Image, frame: int, size: tuple[int, int]) -> bool:
    """Whether a further image goes with the first: a thumbnail, a gain map, a reduced page of a TIFF 6.0."""
    if file.format not in ("MPO", TiffImageFile.format):
        return False
    file.seek(frame)
    return file.size != size if file.format == "MPO" else bool(getattr(file, "tag_v2", {}).get(254, 0) & 1)


def _check_mode(path: Path, file: PillowImage.Image, four_channel: bool, deep: bool) -> None:
    bits = _bits(file)
    if deep and 8 < bits <= MOST_BITS and file.mode != "F":
        return
    if bits > 8:
        seen = "floating-point" if file.mode == "F" else f"{bits}-bit"
        raise BenchError(
            f"{path}: {seen} image (mode {file.mode}), wanted at most 8 bits a channel; convert it, and say how; for "
            f"infrared of up to {MOST_BITS} bits choose a mapping with --ir-range"
        )
    if four_channel and file.mode != "RGBA":
        raise BenchError(f"{path}: {_mode_in_words(file)}, wanted four 8-bit channels (RGB and infrared)")
    if not four_channel and file.mode not in ("L", "RGB", "1", "P", "RGBA", "LA", "PA"):
        raise BenchError(f"{path}: {_mode_in_words(file)}, wanted 8-bit grey or RGB; convert the file")


def _bits(file: PillowImage.Image) -> int:
    """Bits of the deepest channel as the file stores it; Pillow drops the low byte of 16-bit colour without a word."""
    if file.mode.startswith(("I", "F")):
        return 32 if file.mode in ("I", "F") and not _stored_in_16(file) else 16
    depths: object = getattr(file, "tag_v2", {}).get(258)  # BitsPerSample of a TIFF
    deepest = max(depths) if isinstance(depths, tuple) and depths else 8
    return max(deepest, 16 if _stored_in_16(file) else 8)


def _stored_in_16(file: PillowImage.Image) -> bool:
    raw = _tile_arguments(file)
    if file.format == "PPM":  # the largest value that a sample may have
        return any(isinstance(part, int) and part > 255 for part in raw) or any(";16" in str(part) for part in raw)
    return any(isinstance(part, str) and ";16" in part for part in raw)


def _tile_arguments(file: PillowImage.Image) -> tuple[object, ...]:
    tiles = getattr(file, "tile", None)
    if not tiles:
        return ()
    raw = tiles[0][3]
    return tuple(raw) if isinstance(raw, tuple) else (raw,)


def _raw_mode(file: PillowImage.Image) -> str:
    raw = _tile_arguments(file)
    return str(raw[0]) if raw else ""


def _is_alpha(file: PillowImage.Image) -> bool:
    return file.mode in ("RGBA", "LA", "PA") or (file.mode == "P" and "transparency" in file.info)


def _without_alpha(path: Path, file: PillowImage.Image) -> Image:
    """The grey or RGB pixels as stored."""
    if file.mode == "1":
        return np.asarray(file.convert("L"))
    if not _is_alpha(file):
        return np.asarray(file.convert("RGB") if file.mode == "P" else file)
    array = np.asarray(file if file.mode in ("RGBA", "LA") else file.convert("RGBA"))
    if (array[..., -1] != 255).any():
        raise BenchError(
            f"{path}: image with an alpha channel (mode {file.mode}) that is not opaque, wanted 8-bit grey or RGB; "
            "convert the file, or describe it as four_channel if the fourth channel is infrared"
        )
    return array[..., 0] if array.shape[2] == 2 else array[..., :3]


def is_stored_upright(path: Path) -> bool:
    """True if the file's rows are the image's rows, so that any program that shows the file shows these pixels.

    Raises:
        BenchError: as ``read_image``.
    """
    with _opened(path) as file:
        return _orientation(file) == 1


def _orientation(file: PillowImage.Image) -> int:
    """EXIF orientation 1 to 8; 1, upright, where there is none or another value."""
    if isinstance(file, PngImageFile) and "exif" not in file.info:
        found = PillowImage.Exif()
        found.load(_exif_after_pixels(file))
    else:
        found = file.getexif()
    value = found.get(ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _exif_after_pixels(file: PngImageFile) -> bytes:
    """The eXIf chunk of a PNG that stands behind its pixels, found by chunk headers alone; empty if there is none."""
    with Path(str(file.filename)).open("rb", buffering=0) as stream:  # a buffer would read what is stepped over
        stream.seek(8)
        while len(head := stream.read(8)) == 8:
            length, kind = int.from_bytes(head[:4], "big"), head[4:]
            if kind == b"eXIf":
                return stream.read(length)
            if kind == b"IEND":
                break
            stream.seek(length + 4, 1)
    return b""


def _upright(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turns stored rows and columns as EXIF orientation 1 to 8 says (2 and 4 mirror, 3 turns half, 5 to 8 swap)."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    # the side on which the stored first row and column end up, per orientation, once the axes are swapped
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array


def _mode_in_words(file: PillowImage.Image) -> str:
    if _is_alpha(file) or file.mode in ("RGBa", "La"):
        return f"image with an alpha channel (mode {file.mode})"
    return f"image of mode {file.mode}"


def encode_image(image: Image, ending: str) -> bytes:
    """The image as the bytes of a lossless file: PNG, BMP, TIFF or PPM by its ending, in any case."""
    if ending.casefold() == ".png":
        return encode_png(image)
    buffer = io.BytesIO()
    name = {".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF", ".ppm": "PPM"}[ending.casefold()]
    PillowImage.fromarray(np.ascontiguousarray(image)).save(buffer, name)
    return buffer.getvalue()


def encode_png(image: Image, compress_level: int = 1) -> bytes:
    """The image as PNG bytes.

    Level 1 takes one filter for all rows and shortens runs of equal bytes: trying out filters row by row would double
    the time, also of reading, for a file of about the same size.
    """
    if compress_level > 1:
        buffer = io.BytesIO()
        PillowImage.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", compress_level=compress_level)
        return buffer.getvalue()
    import cv2

    settings = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # older ones take this filter by themselves
        settings += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB]
    channels = np.ascontiguousarray(image if image.ndim == 2 else image[..., ::-1])
    return bytes(cv2.imencode(".png", channels, settings)[1])


def as_rgb(image: Image) -> Image:
    """(H, W, 3); grey is replicated."""
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def is_grey(image: Image) -> bool:
    """True if the three channels are equal everywhere (or there is just one)."""
    return image.ndim == 2 or bool((image[..., 0] == image[..., 1]).all() and (image[..., 1] == image[..., 2]).all())
