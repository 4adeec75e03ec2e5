"""What a run costs as it grows: 1, 2 and 4 times the pairs, and 1, 2 and 4 times the methods; time and memory.

Figures are reported, none is asserted: run with ``--benchmark-only``. Linear time shows as seconds that double with the
work once the constant start is taken off; flat memory as a peak that does not grow.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

METHODS = ("average", "maximum", "laplacian_pyramid", "ratio_pyramid")
UNIT = 16

RUN = """
import resource, sys
from bench.cli import main
try:
    main()
except SystemExit as end:
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print("peak_kib", peak)
    sys.exit(end.code)
"""


@pytest.mark.parametrize(("pairs", "methods"), [(1, 1), (2, 1), (4, 1), (1, 2), (1, 4), (4, 4)])
def test_growth(benchmark: Any, tmp_path: Path, make_data: Callable[..., Path], pairs: int, methods: int) -> None:
    data = make_data(tmp_path / "data", {"test": UNIT * pairs}, size=(120, 160))
    peaks: list[int] = []
    counter = iter(range(100))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    def run() -> None:
        out = tmp_path / f"out{next(counter)}"
        command = [
            sys.executable, "-c", RUN, "run", "--datasets", "mfnet", "--data-root", str(data), "--out", str(out),
            "--methods", ",".join(METHODS[:methods]), "--tasks", "metrics", "--jobs", "1", "--device", "cpu",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
        assert done.returncode == 0, done.stdout + done.stderr
        peaks.append(int(done.stdout.split("peak_kib")[1]))

    benchmark.pedantic(run, rounds=1, iterations=1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    benchmark.extra_info["images"] = UNIT * pairs * methods
    benchmark.extra_info["cpu_s"] = round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2)
    benchmark.extra_info["peak_mib"] = max(peaks) // 1024
