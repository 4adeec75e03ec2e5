"""Units of work on a Ray cluster whose nodes share the run folder.

Workers are Ray actors, so that a method stays loaded between units. Results are files written once by rename, so a unit
that ran twice, because the node of its first try was lost, leaves the same as one that ran once.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.executor import Done, StoppedError, run_unit, set_threads, stop_for
from bench.types import BenchError
from bench.work import Unit, describe, is_fatal

TRIES = 3
"""How often a unit whose worker was lost is tried before it is given up."""

POLL_S = 0.5


class RayExecutor:
    """Runs units on the cluster of ``RAY_ADDRESS``, or on a local one that is started for the run."""

    def __init__(self) -> None:
        """Imports Ray.

        Raises:
            BenchError: it is not installed.
        """
        try:
            import ray
        except ImportError as error:
            raise BenchError('--executor ray needs Ray; install it with pip install -e ".[scale]"') from error
        self._ray: Any = ray

    def run(self, units: Sequence[Unit], workers: int, threads: int, done: Done) -> None:
        """Runs the units on up to ``workers`` workers at a time, or on as many as an existing cluster has room for."""
        if not units:
            return
        if not self._ray.is_initialized():
            self._ray.init(address=os.environ.get("RAY_ADDRESS"), log_to_driver=False, logging_level="ERROR")
        gpus = max(unit.gpus for unit in units)
        has = self._ray.cluster_resources()
        room = _room(has, threads, gpus)
        if room < 1:
            raise StoppedError(
                f"stopped: the cluster has {has.get('CPU', 0):g} CPUs and {has.get('GPU', 0):g} GPUs, "
                f"a worker wants {threads} and {gpus:g}; add nodes"
            )
        drive = _Drive(self._ray, threads, gpus, done)
        try:
            drive.run(units, min(room if os.environ.get("RAY_ADDRESS") else workers, len(units)))
        finally:
            drive.close()


def _room(resources: dict[str, float], threads: int, gpus: float) -> int:
    by_cpu = int(resources.get("CPU", 0) // threads)
    return min(by_cpu, int(resources.get("GPU", 0) // gpus)) if gpus else by_cpu


@dataclass
class _Running:
    unit: Unit
    worker: Any
    since: float
    tries: int


class _Drive:
    """Hands units to workers and deals with what comes back."""

    def __init__(self, ray: Any, threads: int, gpus: float, done: Done) -> None:
        self._ray, self._threads, self._done = ray, threads, done
        options = {"num_cpus": threads, "num_gpus": gpus, "max_restarts": 0}
        self._worker = ray.remote(**options)(_Worker)
        self._all: list[Any] = []
        self._idle: list[Any] = []
        self._queue: deque[tuple[Unit, int]] = deque()
        self._running: dict[Any, _Running] = {}

    def run(self, units: Sequence[Unit], workers: int) -> None:
        self._queue.extend((unit, 1) for unit in units)
        for _ in range(workers):
            self._hire()
        while self._queue or self._running:
            self._assign()
            ready, _ = self._ray.wait(list(self._running), timeout=POLL_S)
            for reference in ready:
                self._finish(reference, self._running.pop(reference))
            self._stop_late()

    def close(self) -> None:
        for worker in self._all:
            self._ray.kill(worker)

    def _hire(self) -> None:
        worker = self._worker.remote(self._threads)
        self._all.append(worker)
        self._idle.append(worker)

    def _replace(self, worker: Any) -> None:
        self._all.remove(worker)
        self._hire()

    def _assign(self) -> None:
        while self._queue and self._idle:
            unit, tries = self._queue.popleft()
            worker = self._idle.pop()
            self._running[worker.run.remote(unit)] = _Running(unit, worker, time.monotonic(), tries)

    def _finish(self, reference: Any, running: _Running) -> None:
        try:
            self._ray.get(reference)
        except self._ray.exceptions.RayActorError:
            self._replace(running.worker)
            if running.tries < TRIES:
                self._queue.append((running.unit, running.tries + 1))
            else:
                self._give_up(running.unit, f"its worker was lost {TRIES} times; out of memory, or nodes that fail")
            return
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause if isinstance(getattr(error, "cause", None), Exception) else error
            if is_fatal(cause):
                raise stop_for(cause) from error
            self._give_up(running.unit, describe(cause))
        else:
            self._done(running.unit, False)
        self._idle.append(running.worker)

    def _give_up(self, unit: Unit, reason: str) -> None:
        again = unit.give_up(reason)
        self._queue.extend((other, 1) for other in again)
        self._done(unit, not again)

    def _stop_late(self) -> None:
        now = time.monotonic()
        for reference, running in list(self._running.items()):
            limit = running.unit.time_limit_s
            if limit is not None and now - running.since > limit:
                del self._running[reference]
                self._ray.kill(running.worker)
                self._replace(running.worker)
                self._give_up(
                    running.unit, f"no result within {limit:g} s; raise --time-limit if the method is that slow"
                )


class _Worker:
    """One process of the cluster."""

    def __init__(self, threads: int) -> None:
        set_threads(threads)

    def run(self, unit: Unit) -> None:
        run_unit(unit)
