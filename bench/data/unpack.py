"""Clips of a data set as frames on disk: ``CLIP.mp4`` becomes ``CLIP/000001.png`` and so on, beside it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from bench.data.names import Place
from bench.data.spec import DatasetSpec
from bench.download import Progress
from bench.errors import BenchError
from bench.images import encode_png


def packed_clips(spec: DatasetSpec, root: Path) -> Iterator[tuple[Path, Path]]:
    """Pairs of videos of a data set that have no frames beside them yet, infrared and visible.

    Args:
        spec: of the data set.
        root: the folder of the data sets.
    """
    if not spec.video:  # OpenCV is loaded only for sets of clips
        return
    from bench.videos import ENDINGS

    for layout in spec.layouts:
        for part in layout.parts.values():
            ir, vis = (Place.of(layout.path(root, side)).folder for side in (part.ir, part.vis))
            others = {path.stem: path for path in vis.glob("*") if path.suffix.casefold() in ENDINGS}
            for path in sorted(ir.glob("*")) if ir.is_dir() else ():
                other = others.get(path.stem)
                frames = [each.with_suffix("") for each in (path, other or path)]
                if path.suffix.casefold() in ENDINGS and other and not all(each.is_dir() for each in frames):
                    yield path, other


def unpack_clips(spec: DatasetSpec, root: Path, progress: Progress | None = None) -> str:
    """Writes the frames of all such clips.

    Returns:
        A line that says what was done; empty if there was nothing to do.

    Raises:
        BenchError: a video cannot be read.
    """
    clips = list(packed_clips(spec, root))
    frames, notes = 0, list[str]()
    for number, (ir, vis) in enumerate(clips, 1):
        frames += _unpack(ir, vis, notes)
        if progress is not None:
            progress(f"unpack {ir.stem}", number, len(clips))
    if not clips:
        return ""
    return "; ".join([f"{len(clips)} pairs of videos unpacked into {frames} pairs of frames", *notes])


def _unpack(ir: Path, vis: Path, notes: list[str]) -> int:
    """Both sides at once, so that each frame has its partner; whole, or not at all."""
    from bench.data.clips import VideoClip
    from bench.videos import VideoReader

    building = [path.with_name(f".{path.stem}.part") for path in (ir, vis)]
    number = 0
    try:
        for folder in building:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        with VideoReader(str(ir)) as first, VideoReader(str(vis)) as second:
            clip = VideoClip(first, second)
            for number, pair in enumerate(clip, 1):
                for folder, image in zip(building, pair, strict=True):
                    (folder / f"{number:06d}.png").write_bytes(encode_png(image))
        notes += clip.notes
        for folder, path in zip(building, (ir, vis), strict=True):
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            folder.rename(path.with_suffix(""))
    except OSError as error:
        raise BenchError(f"{ir}: cannot be unpacked beside itself ({error}); free space") from error
    finally:
        for folder in building:
            shutil.rmtree(folder, ignore_errors=True)
    return number
