"""Where units of work run: in this process, in worker processes of this machine, or on a Ray cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from bench.errors import StoppedError, describe, is_fatal, stop_for
from bench.machine import visible_gpus
from bench.run.guard import ADVICE, MARK, was_unguarded
from bench.run.pool import open_pool
from bench.run.units import Unit
from bench.run.worker import Done, Failure, Gpus, run_unit, set_threads


class Executor(Protocol):
    """Runs units until all have ended; results are in the journals, not returned."""

    def run(self, units: Sequence[Unit], workers: int, threads: int, done: Done) -> None:
        """Runs ``units``, at most ``workers`` at a time, each with ``threads`` computing threads.

        Raises:
            StoppedError: a fault that would hit every further unit.
        """
        ...


class InlineExecutor:
    """One after the other in this process: for debuggers and tests; no time limit, no protection from crashes."""

    def run(self, units: Sequence[Unit], workers: int, threads: int, done: Done) -> None:  # noqa: ARG002 - an Executor
        """Runs the units in order."""
        set_threads(threads)
        queue = list(units)
        while queue:
            unit = queue.pop(0)
            failure = run_unit(unit)
            if failure and failure.fatal:
                raise stop_for(failure.reason)
            again = unit.give_up(failure.reason) if failure else []
            queue = again + queue
            done(unit, failure is not None and not again)


POOLS = 3
"""How many pools of workers are tried before a machine that kills idle processes is given up."""


def shared_gpus(units: Sequence[Unit], workers: int) -> Gpus:
    """What the workers of a pool share out: the visible GPUs, where several workers want one each."""
    used = any(unit.gpus for unit in units)
    names = visible_gpus() if workers > 1 and used else ()
    return Gpus(names, units[0].out / "parts" / "gpus", used) if len(names) > 1 else Gpus(used=used)


class LocalExecutor:
    """Worker processes of this machine; a unit that hangs or dies takes only its own process with it."""

    def run(self, units: Sequence[Unit], workers: int, threads: int, done: Done) -> None:
        """Runs the units on a pool of fresh processes; if the whole pool breaks, what is left on another one."""
        left = list(units)
        for _ in range(POOLS):
            if not left:
                return
            left, reason = self._run_pool(left, workers, threads, done)
            if left and (left[0].out / MARK).is_file():
                break
        if left and was_unguarded(left[0].out):
            raise StoppedError(f"stopped: {ADVICE}")
        if left:
            raise StoppedError(f"stopped: worker processes cannot be kept alive ({reason}); see bench doctor")

    def _run_pool(self, units: Sequence[Unit], workers: int, threads: int, done: Done) -> tuple[list[Unit], str]:
        waiting, pending = deque(units), dict[Future[Failure | None], Unit]()
        try:
            with open_pool(workers, threads, shared_gpus(units, workers)) as pool:
                self._drive(pool, waiting, pending, done)
        except BrokenProcessPool as error:
            return [*pending.values(), *waiting], str(error)
        return [], ""

    def _drive(self, pool: Any, waiting: deque[Unit], pending: dict[Future[Failure | None], Unit], done: Done) -> None:
        """Runs the units; what has not ended is always in ``waiting`` or ``pending``, also when this raises."""
        while waiting or pending:
            while waiting:
                pending[self._submit(pool, waiting[0])] = waiting[0]
                waiting.popleft()
            finished, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                unit = pending[future]
                failure = self._outcome(future, unit)
                if failure and failure.fatal:
                    raise stop_for(failure.reason)
                again = unit.give_up(failure.reason) if failure else []
                waiting.extend(again)
                del pending[future]
                done(unit, failure is not None and not again)

    def _submit(self, pool: Any, unit: Unit) -> Future[Failure | None]:
        try:
            future: Future[Failure | None] = pool.schedule(run_unit, args=(unit,), timeout=unit.time_limit_s)
        except RuntimeError as error:  # the pool is broken already
            raise BrokenProcessPool(str(error)) from error
        return future

    def _outcome(self, future: Future[Failure | None], unit: Unit) -> Failure | None:
        from pebble import ProcessExpired

        try:
            return future.result()
        except (TimeoutError, FutureTimeoutError):
            return Failure(f"no result within {unit.time_limit_s:g} s; raise --time-limit if the method is that slow")
        except ProcessExpired as error:
            return Failure(f"its process died (exit code {error.exitcode}); out of memory, or a crash in native code")
        except BrokenProcessPool:
            raise
        except Exception as error:
            return Failure(describe(error), is_fatal(error))
