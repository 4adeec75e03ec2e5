"""The process that a command's workers are forked from.

PyTorch takes longer to import than a cheap method takes to fuse a hundred pairs. One process, started while the run is
still being planned, imports it for all workers; it runs nothing, has one thread, and what is forked from it is as a
fresh process that has come so far. Where that is not safe (a GPU; systems whose libraries cannot be forked) there is
none, and workers are spawned.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import get_all_start_methods
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.run.interrupts import masked
from bench.store.run_folder import Store

PRELOADED = "bench.run.preloaded"
MARK = "BENCH_FORK_SERVER"
"""Variable that tells the process what it is."""

_environment: dict[str, str] = {}
"""Of the command when it started the process; empty if there is none."""


def start_fork_server(out: Path) -> None:
    """Starts the process, once, without waiting for its imports; only for a command, which does one thing and ends.

    Does nothing where workers are to be spawned, or where nothing is likely to be done.

    Args:
        out: the run folder.
    """
    if _environment or not _is_safe() or _is_finished(out):
        return
    from multiprocessing import forkserver

    forkserver.set_forkserver_preload([PRELOADED])
    before = dict(os.environ)
    # it must find the modules that this process would: no others by chance, from the current folder
    folders = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    os.environ.update({"PYTHONPATH": folders, "PYTHONSAFEPATH": "1", MARK: "1"})
    try:
        with masked():
            forkserver.ensure_running()
    finally:
        _replace(before)
    _environment.update(before)
    atexit.register(_stop)


def _stop() -> None:
    """Ends the process and waits for it, so that what it and the workers took is counted as this command's.

    By itself it would end when this one is gone. Python's own way waits until its imports are done.
    """
    from multiprocessing import forkserver

    server: Any = getattr(forkserver, "_forkserver", None)
    number = getattr(server, "_forkserver_pid", None)
    if number is not None:
        with suppress(OSError):
            os.kill(number, signal.SIGKILL)
            server._stop()


def fork_server_fits() -> bool:
    """True if there is such a process, and no variable that its libraries have read was changed since.

    What was added since, as OpenCV does when it is imported, the workers are told.
    """
    return bool(_environment) and all(os.environ.get(name) == value for name, value in _environment.items())


def _is_safe() -> bool:
    has_server = sys.platform == "linux" and "forkserver" in get_all_start_methods()
    in_one_word = not any(os.pathsep in entry for entry in sys.path)
    return has_server and in_one_word and sys.version_info[:2] >= (3, 11)  # 3.10: no PYTHONSAFEPATH


def _is_finished(out: Path) -> bool:
    try:
        return bool(Store(out).read_manifest().complete)
    except BenchError:  # which the run itself answers
        return True


def _replace(environment: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)
