"""The one pool of worker processes: fresh ones, with limited threads, that end with their parent."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.run.worker import start_worker


@contextmanager
def open_pool(workers: int, threads: int) -> Iterator[Any]:
    """A ``pebble.ProcessPool``; closed at the end, stopped where an exception leaves the block.

    Processes are spawned: a forked one could inherit locks of other threads.

    Args:
        workers: processes at a time.
        threads: computing threads of each; the same number gives the same bits.
    """
    from pebble import ProcessPool

    context = multiprocessing.get_context("spawn")
    pool: Any = ProcessPool(max_workers=workers, context=context, initializer=start_worker, initargs=(threads,))
    try:
        yield pool
        pool.close()
    except BaseException:
        pool.stop()
        raise
    finally:
        pool.join()
