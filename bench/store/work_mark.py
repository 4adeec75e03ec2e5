"""Which result the files of a task's folder belong to."""

from __future__ import annotations

from pathlib import Path

from bench.files import write_atomic

MADE_FOR = ".made-for"


def mark_work(folder: Path, key: str) -> None:
    """Notes which result the files of a task's folder belong to; empty while they are being made."""
    write_atomic(folder / MADE_FOR, key.encode())


def work_is_unfinished(folder: Path) -> bool:
    """True if the files of a task's folder are being made, or were when the work was broken off."""
    return work_is_of(folder, "")


def work_is_of(folder: Path, key: str) -> bool:
    """True if the files of a task's folder belong to this result, and not to one of other settings or data."""
    try:
        return (folder / MADE_FOR).read_text(encoding="utf-8") == key
    except OSError:
        return False
