"""Time and memory of the metrics engine; run with ``pytest --benchmark-only tests/benchmarks/test_metrics_speed.py``.

Compare ``test_six_metrics_straightforward`` with ``test_six_metrics_of_one_pair`` and that with
``test_six_metrics_of_a_further_method``; nothing about time is asserted.
"""

from __future__ import annotations

import importlib.util
import resource
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from bench.metrics import PairScorer
from bench.metrics.catalogue import CONVENTIONS, chosen_metrics
from bench.run.score_folder import score_folder
from bench.types import PairFiles

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


BOTH = ("standard", "seafusion2022")


def made(height: int, width: int, seed: int = 0) -> Triple:
    """Two smooth random sources with texture, and their noisy mean; grey uint8."""
    rng = np.random.default_rng(seed)
    images = [
        sum(cv2.resize(rng.normal(0, 30, (height // cell, width // cell)), (width, height)) for cell in (40, 10, 2))
        + 120
        for _ in range(2)
    ]
    images.append((images[0] + images[1]) / 2 + rng.normal(0, 3, (height, width)))
    return tuple(np.clip(image, 0, 255).astype(np.uint8) for image in images)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    cv2.setNumThreads(1)


@pytest.fixture(scope="module")
def triple() -> Triple:
    return made(480, 640)


@pytest.fixture(scope="module")
def baseline() -> ModuleType:
    spec = importlib.util.spec_from_file_location("baseline", Path(__file__).with_name("baseline.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_six_metrics_straightforward(benchmark: BenchmarkFixture, baseline: ModuleType, triple: Triple) -> None:
    got = benchmark(baseline.six_metrics, *triple)
    for value in PairScorer(*triple[:2]).score(triple[2]):
        assert value.value == pytest.approx(got[value.metric], abs=1e-9)


def test_six_metrics_of_one_pair(benchmark: BenchmarkFixture, triple: Triple) -> None:
    ir, vis, fused = triple
    assert len(benchmark(lambda: PairScorer(ir, vis).score(fused))) == 6


def test_six_metrics_of_a_further_method(benchmark: BenchmarkFixture, triple: Triple) -> None:
    ir, vis, fused = triple
    scorer = PairScorer(ir, vis)
    scorer.score(255 - fused)
    assert len(benchmark(scorer.score, fused)) == 6


@pytest.mark.parametrize("together", [True, False])
def test_five_conventions(benchmark: BenchmarkFixture, triple: Triple, together: bool) -> None:
    ir, vis, fused = triple
    groups = [list(CONVENTIONS)] if together else [[name] for name in CONVENTIONS]
    benchmark(lambda: [PairScorer(ir, vis, group).score(fused) for group in groups])


@pytest.mark.parametrize("jobs", [1, 2])
def test_folder_of_pairs(benchmark: BenchmarkFixture, tmp_path: Path, jobs: int) -> None:
    files = []
    (tmp_path / "fused").mkdir()
    for index in range(8):
        paths = [tmp_path / f"ir{index}.png", tmp_path / f"vis{index}.png", tmp_path / "fused" / f"{index}.png"]
        for path, image in zip(paths, made(480, 640, index), strict=True):
            Image.fromarray(image).save(path)
    for index in range(160):
        source = tmp_path / "fused" / f"{index % 8}.png"
        if index >= 8:
            (tmp_path / "fused" / f"{index}.png").symlink_to(source)
        files.append(
            PairFiles("made", "test", str(index), tmp_path / f"ir{index % 8}.png", tmp_path / f"vis{index % 8}.png")
        )
    scores, problems = benchmark.pedantic(
        lambda: score_folder(tmp_path / "fused", files, "m", chosen_metrics(BOTH, None), jobs=jobs),
        rounds=1,
    )
    assert not problems
    assert len(scores) == 160 * 12


@pytest.mark.parametrize("conventions", ["standard", ",".join(CONVENTIONS)])
def test_peak_memory_of_a_worker_at_1280x960(benchmark: BenchmarkFixture, conventions: str) -> None:
    code = (
        "import resource, numpy as np; from bench.metrics import PairScorer; rng = np.random.default_rng(0);"
        "a, b, c, d = (rng.integers(0, 256, (960, 1280), dtype=np.uint8) for _ in range(4));"
        f"scorer = PairScorer(a, b, {conventions!r}.split(',')); scorer.score(c); scorer.score(d);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
    command = [sys.executable, "-c", code]
    done = benchmark.pedantic(
        lambda: subprocess.run(command, capture_output=True, text=True, check=True), rounds=1
    )  # fmt: skip
    benchmark.extra_info["peak_MB"] = int(done.stdout)
    print(f"peak memory with {conventions}: {done.stdout.strip()} MB")  # noqa: T201 - shown with -s
