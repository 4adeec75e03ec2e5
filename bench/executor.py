"""Where units of work run: in this process, in worker processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Protocol

from bench.types import BenchError
from bench.work import Unit, describe, is_fatal

Done = Callable[[Unit, bool], None]
"""Called when a unit has ended: the unit, and whether it was given up in favour of others or failed."""


class StoppedError(BenchError):
    """The run cannot go on (disk full, ...); what is finished is kept."""


class Executor(Protocol):
    """Runs units until all have ended; results are in the journals, not returned."""

    def run(self, units: Sequence[Unit], workers: int, threads: int, done: Done) -> None:
        """Runs ``units``, at most ``workers`` at a time, each with ``threads`` computing threads.

        Raises:
            StoppedError: a fault that would hit every further unit.
        """
        ...


def run_unit(unit: Unit) -> None:
    """What a worker executes."""
    unit.run()


def set_threads(threads: int) -> None:
    """Limits the computing threads of this process; the same number gives the same bits."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    import cv2

    cv2.setNumThreads(threads)


def stop_for(error: BaseException) -> StoppedError:
    """The error that ends a run whose disk takes no more."""
    return StoppedError(
        f"stopped: {describe(error)}; free space or choose another --out, then run the same command again"
    )


class InlineExecutor:
    """One after the other in this process: for debuggers and tests; no time limit, no protection from crashes."""

    def run(self, units: Sequence[Unit], workers: int, threads: int, done: Done) -> None:
        """Runs the units in order."""
        queue = list(units)
        while queue:
            unit = queue.pop(0)
            try:
                run_unit(unit)
            except Exception as error:
                if is_fatal(error):
                    raise stop_for(error) from error
                again = unit.give_up(describe(error))
                queue = again + queue
                done(unit, not again)
            else:
                done(unit, False)


class LocalExecutor:
    """Worker processes of this machine; a unit that hangs or dies takes only its own process with it."""

    def run(self, units: Sequence[Unit], workers: int, threads: int, done: Done) -> None:
        """Runs the units on a pool of fresh processes."""
        from pebble import ProcessPool

        if not units:
            return
        context = multiprocessing.get_context("spawn")
        pool: Any = ProcessPool(max_workers=workers, context=context, initializer=set_threads, initargs=(threads,))
        try:
            self._drive(pool, units, done)
            pool.close()
        except BaseException:
            pool.stop()
            raise
        finally:
            pool.join()

    def _drive(self, pool: Any, units: Sequence[Unit], done: Done) -> None:
        pending: dict[Future[None], Unit] = {}

        def submit(unit: Unit) -> None:
            try:
                future = pool.schedule(run_unit, args=(unit,), timeout=unit.time_limit_s)
            except RuntimeError as error:
                raise StoppedError(
                    f"stopped: worker processes cannot be started ({error}); see bench doctor"
                ) from error
            pending[future] = unit

        for unit in units:
            submit(unit)
        while pending:
            finished, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                unit = pending.pop(future)
                reason = self._failure(future, unit)
                again = unit.give_up(reason) if reason else []
                for other in again:
                    submit(other)
                done(unit, bool(reason) and not again)

    def _failure(self, future: Future[None], unit: Unit) -> str:
        from pebble import ProcessExpired

        try:
            future.result()
        except (TimeoutError, FutureTimeoutError):
            return f"no result within {unit.time_limit_s:g} s; raise --time-limit if the method is that slow"
        except ProcessExpired as error:
            return f"its process died (exit code {error.exitcode}); out of memory, or a crash in native code"
        except Exception as error:
            if is_fatal(error):
                raise stop_for(error) from error
            return describe(error)
        return ""


def create_executor(name: str) -> Executor:
    """The executor of a name: ``local``, ``inline`` or ``ray``.

    Raises:
        BenchError: Ray is not installed.
    """
    if name == "inline":
        return InlineExecutor()
    if name == "ray":
        from bench.executor_ray import RayExecutor

        return RayExecutor()
    return LocalExecutor()
