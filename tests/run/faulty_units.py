"""Units of work that misbehave, importable by worker processes."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from bench.run.units import Unit


class OddError(Exception):
    """Cannot be unpickled: its arguments are not those of its constructor."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")


@dataclass(frozen=True)
class FaultyUnit(Unit):
    """Does ``deed`` on one of its items, and leaves a file for each of the others."""

    items: tuple[str, ...]
    deed: str

    def run(self) -> None:
        for item in self.items:
            if item == "bad":
                self.misbehave()
            (self.out / item).touch()

    def misbehave(self) -> None:
        deeds = {
            "raise": self.complain,
            "odd": self.complain_oddly,
            "exit": lambda: exit_politely(3),
            "die": lambda: os._exit(9),
            "crash": lambda: ctypes.string_at(0),
            "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
            "hang": lambda: time.sleep(600),
            "full": self.fill,
            "once": self.die_once,
        }
        (self.out / "worker.pid").write_text(str(os.getpid()))
        deeds[self.deed]()

    def complain(self) -> None:
        raise ValueError("two\nlines")

    def complain_oddly(self) -> None:
        raise OddError(7, "odd")

    def fill(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def die_once(self) -> None:
        marker = self.out / "died"
        if not marker.exists():
            marker.touch()
            os._exit(9)

    def give_up(self, reason: str) -> list[Unit]:
        left = [item for item in self.items if not (self.out / item).exists()]
        if len(self.items) > 1:
            kind, out, limit = type(self), self.out, self.time_limit_s
            return [kind(out, "d", "m", limit, 0.0, (item,), self.deed) for item in left]
        for item in left:
            Path(self.out / f"{item}.failed").write_text(reason)
        return []


@dataclass(frozen=True)
class GpuUnit(Unit):
    """Notes which GPUs its process may see, as a training on ``cuda`` would find them, and its worker."""

    name: str
    together: int
    deed: str = ""

    def run(self) -> None:
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
        (self.out / f"{self.name}.gpu").write_text(f"{seen} {os.getpid()}")
        end = time.monotonic() + 300
        while self.deed != "die" and len(list(self.out.glob("*.gpu"))) < self.together and time.monotonic() < end:
            time.sleep(0.05)  # so that no worker does two while another starts
        if self.deed == "die":
            os._exit(9)

    def give_up(self, reason: str) -> list[Unit]:
        (self.out / f"{self.name}.failed").write_text(reason)
        return []


def exit_politely(code: int) -> None:
    raise SystemExit(code)
