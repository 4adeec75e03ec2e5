"""Reading pairs, and the digests that know a pair and its truth."""

from __future__ import annotations

from bench.data.frames import content_digest
from bench.data.listing import unequal
from bench.errors import BenchError
from bench.files import digest
from bench.images import read_four_channel, read_image
from bench.types import Pair, PairFiles


def read_pair(files: PairFiles) -> Pair:
    """Reads both images as stored.

    Raises:
        BenchError: a file is missing or broken, or the two differ in size.
    """
    if files.four_channel:
        ir, vis = read_four_channel(files.vis_path)
        return Pair(files, ir, vis)
    ir, vis = read_image(files.ir_path), read_image(files.vis_path)
    if ir.shape[:2] != vis.shape[:2]:
        raise BenchError(unequal(files, ir.shape, vis.shape))
    return Pair(files, ir, vis)


def pair_digest(files: PairFiles) -> str:
    """Digest of a pair's source files."""
    both = [content_digest(files.ir_path)]
    return digest(*both, content_digest(files.vis_path) if files.vis_path != files.ir_path else "")


def truth_digest(files: PairFiles) -> str:
    """Digest of a pair's truth files; empty where it has none."""
    paths = (files.label_path, files.boxes_path)
    return digest(*(content_digest(path) if path else "" for path in paths)) if any(paths) else ""
