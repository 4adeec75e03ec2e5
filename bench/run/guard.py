"""Scripts that start a run without a main guard: each worker would run the script again."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from bench.errors import BenchError

MARK = ".no-main-guard"
ADVICE = (
    "this script starts the run while a worker imports it; put the call below 'if __name__ == \"__main__\":', "
    "or give executor='inline'"
)


def refuse_unguarded(root: Path) -> None:
    """Called where a run begins: leaves a mark for the run that started this worker, and refuses.

    Raises:
        BenchError: this is a worker that is still importing the script it was started for.
    """
    process = multiprocessing.current_process()
    if getattr(process, "_inheriting", False):  # set while multiprocessing prepares a fresh process
        if root.is_dir():
            (root / MARK).touch()
        raise BenchError(ADVICE)


def was_unguarded(root: Path) -> bool:
    """True if a worker left the mark, which is taken away."""
    mark = root / MARK
    found = mark.is_file()
    mark.unlink(missing_ok=True)
    return found
