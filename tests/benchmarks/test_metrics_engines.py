"""How fast the metrics are: ``pytest -m "" --benchmark-only -s tests/benchmarks/test_metrics_engines.py``.

Prints CPU milliseconds of one thread for one pair and one fused image, of both engines, interleaved: minima of several
rounds. ``--earlier=DIR`` adds a checkout of an earlier commit; ``--released=FILE`` a module with ``six_metrics(ir, vis,
fused)``, e.g. around the field's common evaluator, in place of ``baseline.py``. Nothing about time is asserted.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bench.machine import processor_name
from bench.metrics import PairScorer
from bench.metrics.catalogue import CONVENTIONS
from bench.metrics.choice import compiled_in
from bench.metrics.convention_facts import SIX

ROUNDS = 9
FIVE = ("standard", "seafusion2022", "tang2023", "cddfuse", "vifb")
IDEAS = (*SIX, "Entropy", "Mutinf", "Spatial_frequency", "Variance")
"""The six, and what ``vifb`` calls them."""

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]
CASES: dict[str, tuple[tuple[str, ...], Any]] = {
    "six, standard": (("standard",), SIX),
    "six, seafusion2022": (("seafusion2022",), SIX),
    "six, both": (("standard", "seafusion2022"), SIX),
    "six, five conventions": (FIVE, IDEAS),
    "defaults, five conventions": (FIVE, None),
    "all metrics, five conventions": (FIVE, "all"),
}
ONCE = "all metrics, five conventions"
"""Takes some ten seconds with NumPy, so that one round says enough."""
EARLIER = """
import json, sys, time, cv2, numpy as np
cv2.setNumThreads(1)
from bench.metrics import PairScorer
triples = dict(np.load(sys.argv[1]))
for line in sys.stdin:
    kind, conventions, metrics = json.loads(line)
    ir, vis, fused = (triples[f"{kind}{index}"] for index in range(3))
    start = time.process_time()
    PairScorer(ir, vis, conventions, metrics).score(fused)
    print(time.process_time() - start, flush=True)
