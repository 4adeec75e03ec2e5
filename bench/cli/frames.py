"""Progress of a clip: frames done and frames a second, while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY_S = 5.0
"""How often the throughput is noted where the output is not a terminal."""


@contextmanager
def frame_progress() -> Iterator[Callable[[int, int], None]]:
    """Shows frames done, of how many where that is known, and the throughput of the latest seconds.

    Yields:
        A function to call with (done, total) after each frame; total is 0 where nobody knows.
    """
    from rich.console import Console

    console = Console(stderr=True)
    meter = _Meter()
    if not console.is_terminal:
        yield lambda done, total: meter.note(done, total, EVERY_S, lambda text: console.print(text, highlight=False))
        return
    with console.status("fuse: the first frame is on its way") as status:
        yield lambda done, total: meter.note(done, total, 0.2, status.update)


class _Meter:
    """Frames a second since the note before, the first frame left out: before it, the method was loaded."""

    def __init__(self) -> None:
        self.done, self.at = 0, 0.0

    def note(self, done: int, total: int, every_s: float, show: Callable[[str], None]) -> None:
        """Shows a line if the last one is old enough, and at the end."""
        now = time.monotonic()
        if not self.done:
            self.done, self.at = done, now
            return
        if now - self.at < every_s and done != total:
            return
        rate = (done - self.done) / max(now - self.at, 1e-9)
        self.done, self.at = done, now
        show(f"fuse: {done}{f'/{total}' if total else ''} frames, {rate:.1f} frames/s")
