"""Reading pairs, and the digests that know a pair and its truth."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bench.data.depth import map_levels
from bench.data.frames import content_digest
from bench.data.listing import unequal
from bench.errors import BenchError
from bench.files import digest
from bench.images import read_four_channel, read_header, read_image, read_levels
from bench.types import Image, Pair, PairFiles


def read_pair(files: PairFiles) -> Pair:
    """Reads both images as stored, infrared of more than 8 bits by the mapping chosen for the data set.

    Raises:
        BenchError: a file is missing or broken, the two differ in size, or infrared is too deep and no mapping chosen.
    """
    how = files.four_channel, files.border, files.ir_range
    if files.four_channel:
        ir, vis = (_inner(side, files.border) for side in read_four_channel(files.vis_path))
        return Pair(files, ir, vis)
    ir, vis = read_side(files.ir_path, "ir", *how), read_side(files.vis_path, "vis", *how)
    if ir.shape[:2] != vis.shape[:2]:
        raise BenchError(unequal(files, ir.shape, vis.shape))
    return Pair(files, ir, vis)


def read_side(
    path: Path, side: Literal["ir", "vis"], four_channel: bool = False, border: int = 0, ir_range: str = ""
) -> Image:
    """Reads one image of a pair.

    Args:
        path: of the file.
        side: which image it is.
        four_channel: as in ``PairFiles``, and so the others.
        border: pixels cut off every side.
        ir_range: mapping of infrared of more than 8 bits.

    Returns:
        uint8 (H, W) or (H, W, 3) RGB.

    Raises:
        BenchError: as ``read_pair``.
    """
    if four_channel:
        ir, vis = read_four_channel(path)
        return _inner(ir if side == "ir" else vis, border)
    if side == "ir" and ir_range and read_header(path, deep=True).bits > 8:
        return _inner(map_levels(*read_levels(path), ir_range, str(path)), border)
    return _inner(read_image(path), border)


def _inner(image: Image, border: int) -> Image:
    return image[border:-border, border:-border] if border else image


def pair_digest(files: PairFiles) -> str:
    """Digest of a pair's source files, and of how they are read where that is not the common way."""
    both = [content_digest(files.ir_path)]
    how = [f"border {files.border}, {files.ir_range}"] if files.border or files.ir_range else []
    return digest(*both, content_digest(files.vis_path) if files.vis_path != files.ir_path else "", *how)


def truth_digest(files: PairFiles) -> str:
    """Digest of a pair's truth files; empty where it has none."""
    paths = (files.label_path, files.boxes_path)
    return digest(*(content_digest(path) if path else "" for path in paths)) if any(paths) else ""
