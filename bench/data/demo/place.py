"""A folder of generated images takes its place: made once, beside it, whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from bench.errors import BenchError

STAMP = "demo.json"
"""Says what made the folder: the program's version, and whatever its images follow from."""

Progress = Callable[[int, int], None]
"""Told after each image how many are done and how many there will be."""


def read_stamp(target: Path) -> dict[str, Any]:
    """What is written in the folder of what made it; empty if nothing can be read."""
    try:
        stamp = json.loads((target / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def ensure_made(
    target: Path, is_there: Callable[[], bool], build: Callable[[Path], None], stamp: Mapping[str, Any]
) -> Path:
    """Builds a folder unless it is there already; of several processes that ask, one builds and the others wait.

    Args:
        target: where it belongs; its parent is made.
        is_there: whether what lies at ``target`` will do.
        build: fills a folder, which it makes.
        stamp: written into it, last, as ``demo.json``.

    Returns:
        ``target``.

    Raises:
        BenchError: the folder cannot be written, or holds something this program did not make.
    """
    if is_there():  # asked before anything is written: the folder may be read-only
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / f".{target.name}.lock"):
            if not is_there():  # another process may have made it meanwhile
                _replace(target, build, stamp)
    except OSError as error:
        raise BenchError(
            f"{target}: cannot write the generated images ({error}); give a writable --data-root"
        ) from error
    return target


def _replace(target: Path, build: Callable[[Path], None], stamp: Mapping[str, Any]) -> None:
    if target.exists() and not (target / STAMP).exists() and any(target.iterdir()):
        raise BenchError(f"{target}: holds files but no {STAMP}, wanted generated images; move the folder away")
    prefix = f".{target.name}-"
    for stale in target.parent.glob(f"{prefix}*"):  # of a process that was killed: the lock is ours
        shutil.rmtree(stale)
    building = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        build(building / "new")
        (building / "new" / STAMP).write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
        if target.exists():
            target.rename(building / "old")
        (building / "new").rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
