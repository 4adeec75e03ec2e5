"""``bench fuse``: one pair, or two folders of images, outside any run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.data.depth import resolve
from bench.data.folders import list_folders
from bench.data.names import Place
from bench.errors import BenchError, describe
from bench.files import write_atomic
from bench.fuse.harness import create_fuser
from bench.fuse.stream import Timings, fuse_stream
from bench.images import ENDINGS, encode_image
from bench.types import Image, PairFiles, Problem, Way

LOSSLESS = (".png", ".bmp", ".tif", ".tiff", ".ppm")
"""Endings that a fused image may be written with; its pixels are then those that were computed."""


@dataclass(frozen=True, slots=True)
class FuseOutcome:
    """What ``bench fuse`` prints.

    Attributes:
        path: the file or folder written.
        written: how many images.
        notes: remarks on the sources.
        failed: one line per pair that failed, and per file that belongs to no pair.
    """

    path: Path
    written: int
    notes: list[str]
    failed: list[str]


@dataclass(frozen=True, slots=True)
class _Work:
    """Pairs with the file that each becomes."""

    path: Path
    targets: dict[str, Path]
    pairs: tuple[PairFiles, ...]
    problems: tuple[Problem, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class FuseRequest:
    """What ``bench fuse`` was asked for.

    Attributes:
        method: registered name.
        ir: infrared image, or folder, or ``FOLDER/PATTERN``.
        vis: visible image, or folder, or ``FOLDER/PATTERN``.
        out: file or folder; a folder is created, and a file without ending gets ``.png``.
        weights: weights root or file.
        device: torch device.
        way: ``published`` or ``plain``.
        ir_range: how infrared of more than 8 bits becomes 8; empty refuses it.
    """

    method: str
    ir: Path
    vis: Path
    out: Path
    weights: Path | None = None
    device: str = "auto"
    way: str = "published"
    ir_range: str = ""


def fuse_files(request: FuseRequest, progress: Callable[[int, int], None]) -> FuseOutcome:
    """Fuses a pair of files into a file, or two folders into a folder of PNG named as the pairs.

    Args:
        request: what is asked for.
        progress: called with (done, total).

    Raises:
        BenchError: unknown method, way or mapping, missing weights, a file beside a folder, no pairs, an
            ending that would lose pixels.
    """
    if request.way not in ("published", "plain"):
        raise BenchError(f"--way is {request.way!r}, wanted published or plain")
    work = _list_work(request.ir.expanduser(), request.vis.expanduser(), request.out.expanduser(), request.ir_range)
    way: Way = "plain" if request.way == "plain" else "published"
    fuser = create_fuser(request.method, request.weights, request.device, way)
    failed = [f"{problem.where}: {problem.text}" for problem in work.problems if problem.fault]
    done = written = 0

    def keep(files: PairFiles, result: Image | Exception, timings: Timings) -> None:  # noqa: ARG001 - a callback of the stream
        nonlocal done, written
        try:
            if isinstance(result, Exception):
                raise result
            target = work.targets[files.id]
            write_atomic(target, encode_image(result, target.suffix))
            written += 1
        except Exception as error:
            failed.append(f"{files.vis_path.name}: {describe(error)}")
        done += 1
        progress(done, len(work.pairs))

    progress(0, len(work.pairs))
    fuse_stream(fuser, list(work.pairs), keep)
    notes = [f"{problem.where}: {problem.text}" for problem in work.problems if not problem.fault]
    return FuseOutcome(work.path, written, notes, failed)


def _list_work(ir: Path, vis: Path, out: Path, ir_range: str) -> _Work:
    places = Place.of(ir), Place.of(vis)
    for place in places:
        if not place.folder.exists():
            raise BenchError(f"{place.folder}: no such file or folder; check --ir and --vis")
    if ir.is_file() and vis.is_file():
        if ir.samefile(vis):
            raise BenchError(f"{ir}: is given as both images, wanted an infrared and a visible one")
        target = _target_file(out, vis.stem)
        files = PairFiles("", "", vis.stem, ir, vis, ir_range=resolve(ir_range, [ir]))
        return _Work(target, {vis.stem: target}, (files,))
    if ir.is_file() or vis.is_file():
        raise BenchError(f"{ir} and {vis}: one is a folder and one a file, wanted two of a kind")
    if out.is_file() or out.suffix.casefold() in ENDINGS:
        raise BenchError(f"--out is {out}, wanted a folder, as --ir and --vis are")
    listing = list_folders(ir, vis, ir_range)
    targets = {files.id: out / f"{files.id}.png" for files in listing.pairs}
    return _Work(out, targets, listing.pairs, listing.problems)


def _target_file(out: Path, name: str) -> Path:
    if out.is_dir() or str(out).endswith("/"):
        return out / f"{name}.png"
    if not out.suffix:
        return out.with_name(f"{out.name}.png")
    if out.suffix.casefold() not in LOSSLESS:
        raise BenchError(f"--out ends in {out.suffix}, wanted one that keeps every pixel: {', '.join(LOSSLESS)}")
    return out
