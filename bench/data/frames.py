"""Which scenes a training saw: their names, and the digests of their files, kept beside the weights."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from bench.errors import BenchError
from bench.files import file_digest, write_atomic
from bench.types import PairFiles

FILE = "frames.json"


def content_digest(path: Path) -> str:
    """Digest of a file's bytes, read once per process as long as the file does not change."""
    try:
        state = path.stat()
    except OSError:
        return file_digest(path)  # which words the fault
    return _digest_of(path, state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino)


@lru_cache(maxsize=1 << 16)
def _digest_of(path: Path, *_state: int) -> str:
    return file_digest(path)


@dataclass(frozen=True, slots=True)
class Frames:
    """The pairs of a training.

    Attributes:
        dataset: ``NAME`` or ``NAME:SUBSET``.
        names: of its pairs.
        images: digests of their image files, infrared and visible.
    """

    dataset: str
    names: tuple[str, ...]
    images: frozenset[str]

    def hold(self, files: PairFiles) -> bool:
        """True if one of a pair's images was in the training, whatever the pair is called."""
        return any(content_digest(path) in self.images for path in dict.fromkeys((files.ir_path, files.vis_path)))


def frames_of(dataset: str, pairs: Iterable[PairFiles]) -> Frames:
    """The frames of some pairs on disk."""
    every = tuple(pairs)
    images = {content_digest(path) for files in every for path in (files.ir_path, files.vis_path)}
    return Frames(dataset, tuple(files.id for files in every), frozenset(images))


def write_frames(weights: Path, dataset: str, pairs: Iterable[PairFiles]) -> None:
    """Keeps what a training saw beside the weights that it made."""
    frames = frames_of(dataset, pairs)
    content = {**asdict(frames), "images": sorted(frames.images)}
    write_atomic(weights.with_name(FILE), json.dumps(content).encode())


def read_frames(weights: Path | None) -> Frames | None:
    """What the training of some weights saw; None for weights that were not trained here.

    Raises:
        BenchError: the file beside the weights is damaged.
    """
    path = weights.with_name(FILE) if weights is not None else None
    if path is None or not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Frames(str(content["dataset"]), tuple(content["names"]), frozenset(content["images"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchError(f"{path}: not what a training wrote ({error}); train again") from error
