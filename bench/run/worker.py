"""What happens inside one worker process: threads, one unit at a time, an end with its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from bench.errors import describe, is_fatal
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


def start_worker(threads: int) -> None:
    """Prepares a worker process: its threads, and its end when the run that it works for is killed."""
    # what the worker itself starts, e.g. a method that is a program, takes Ctrl-C as anything else does
    signal.signal(signal.SIGINT, lambda *_: None)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    set_threads(threads)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        # a worker that outlived its run would go on writing while the next run does the same work
        os._exit(1)
