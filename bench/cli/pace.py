"""How long a stage will still take: each method at the pace it has been seen to keep."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Part:
    """One method in a stage."""

    done: int = 0
    total: int = 0
    seconds: float = 0.0
    first: int = 0

    @property
    def timed(self) -> int:
        """Steps whose time is known: those that had ended when it was first told of took an unknown time."""
        return self.done - self.first

    @property
    def pace(self) -> float | None:
        """Seconds for one step, all workers together; None before its first."""
        return self.seconds / self.timed if self.timed > 0 else None


@dataclass(slots=True)
class Pace:
    """What is known of one stage.

    Time is put down to the method whose steps have just ended: units run method by method, so that this is off by a
    unit at most. A method that has not begun is taken to be as quick as the others on average.

    Attributes:
        clock: seconds.
    """

    clock: Callable[[], float] = time.monotonic
    parts: dict[str, _Part] = field(default_factory=dict)
    last: float | None = None

    def tell(self, name: str, done: int, total: int) -> None:
        """Takes note that ``done`` of ``total`` steps of a method have ended."""
        now = self.clock()
        self.last = now if self.last is None else self.last
        part = self.parts.get(name)
        if part is None or done < part.done:  # it begins, or begins again
            self.parts[name] = _Part(done, total, first=done)
        elif done > part.done:
            part.seconds += now - self.last
            part.done, part.total, self.last = done, total, now

    def left(self, name: str = "") -> float | None:
        """Seconds until a method, or the whole stage, has ended; None while nothing is known."""
        known = [part for part in self.parts.values() if part.timed > 0]
        steps = sum(part.timed for part in known)
        if not steps:
            return None
        mean = sum(part.seconds for part in known) / steps
        parts = [self.parts[name]] if name else list(self.parts.values())
        return sum((part.total - part.done) * (mean if part.pace is None else part.pace) for part in parts)
