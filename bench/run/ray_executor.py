"""Units of work on a Ray cluster whose nodes share the run folder.

Workers are Ray actors, so that a method stays loaded between units. Results are files written once by rename, so a unit
that ran twice, because the node of its first try was lost, leaves the same as one that ran once.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError, StoppedError, describe, is_fatal, stop_for
from bench.files import VERSION
from bench.run.units import Unit
from bench.run.worker import Done, Failure, run_unit, set_threads

TRIES = 3
"""How often a unit whose worker was lost is tried before it is given up, and how often a worker may fail to start."""

POLL_S = 0.5
STAFF_S = 2.0
"""How often the nodes are counted, to hire on those that came."""

KNOCK_S = 15.0
"""How long the head of a cluster may take to answer."""

PATIENCE_S = 600.0
"""How long a run waits for a node when none has room."""


class RayExecutor:
    """Runs units on the cluster of ``RAY_ADDRESS``, or on one of this machine that is started for the run."""

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
        self._connect()
        gpus = max(unit.gpus for unit in units)
        if room(self._ray.nodes(), threads, gpus) < 1:
            has = self._ray.cluster_resources()
            raise StoppedError(
                f"stopped: the cluster has {has.get('CPU', 0):g} CPUs and {has.get('GPU', 0):g} GPUs, "
                f"a worker wants {threads} and {gpus:g} on one node; add nodes"
            )
        most = None if os.environ.get("RAY_ADDRESS") else workers
        drive = _Drive(self._ray, threads, gpus, most, done)
        try:
            drive.run(units)
        finally:
            drive.close()

    def _connect(self) -> None:
        if self._ray.is_initialized():
            return
        address = os.environ.get("RAY_ADDRESS") or "local"
        try:
            _knock(address)
            self._ray.init(address=address, log_to_driver=False, logging_level="ERROR", include_dashboard=False)
        except (OSError, RuntimeError, ValueError) as error:
            text = " ".join(str(error).split())[:200]
            raise BenchError(
                f"RAY_ADDRESS is {address}: no cluster answers there ({text}); see docs/scaling.md"
            ) from error


def _knock(address: str) -> None:
    """Raises OSError if nothing listens at ``HOST:PORT``; Ray itself would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()


