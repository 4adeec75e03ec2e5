"""``bench fuse``: one pair, or two folders of images with equal names, outside any run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.errors import BenchError, describe
from bench.files import write_atomic
from bench.fuse.harness import create_fuser
from bench.fuse.ready import EXTENSIONS
from bench.fuse.stream import Timings, fuse_stream
from bench.images import encode_png
from bench.types import Image, PairFiles, Way


def fuse_files(
    method: str, ir: Path, vis: Path, out: Path, weights: Path | None, device: str, way: str,
    progress: Callable[[int, int], None],
) -> list[str]:  # fmt: skip
    """Fuses a pair of files into a file, or two folders into a folder (PNG, named as the visible image).

    Args:
        method: registered name.
        ir: infrared image or folder.
        vis: visible image or folder.
        out: file or folder; a folder is created.
        weights: weights root or file.
        device: torch device.
        way: ``published`` or ``plain``.
        progress: called with (done, total).

    Returns:
        One line per pair that failed.

    Raises:
        BenchError: unknown method or way, missing weights, a file beside a folder, no pairs.
    """
    if way not in ("published", "plain"):
        raise BenchError(f"--way is {way!r}, wanted published or plain")
    work = list_work(ir, vis, out)
    chosen: Way = "plain" if way == "plain" else "published"
    fuser = create_fuser(method, weights, device, chosen)
    targets = {vis_path: target for _, vis_path, target in work}
    failed: list[str] = []
    done = 0

    def keep(files: PairFiles, result: Image | Exception, timings: Timings) -> None:
        nonlocal done
        try:
            if isinstance(result, Exception):
                raise result
            write_atomic(targets[files.vis_path], encode_png(result))
        except Exception as error:
            failed.append(f"{files.vis_path.name}: {describe(error)}")
        done += 1
        progress(done, len(work))

    progress(0, len(work))
    fuse_stream(fuser, [PairFiles("", "", vis.stem, ir, vis) for ir, vis, _ in work], keep)
    return failed


def list_work(ir: Path, vis: Path, out: Path) -> list[tuple[Path, Path, Path]]:
    """(infrared, visible, target) of each pair.

    Raises:
        BenchError: see ``fuse_files``.
    """
    for path in (ir, vis):
        if not path.exists():
            raise BenchError(f"{path}: no such file or folder; check --ir and --vis")
    if ir.is_dir() != vis.is_dir():
        raise BenchError(f"{ir} and {vis}: one is a folder and one a file, wanted two of a kind")
    if vis.is_file():
        return [(ir, vis, out / f"{vis.stem}.png" if out.is_dir() else out)]
    infrared = {path.stem: path for path in _images(ir)}
    pairs = [(infrared[path.stem], path, out / f"{path.stem}.png") for path in _images(vis) if path.stem in infrared]
    if not pairs:
        raise BenchError(f"{ir} and {vis} share no image name, wanted equal names in both folders")
    return pairs


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in EXTENSIONS)