"""


@pytest.fixture(scope="module")
def triples(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Triple], Path]:
    """A grey triple, whose planes are equal in all conventions, and a coloured one, whose are not; and their file."""
    rng = np.random.default_rng(0)

    def smooth() -> np.ndarray:
        cells = (rng.normal(0, 30, (480 // cell, 640 // cell)) for cell in (40, 10, 2))
        return sum(cv2.resize(each, (640, 480)) for each in cells) + 120 + rng.normal(0, 2, (480, 640))

    ir, vis, tint = smooth(), smooth(), smooth()
    coloured = np.stack([vis, vis + 0.1 * (tint - 120), vis - 0.1 * (tint - 120)], axis=2)
    fused = (ir[..., None] + coloured) / 2
    found = {
        name: tuple(np.clip(image, 0, 255).astype(np.uint8) for image in images)
        for name, images in {"grey": (ir, vis, fused[..., 0]), "colour": (ir, coloured, fused)}.items()
    }
    path = tmp_path_factory.mktemp("triples") / "triples.npz"
    np.savez(path, **{f"{name}{index}": image for name, triple in found.items() for index, image in enumerate(triple)})
    return found, path


@pytest.fixture(scope="module")
def earlier(request: pytest.FixtureRequest, triples: tuple[dict[str, Triple], Path]) -> Iterator[Any]:
    """A process of an earlier commit that scores when told, or None."""
    folder = request.config.getoption("--earlier", default=None)
    if folder is None:
        yield None
        return
    with subprocess.Popen(
        [sys.executable, "-c", EARLIER, str(triples[1])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)},
    ) as process:  # fmt: skip
        yield lambda *case: _asked(process, case)
        process.stdin.close()


def _asked(process: subprocess.Popen[str], case: tuple[Any, ...]) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(case) + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def scorer(engine: str, triple: Triple, conventions: tuple[str, ...], metrics: Any) -> Callable[[], object]:
    ir, vis, fused = triple
    return lambda: PairScorer(ir, vis, conventions, metrics, engine=engine).score(fused)


@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_engines(benchmark: Any, triples: tuple[dict[str, Triple], Path], earlier: Any, kind: str) -> None:
    pytest.importorskip("numba")
    cv2.setNumThreads(1)
    triple = triples[0][kind]
    scorer("numba", triple, FIVE, None)()
    rows = {}
    for name, (conventions, metrics) in CASES.items():
        ways = {engine: scorer(engine, triple, conventions, metrics) for engine in ("numpy", "numba")}
        best = dict.fromkeys([*ways, *(["earlier"] if earlier else [])], float("inf"))
        for _ in range(1 if name == ONCE else ROUNDS):
            for engine, work in ways.items():
                best[engine] = min(best[engine], cpu_seconds(work))
            if earlier:
                best["earlier"] = min(best["earlier"], earlier(kind, conventions, metrics))
        rows[name] = best
    one = rows["six, standard"]["numba"]
    tell(f"{kind}, 640x480, CPU ms of one thread, {processor_name()}, load {os.getloadavg()[0]:.1f}")
    for name, best in rows.items():
        against = "".join(
            f"{engine} {best[engine] * 1e3:7.1f} ({best[engine] / best['numba']:4.2f}x)  " for engine in best
        )
        tell(f"{name:28}{against}{best['numba'] / one:5.2f} times one convention")
        benchmark.extra_info[name] = best
    benchmark.pedantic(scorer("numba", triple, ("standard",), SIX), rounds=3)


def test_a_further_method(benchmark: Any, triples: tuple[dict[str, Triple], Path]) -> None:
    """What the second and each later fused image of a pair costs."""
    cv2.setNumThreads(1)
    ir, vis, fused = triples[0]["grey"]
    for engine in ("numpy", "numba"):
        score = PairScorer(ir, vis, ("standard", "seafusion2022"), SIX, engine=engine).score
        score(255 - fused)
        best = min(cpu_seconds(partial(score, fused)) for _ in range(ROUNDS))
        tell(f"a further method, both conventions, {engine}: {best * 1e3:.1f} ms")
    benchmark.pedantic(score, (fused,), rounds=3)


def test_every_metric(benchmark: Any, triples: tuple[dict[str, Triple], Path]) -> None:
    """Each formula with its parameters by itself."""
    cv2.setNumThreads(1)
    triple, seen = triples[0]["grey"], set()
    scorer("numba", triple, FIVE, "all")()
    for name, entry in CONVENTIONS.items():
        for metric, use in entry.uses.items():
            if (use.formula, use.parameters) in seen or use.formula == "brisque":  # which wants files of the net
                continue
            seen.add((use.formula, use.parameters))
            numpy_, numba = (
                min(cpu_seconds(scorer(engine, triple, (name,), metric)) for _ in range(2))
                for engine in ("numpy", "numba")
            )
            if numpy_ > 0.003:
                tell(f"{name:14}{metric:20}numpy {numpy_ * 1e3:8.1f}  numba {numba * 1e3:8.1f}  {numpy_ / numba:5.1f}x")
    benchmark.pedantic(scorer("numba", triple, FIVE, "all"), rounds=1)


def test_against_a_common_evaluator(
    benchmark: Any, request: pytest.FixtureRequest, triples: tuple[dict[str, Triple], Path]
) -> None:
    """``--released FILE``, or ``baseline.py``: the six as they are commonly written."""
    path = Path(request.config.getoption("--released", default=None) or Path(__file__).with_name("baseline.py"))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cv2.setNumThreads(1)
    triple = triples[0]["grey"]
    ways = {path.name: lambda: module.six_metrics(*triple)}
    ways |= {engine: scorer(engine, triple, ("standard",), SIX) for engine in ("numpy", "numba")}
    scorer("numba", triple, ("standard",), SIX)()
    best = {name: min(cpu_seconds(work) for _ in range(3)) for name, work in ways.items()}
    tell("six, standard: " + ", ".join(f"{name} {seconds * 1e3:.1f} ms" for name, seconds in best.items()))
    benchmark.pedantic(ways["numba"], rounds=3)


def test_compiling(benchmark: Any, tmp_path: Path) -> None:
    """What the first use after an installation costs, and what each process pays from then on."""
    pytest.importorskip("numba")
    code = (
        "import time; start = time.process_time(); from bench.metrics.choice import compile_kernels;"
        "from bench.metrics.kernels.warm import run_all_once; compile_kernels(); run_all_once();"
        "print(time.process_time() - start)"
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code]
    first, then = (
        float(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout) for _ in range(2)
    )
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    tell(f"compiling {first:.1f} s CPU, from the cache {then:.1f} s, {size / 2**20:.1f} MB ({compiled_in().name})")
    benchmark.pedantic(lambda: None, rounds=1)


def tell(text: str) -> None:
    print(text)  # noqa: T201 - shown with -s
