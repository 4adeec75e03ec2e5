"""What a second worker gains: wall seconds of one run with one worker and with two, and with one on a single core.

A worker of the fusing stage reads and writes beside its computing, so that one of them already uses more than one core;
pinned to a core it does not, and two workers on two cores are then compared with one on one. Nothing is asserted: wall
times mean something on a quiet machine only. Run with ``--benchmark-only``.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAIRS = 180
SIZE = (480, 640)
ROUNDS = 2
COMMAND = "from bench.__main__ import main; main()"


def run(data: Path, out: Path, workers: int, pinned: bool) -> tuple[float, float]:
    """Wall and CPU seconds of a run of ``average`` in two conventions."""
    command = [
        sys.executable, "-c", COMMAND, "run", "--datasets", "mfnet", "--data-root", str(data), "--out", str(out),
        "--methods", "average", "--tasks", "metrics", "--jobs", str(workers), "--device", "cpu",
    ]  # fmt: skip
    cores = os.sched_getaffinity(0)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    if pinned:
        os.sched_setaffinity(0, {min(cores)})
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    finally:
        os.sched_setaffinity(0, cores)
    said, _ = process.communicate()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 0, said
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.timeout(3600)
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs processes that are pinned to cores")
def test_workers(benchmark: Any, tmp_path: Path, make_data: Callable[..., Path]) -> None:
    data = make_data(tmp_path / "data", {"test": PAIRS}, size=SIZE)
    ways = {"one, on one core": (1, True), "one": (1, False), "two": (2, False)}
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    run(data, tmp_path / "warm", 1, False)  # kernels are compiled, files are read

    def run_all() -> None:
        for number in range(ROUNDS):
            for way, (workers, pinned) in ways.items():
                found[way].append(run(data, tmp_path / f"{way}{number}", workers, pinned))

    benchmark.pedantic(run_all, rounds=1, iterations=1)
    wall = {way: min(seconds for seconds, _ in times) for way, times in found.items()}
    benchmark.extra_info |= {
        "pairs": PAIRS,
        "wall_s": {way: round(seconds, 1) for way, seconds in wall.items()},
        "cpu_s": {way: round(min(seconds for _, seconds in times), 1) for way, times in found.items()},
        "two_over_one": round(wall["one"] / wall["two"], 2),
        "two_over_one_on_one_core": round(wall["one, on one core"] / wall["two"], 2),
    }
    print(benchmark.extra_info)  # noqa: T201 - what the benchmark is for; shown with -s
