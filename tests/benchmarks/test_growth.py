"""What a run costs as it grows: 1, 2 and 4 times the pairs, and 1, 2 and 4 times the methods; time and memory.

A run has a cost of its own (imports, processes, the plan, the report's frame), one of comparing if there is more than
one method, a cost per pair (reading the sources and their statistics) and a cost per fused image. They are fitted to
the CPU seconds of all sizes: growth is linear if the fit leaves little over and the last images cost what the first
ones did. Times are reported and not asserted; that memory does not grow with the work is. Run with
``--benchmark-only``.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

METHODS = ("average", "maximum", "laplacian_pyramid", "ratio_pyramid")
PAIRS = 24
SIZE = (480, 640)
TIMES = ((1, 1), (2, 1), (4, 1), (1, 2), (1, 4), (2, 2), (4, 4))
"""(pairs, methods), each times the smallest."""
FLAT = 1.15
"""The largest process may be so much larger with four times the pairs: tables of scores, no images. Few methods are no
measure of many: fewer than three load fewer of the libraries that compare."""

RUN = """
import atexit, resource

@atexit.register  # first, so that it is called last: what the workers were forked from has ended, too, by then
def say():
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    print("peak_kib", max(resource.getrusage(one).ru_maxrss for one in who))

from bench.cli import main
main()
"""


def run(data: Path, out: Path, methods: int) -> tuple[float, int]:
    """CPU seconds of one run, all its processes together, and the MiB of the largest."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [
        sys.executable, "-c", RUN, "run", "--datasets", "mfnet", "--data-root", str(data), "--out", str(out),
        "--methods", ",".join(METHODS[:methods]), "--tasks", "metrics", "--jobs", "1", "--device", "cpu",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, int(done.stdout.split("peak_kib")[1]) // 1024


@pytest.mark.timeout(3600)
def test_growth(benchmark: Any, tmp_path: Path, make_data: Callable[..., Path]) -> None:
    data = {
        times: make_data(tmp_path / f"data{times}", {"test": PAIRS * times}, size=SIZE)
        for times in {t for t, _ in TIMES}
    }
    seconds: dict[tuple[int, int], float] = {}
    peaks: dict[tuple[int, int], int] = {}

    def run_all() -> None:
        for pairs, methods in TIMES:
            found = run(data[pairs], tmp_path / f"out{pairs}x{methods}", methods)
            seconds[pairs, methods], peaks[pairs, methods] = found

    benchmark.pedantic(run_all, rounds=1, iterations=1)
    work = np.array([[1, methods > 1, PAIRS * pairs, PAIRS * pairs * methods] for pairs, methods in TIMES], dtype=float)
    spent = np.array([seconds[times] for times in TIMES])
    (start, comparing, per_pair, per_image), *_ = np.linalg.lstsq(work, spent, rcond=None)
    more_pairs = (seconds[4, 1] - seconds[2, 1]) / 2 / (seconds[2, 1] - seconds[1, 1])
    more_methods = (seconds[1, 4] - seconds[1, 2]) / 2 / (seconds[1, 2] - seconds[1, 1])
    benchmark.extra_info |= {
        "cpu_s": {
            f"{pairs}x pairs, {methods}x methods": round(value, 2) for (pairs, methods), value in seconds.items()
        },
        "start_s": round(float(start), 2),
        "comparing_s": round(float(comparing), 2),
        "ms_per_pair": round(1000 * float(per_pair), 1),
        "ms_per_image": round(1000 * float(per_image), 1),
        "largest_gap_of_the_fit": f"{np.abs(work @ [start, comparing, per_pair, per_image] / spent - 1).max():.1%}",
        "cost_of_later_pairs_over_earlier": round(more_pairs, 2),
        "cost_of_later_methods_over_earlier": round(more_methods, 2),
        "peak_mib": {f"{pairs}x pairs, {methods}x methods": value for (pairs, methods), value in peaks.items()},
    }
    print(benchmark.extra_info)  # noqa: T201 - what the benchmark is for; shown with -s
    assert peaks[4, 1] <= FLAT * peaks[1, 1], peaks
    assert peaks[4, 4] <= FLAT * peaks[1, 4], peaks
