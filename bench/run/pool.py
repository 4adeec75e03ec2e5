"""The one pool of worker processes: fresh ones, with limited threads, that end with their parent."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import process, resource_tracker
from pathlib import Path
from typing import Any

from bench.run.worker import NO_GPUS, Gpus, start_worker


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Threads that start meanwhile, and the workers that these start, take no Ctrl-C: it is the command's to answer.

    A terminal sends it to the whole group, and a worker that is still importing would print where it stood. The command
    answers at the end: a worker that it has half started would find nothing to read.
    """
    handler, pressed = signal.getsignal(signal.SIGINT), list[int]()
    noted = callable(handler) and threading.current_thread() is threading.main_thread()
    if noted:  # a mask is not enough: any other thread that runs by now may take the signal for this one
        signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        with _masked():
            yield
    finally:
        if noted:
            signal.signal(signal.SIGINT, handler)
            if pressed:
                signal.raise_signal(signal.SIGINT)


@contextmanager
def _masked() -> Iterator[None]:
    """Ctrl-C is blocked in this thread and in what it starts."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # which would let go of Ctrl-C when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main_that_is_no_file() -> Iterator[None]:
    """Workers that start meanwhile do not look for a main module that came through a pipe or is gone.

    A spawned process runs the parent's main module again, by its path. Of a script on standard input (``<stdin>``), of
    ``python <(...)`` (``/dev/fd/63``) and of a file that was removed there is nothing to run, and no unit needs it.
    """
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    started_in = getattr(process, "ORIGINAL_DIR", None)  # where multiprocessing looks for a relative path
    if file is None or Path(started_in or "", file).is_file():
        yield
        return
    del main.__file__
    try:
        yield
    finally:
        main.__file__ = file


@contextmanager
def open_pool(workers: int, threads: int, gpus: Gpus = NO_GPUS) -> Iterator[Any]:
    """A ``pebble.ProcessPool``; closed at the end, stopped where an exception leaves the block.

    Processes are spawned: a forked one could inherit locks of other threads.

    Args:
        workers: processes at a time.
        threads: computing threads of each; the same number gives the same bits.
        gpus: that they share out among them, one each.
    """
    from pebble import ProcessPool

    context = multiprocessing.get_context("spawn")
    pool: Any = ProcessPool(max_workers=workers, context=context, initializer=start_worker, initargs=(threads, gpus))
    with _without_main_that_is_no_file():
        with _interrupts_held():
            _ = pool.active  # which starts its threads
        try:
            yield pool
            pool.close()
        except BaseException:
            pool.stop()
            raise
        finally:
            pool.join()
