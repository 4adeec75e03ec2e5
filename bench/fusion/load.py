"""Whether a time was taken while other work wanted the same processors."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from bench.types import UNDER_LOAD

LEAST_SHARE = 0.9
"""Of the wall time that a method computing on the CPU gets as CPU time, counted over all its threads, where it is
alone: one thread at least always runs."""

SPARE = 0.5
"""Load average above the number of cores that is still the machine's own housekeeping."""

REPEATS = 2
"""Times under load are taken again so often before they stand as such."""


@dataclass(frozen=True, slots=True)
class Load:
    """What went on beside a measurement.

    Attributes:
        share: CPU time of this process, over all threads, per wall time.
        average: load average of the machine over the last minute, at its higher end; NaN where there is none.
        cores: of the machine.
        on_cpu: True if the method computes there, so that ``share`` says something.
    """

    share: float
    average: float
    cores: int
    on_cpu: bool = True

    @property
    def is_high(self) -> bool:
        """True if the time is not the method's alone."""
        return (self.on_cpu and self.share < LEAST_SHARE) or self.average > self.cores + SPARE

    def in_words(self) -> str:
        """For the reason of a row; empty where nothing disturbed."""
        if not self.is_high:
            return ""
        average = f"load average {self.average:.1f} on {self.cores} cores"
        return f"{UNDER_LOAD}: CPU time {self.share:.0%} of wall time, {average}"


class Watch:
    """Adds up wall and CPU time of what is timed, piece by piece."""

    def __init__(self, on_cpu: bool) -> None:
        self.on_cpu = on_cpu
        self.wall = self.cpu = 0.0
        self.average = load_average()

    def start(self) -> tuple[float, float]:
        """The clocks before a piece."""
        return time.perf_counter(), time.process_time()

    def stop(self, start: tuple[float, float]) -> float:
        """Adds a piece; returns its wall time in milliseconds."""
        wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
        self.wall += wall
        self.cpu += cpu
        return wall * 1000.0

    def load(self) -> Load:
        """What went on beside the pieces so far."""
        share = self.cpu / self.wall if self.wall > 0 else 1.0
        return Load(share, max(self.average, load_average()), os.cpu_count() or 1, self.on_cpu)


def load_average() -> float:
    """Of the last minute; NaN where the system has none."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return float("nan")
