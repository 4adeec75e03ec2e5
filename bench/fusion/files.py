"""Which pairs ``bench fuse`` fuses, and into which files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench.data.depth import resolve
from bench.data.folders import list_folders
from bench.data.names import Place
from bench.errors import BenchError
from bench.images import ENDINGS
from bench.types import PairFiles, Problem

LOSSLESS = (".png", ".bmp", ".tif", ".tiff", ".ppm")
"""Endings that a fused image may be written with; its pixels are then those that were computed."""


@dataclass(frozen=True, slots=True)
class FuseOutcome:
    """What ``bench fuse`` prints.

    Attributes:
        path: the file or folder written; the page's address where frames were only shown.
        written: how many images.
        notes: remarks on the sources.
        failed: one line per pair that failed, and per file that belongs to no pair.
        what: what was written.
        interrupted: True if Ctrl-C ended it.
    """

    path: Path | str
    written: int
    notes: list[str]
    failed: list[str]
    what: str = "images"
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """Pairs with the file that each becomes.

    Attributes:
        path: the file or folder written.
        targets: file by pair.
        pairs: in listing order.
        problems: of the sources.
    """

    path: Path
    targets: dict[str, Path]
    pairs: tuple[PairFiles, ...]
    problems: tuple[Problem, ...] = field(default=())


def list_work(ir: Path, vis: Path, out: Path, ir_range: str = "") -> Work:
    """The pairs of two files or two folders, and the file that each becomes.

    Args:
        ir: infrared image, or folder, or ``FOLDER/PATTERN``.
        vis: visible image, or folder, or ``FOLDER/PATTERN``.
        out: file or folder.
        ir_range: how infrared of more than 8 bits becomes 8; empty refuses it.

    Raises:
        BenchError: no such file, a file beside a folder, no pairs, an ending that would lose pixels.
    """
    places = Place.of(ir), Place.of(vis)
    for place in places:
        if not place.folder.exists():
            raise BenchError(f"{place.folder}: no such file or folder; check --ir and --vis")
    if ir.is_file() and vis.is_file():
        if ir.samefile(vis):
            raise BenchError(f"{ir}: is given as both images, wanted an infrared and a visible one")
        target = _target_file(out, vis.stem)
        files = PairFiles("", "", vis.stem, ir, vis, ir_range=resolve(ir_range, [ir]))
        return Work(target, {vis.stem: target}, (files,))
    if ir.is_file() or vis.is_file():
        raise BenchError(f"{ir} and {vis}: one is a folder and one a file, wanted two of a kind")
    if out.is_file() or out.suffix.casefold() in ENDINGS:
        raise BenchError(f"--out is {out}, wanted a folder, as --ir and --vis are")
    listing = list_folders(ir, vis, ir_range)
    targets = {files.id: out / f"{files.id}.png" for files in listing.pairs}
    return Work(out, targets, listing.pairs, listing.problems)


def _target_file(out: Path, name: str) -> Path:
    if out.is_dir() or str(out).endswith("/"):
        return out / f"{name}.png"
    if not out.suffix:
        return out.with_name(f"{out.name}.png")
    if out.suffix.casefold() not in LOSSLESS:
        raise BenchError(f"--out ends in {out.suffix}, wanted one that keeps every pixel: {', '.join(LOSSLESS)}")
    return out
