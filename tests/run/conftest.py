"""Runs of the real command in a process of its own, to be killed, starved and compared."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-c", "from bench.cli import main; main()")


@dataclass(frozen=True)
class BenchProcess:
    """Starts ``bench`` with an environment of the test's own.

    Attributes:
        env: added to or replacing what this process has.
        patience_s: a command that takes longer is killed, with its workers.
    """

    env: Mapping[str, str]
    patience_s: float = 1200.0

    def start(self, *arguments: str | Path, **more: object) -> subprocess.Popen[str]:
        """The running command, in a process group of its own."""
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)], env={**os.environ, **self.env}, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more,
        )  # type: ignore[call-overload]  # fmt: skip

    def run(self, *arguments: str | Path, **more: object) -> tuple[int, str]:
        """Exit code and all that was printed."""
        process = self.start(*arguments, **more)
        try:
            output, _ = process.communicate(timeout=self.patience_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        return process.returncode, output


@pytest.fixture
def bench_process(tmp_path: Path) -> BenchProcess:
    return BenchProcess({"PYTHONPATH": str(tmp_path / "plugins"), "BENCH_CACHE": str(tmp_path / "cache")})


def _request(data: Path, out: Path, methods: str, *more: str | Path) -> list[str | Path]:
    return [
        "run", "--datasets", "mfnet", "--data-root", data, "--out", out, "--methods", methods,
        "--tasks", "metrics", "--metrics", "EN,SD", "--device", "cpu", *more,
    ]  # fmt: skip


@pytest.fixture
def request_for() -> object:
    """The arguments of a small run: data root, run folder, methods, more."""
    return _request


def write_plugin(folder: Path, name: str, source: str, entries: Sequence[str], kind: str = "methods") -> None:
    """A package of methods, detectors... as if it were installed: a module and the entry points that name it."""
    facts = folder / f"{name}-1.0.dist-info"
    facts.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(source)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{entry} = {name}\n" for entry in entries)
    (facts / "entry_points.txt").write_text(f"[ivfbench.{kind}]\n{lines}")


@pytest.fixture
def plugin() -> object:
    """``write_plugin``."""
    return write_plugin
