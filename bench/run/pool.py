"""The one pool of worker processes: fresh ones, with limited threads, that end with their parent."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

from bench.run.worker import NO_GPUS, Gpus, start_worker


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Threads that start meanwhile, and the workers that these start, take no Ctrl-C: it is the command's to answer.

    A terminal sends it to the whole group, and a worker that is still importing would print where it stood.
    """
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