def room(nodes: Sequence[Mapping[str, Any]], threads: int, gpus: float) -> int:
    """How many workers the living nodes can hold; each must fit on one node.

    Args:
        nodes: as ``ray.nodes()`` gives them.
        threads: CPUs of a worker.
        gpus: GPUs of a worker.
    """
    count = 0
    for node in nodes:
        if node["Alive"]:
            has = node["Resources"]
            by_cpu = int(has.get("CPU", 0) // threads)
            count += min(by_cpu, int(has.get("GPU", 0) // gpus)) if gpus else by_cpu
    return count


@dataclass
class _Running:
    unit: Unit
    worker: Any
    since: float
    tries: int


class _Drive:
    """Hands units to workers and deals with what comes back.

    A unit is only ever given to a worker that has reported for duty: one that waits for a node would hold it back.
    """

    def __init__(self, ray: Any, threads: int, gpus: float, most: int | None, done: Done) -> None:
        self._ray, self._threads, self._gpus, self._most, self._done = ray, threads, gpus, most, done
        self._worker = ray.remote(num_cpus=threads, num_gpus=gpus, max_restarts=0)(_Worker)
        self._coming: dict[Any, Any] = {}
        self._idle: list[Any] = []
        self._queue: deque[tuple[Unit, int]] = deque()
        self._running: dict[Any, _Running] = {}
        self._out = Path()
        self._counted = self._last_seen = 0.0
        self._false_starts = 0

    def run(self, units: Sequence[Unit]) -> None:
        self._out = units[0].out
        self._queue.extend((unit, 1) for unit in units)
        self._last_seen = time.monotonic()
        while self._queue or self._running:
            self._staff()
            self._assign()
            self._wait()
            self._stop_late()

    def close(self) -> None:
        running = [item.worker for item in self._running.values()]
        for worker in [*self._idle, *self._coming.values(), *running]:
            self._ray.kill(worker)

    def _staff(self) -> None:
        """Hires up to what the nodes of this moment have room for, and no more than there is work."""
        now = time.monotonic()
        if self._idle or self._running:
            self._last_seen = now
        elif now - self._last_seen > PATIENCE_S:
            raise StoppedError(
                f"stopped: no node had room for a worker for {PATIENCE_S:g} s; add nodes, then run it again"
            )
        if now - self._counted < STAFF_S:
            return
        self._counted = now
        wanted = min(room(self._ray.nodes(), self._threads, self._gpus), len(self._queue) + len(self._running))
        wanted = wanted if self._most is None else min(wanted, self._most)
        for _ in range(wanted - len(self._coming) - len(self._idle) - len(self._running)):
            worker = self._worker.remote(self._threads, _environment())
            self._coming[worker.report.remote(self._out)] = worker

    def _assign(self) -> None:
        while self._queue and self._idle:
            unit, tries = self._queue.popleft()
            worker = self._idle.pop()
            self._running[worker.run.remote(unit)] = _Running(unit, worker, time.monotonic(), tries)

    def _wait(self) -> None:
        references = [*self._running, *self._coming]
        if not references:
            time.sleep(POLL_S)
            return
        ready, _ = self._ray.wait(references, num_returns=1, timeout=POLL_S)
        for reference in ready:
            if reference in self._coming:
                self._welcome(reference, self._coming.pop(reference))
            else:
                self._finish(reference, self._running.pop(reference))

    def _welcome(self, reference: Any, worker: Any) -> None:
        """Takes a worker on, if its machine has what every worker must have."""
        try:
            host, version, sees = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self._false_starts += 1
            if self._false_starts >= TRIES:
                text = " ".join(str(error).split())[-300:]
                raise StoppedError(f"stopped: workers do not start on the cluster: {text}") from error
            return
        self._false_starts = 0
        if version != VERSION:
            raise StoppedError(f"stopped: {host} has version {version}, wanted {VERSION}; install it on every node")
        if not sees:
            raise StoppedError(
                f"stopped: {host} does not see {self._out}; choose an --out on storage that all nodes share"
            )
        self._idle.append(worker)

    def _finish(self, reference: Any, running: _Running) -> None:
        try:
            failure = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:  # a unit that cannot be unpickled over there
            failure = Failure(describe(error), is_fatal(error))
        except self._ray.exceptions.RayError:
            self._lose(running)
            return
        self._idle.append(running.worker)
        if failure is None:
            self._done(running.unit, False)
        elif failure.fatal:
            raise stop_for(failure.reason)
        else:
            self._give_up(running.unit, failure.reason)

    def _lose(self, running: _Running) -> None:
        """The worker died, alone or with its node; what it had finished of the unit is not done again."""
        self._ray.kill(running.worker)
        if running.tries < TRIES:
            self._queue.append((running.unit, running.tries + 1))
        else:
            self._give_up(running.unit, f"its worker was lost {TRIES} times; out of memory, or nodes that fail")

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
                reason = f"no result within {limit:g} s; raise --time-limit if the method is that slow"
                self._give_up(running.unit, reason)


def _environment() -> dict[str, str]:
    """What a worker must inherit from the driver: where caches lie, and that there is no network."""
    return {key: value for key, value in os.environ.items() if key.startswith("BENCH_") or key == "TORCH_HOME"}


class _Worker:
    """One process of the cluster."""

    def __init__(self, threads: int, environment: Mapping[str, str]) -> None:
        os.environ.update(environment)
        set_threads(threads)

    def report(self, out: Path) -> tuple[str, str, bool]:
        """Host, version of this package there, and whether the run folder is seen from there."""
        return socket.gethostname(), VERSION, out.is_dir()

    def run(self, unit: Unit) -> Failure | None:
        return run_unit(unit)
