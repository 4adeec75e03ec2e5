"""A folder of ready fused images as a method: for papers whose code cannot be run but whose images are published."""

from __future__ import annotations

from pathlib import Path

from bench.errors import BenchError
from bench.images import as_rgb, read_image
from bench.types import Image, PairFiles

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def find_ready(folder: Path, files: PairFiles) -> Path:
    """The image of one pair: ``<folder>/<dataset>/<pair>.*`` or ``<folder>/<pair>.*``, extension and case free.

    Raises:
        BenchError: there is none.
    """
    for place in (folder / files.dataset, folder):
        if not place.is_dir():
            continue
        matches = sorted(
            path
            for path in place.iterdir()
            if path.stem.lower() == files.id.lower() and path.suffix.lower() in EXTENSIONS
        )
        if matches:
            return matches[0]
    raise BenchError(f"{folder}: holds no image named {files.id}.*, wanted one per pair; add it or leave the pair out")


def read_ready(folder: Path, files: PairFiles, size: tuple[int, ...]) -> Image:
    """Reads one pair's ready image as RGB.

    Args:
        folder: of the method.
        files: the pair.
        size: (height, width) of its sources.

    Raises:
        BenchError: missing, unreadable or of another size.
    """
    path = find_ready(folder, files)
    image = as_rgb(read_image(path))
    if image.shape[:2] != tuple(size):
        raise BenchError(
            f"{path}: {image.shape[1]}x{image.shape[0]} pixels, its sources {size[1]}x{size[0]}; fuse at full size"
        )
    return image
