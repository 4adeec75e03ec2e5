"""What happens inside one worker process: threads, one unit at a time, an end with its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from bench.errors import describe, is_fatal
from bench.machine import VISIBLE
from bench.memory import use_one_heap
from bench.run.units import Unit

Done = Callable[[Unit, bool], None]
"""Called when a unit has ended: the unit, and whether it was given up in favour of others or failed."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a unit ended early, in plain text: an exception of a stranger's class need not survive being pickled.

    Attributes:
        fatal: it would hit every further unit too.
    """

    reason: str
    fatal: bool = False


def run_unit(unit: Unit) -> Failure | None:
    """What a worker executes; an adapter that calls ``sys.exit`` fails like one that raises."""
    try:
        unit.run()
    except (Exception, SystemExit) as error:
        return Failure(describe(error), is_fatal(error))
    return None


def set_threads(threads: int) -> None:
    """Limits the computing threads of this process; the same number gives the same bits."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    import cv2

    cv2.setNumThreads(threads)
    if "torch" in sys.modules:  # it has read the variables already
        sys.modules["torch"].set_num_threads(threads)


@dataclass(frozen=True, slots=True)
class Gpus:
    """GPUs that the workers of a pool share out among them, one each.

    Attributes:
        names: as ``CUDA_VISIBLE_DEVICES`` has them; empty leaves every worker what its parent sees.
        folder: where a file for each is locked by the worker that has it; the lock dies with the worker.
        used: whether the workers compute on one at all, shared out or not.
    """

    names: tuple[str, ...] = ()
    folder: Path = Path()
    used: bool = False


NO_GPUS = Gpus()
_HELD: list[FileLock] = []
"""The lock of this process's own GPU, kept as long as it lives."""


def take_gpu(gpus: Gpus) -> str:
    """Takes one that no other worker has, and makes it the only one that this process sees.

    It must be called before anything asks CUDA for its devices. Where all are taken, since a worker that died has not
    let go of its own yet, it waits.

    Returns:
        Its name; empty where there is none to share out.
    """
    while gpus.names:
        gpus.folder.mkdir(parents=True, exist_ok=True)
        for place, name in enumerate(gpus.names):
            lock = FileLock(gpus.folder / f"{place}.lock")
            with suppress(Timeout):
                lock.acquire(timeout=0)
                _HELD.append(lock)
                os.environ[VISIBLE] = name
                return name
        time.sleep(WAIT_S)
    return ""


WAIT_S = 0.1


def start_worker(threads: int, gpus: Gpus = NO_GPUS, environment: Mapping[str, str] | None = None) -> None:
    """Prepares a worker process: its threads, its GPU, and its end when the run that it works for is killed.

    Args:
        threads: computing threads.
        gpus: that the workers share out.
        environment: variables to have instead of those that it was started with.
    """
    if environment is not None:
        os.environ.clear()
        os.environ.update(environment)
    # what the worker itself starts, e.g. a method that is a program, takes Ctrl-C as anything else does
    signal.signal(signal.SIGINT, lambda *_: None)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    use_one_heap()  # before there is a second thread
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    set_threads(threads)
    if gpus.names:
        take_gpu(gpus)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        # a worker that outlived its run would go on writing while the next run does the same work
        os._exit(1)
