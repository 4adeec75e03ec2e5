"""The one copy of each pretrained file that all workers of a run start from, whatever machine they stand on.

The command chooses each file once (from disk, else fetched where that is allowed, else a random start) and puts it
into the run's folder, which all workers see; they look nowhere else.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.plugin.kinds import METHODS
from bench.plugin.method import TrainRequest
from bench.weights.backbones import backbone_digest


@dataclass(frozen=True)
class Pretrained:
    """What was chosen.

    Attributes:
        folder: where the workers look.
        digests: SHA-256 by the file's name; ``random`` where the start is random.
    """

    folder: Path
    digests: Mapping[str, str]


def training_starts(method: str, request: TrainRequest) -> dict[str, Path | None]:
    """What a method's training starts from: file by name, None for a random start."""
    cls = METHODS.get(method)
    return dict(cls.starts_from(request)) if hasattr(cls, "starts_from") else {}


def keep_pretrained(folder: Path, starts: Iterable[Mapping[str, Path | None]], shared: bool) -> Pretrained:
    """Puts the chosen files into the folder, and nothing else.

    Args:
        folder: of the run.
        starts: file by name, None for a random start.
        shared: True if other machines see the folder but perhaps not what a symbolic link leads to.
    """
    chosen = {name: path for start in starts for name, path in start.items()}
    digests = {name: backbone_digest(path) for name, path in chosen.items()}
    for old in folder.glob("*"):
        if chosen.get(old.name) is None or backbone_digest(old) != digests[old.name] or (shared and old.is_symlink()):
            old.unlink()
    for name, path in chosen.items():
        if path is not None and not (folder / name).exists():
            folder.mkdir(parents=True, exist_ok=True)
            _place(path.resolve(), folder / name, shared)
    return Pretrained(folder, digests)


def _place(path: Path, target: Path, shared: bool) -> None:
    with suppress(OSError):  # another file system, or one without such links
        os.link(path, target)
        return
    if not shared:
        target.symlink_to(path)
        return
    half = target.with_name(f".{target.name}.{os.getpid():x}.part")
    shutil.copyfile(path, half)
    half.replace(target)
