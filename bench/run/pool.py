"""The one pool of worker processes: fresh ones, with limited threads, that end with their parent."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import process
from pathlib import Path
from typing import Any

from bench.run.fork_server import fork_server_fits
from bench.run.interrupts import interrupts_held
from bench.run.worker import NO_GPUS, Gpus, start_worker


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

    Processes are spawned, or forked from a process of a single thread that holds their imports, where the command has
    started one and they use no GPU; forked from this one they could inherit locks of its other threads.

    Args:
        workers: processes at a time.
        threads: computing threads of each; the same number gives the same bits.
        gpus: that they share out among them, one each.
    """
    from pebble import ProcessPool

    forked = threads == 1 and not gpus.used and fork_server_fits()
    context = multiprocessing.get_context("forkserver" if forked else "spawn")
    settings = (threads, gpus, dict(os.environ) if forked else None)
    pool: Any = ProcessPool(max_workers=workers, context=context, initializer=start_worker, initargs=settings)
    with _without_main_that_is_no_file():
        with interrupts_held():
            _ = pool.active  # which starts its threads
        try:
            yield pool
            pool.close()
        except BaseException:
            pool.stop()
            raise
        finally:
            pool.join()
