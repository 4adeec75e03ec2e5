"""SeAFusion from file to file in several forms, turn by turn in one run, as ratios of CPU time; and its share of sgemm.

``pytest tests/benchmarks/test_runtime_speed.py --benchmark-only -s -n 0``.
The plain loop is what one writes in an afternoon: default layout, one pair after the other, each step in its own
function; with ``--released DIR`` the network is that of the authors' program (``DIR/FusionNet.py`` and the published
``SeAFusion.pth`` of BENCH_WEIGHTS). Beside PyTorch and OpenVINO stands NumPy's sgemm on one core, what the processor
can do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from plain_seafusion import Spent, fuser_on, load_method, once, own_loop, time_form, time_plain

from bench.fusion.forms import FORMS
from bench.fusion.harness import Fuser
from bench.fusion.operations import count_operations
from bench.fusion.runtime import use_runtime
from bench.fusion.subject import random_pair
from bench.images import encode_png
from bench.machine import count_cores, fast_instructions, processor_name
from bench.memory import retained_memory, use_one_heap
from bench.plugin.kinds import METHODS
from bench.types import PairFiles

pytestmark = pytest.mark.timeout(3600)
HEIGHT, WIDTH = 480, 640
ROUNDS = 3
SIDE = 1536
"""Of the matrices that NumPy multiplies."""

SLOWEST = ("auif", "swinfusion", "gifnet", "ship", "mufusion")


def retained(task: Callable[[], object]) -> Spent:
    """The same as a run computes, which keeps freed memory."""
    with retained_memory():
        return once(task)


def least(tasks: Mapping[str, Callable[[], Spent]]) -> dict[str, Spent]:
    """Least seconds of each, turn by turn so that a busy minute hits all alike."""
    best = dict.fromkeys(tasks, (float("inf"), float("inf")))
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            cpu, wall = task()
            best[name] = min(best[name][0], cpu), min(best[name][1], wall)
    return best


def cpu_seconds(tasks: Mapping[str, Callable[[], object]]) -> dict[str, Spent]:
    return least({name: partial(retained, task) for name, task in tasks.items()})


@pytest.fixture
def pair(tmp_path: Path) -> PairFiles:
    for name, image in zip(("ir", "vis"), random_pair((HEIGHT, WIDTH), 0), strict=True):
        (tmp_path / f"{name}.png").write_bytes(encode_png(image))
    return PairFiles("made", "test", "1", tmp_path / "ir.png", tmp_path / "vis.png")


@pytest.fixture
def default_threads() -> Iterator[None]:
    """As many as PyTorch takes where nobody says otherwise; tests take one."""
    before = torch.get_num_threads()
    torch.set_num_threads(count_cores())
    yield
    torch.set_num_threads(before)


@pytest.fixture
def one_thread() -> None:
    """NumPy's number of threads is settled when it is imported."""
    if torch.get_num_threads() != 1:
        pytest.skip("wants one thread; leave OMP_NUM_THREADS unset or give 1")


def on(runtime: Any, method: Any) -> Fuser:
    fuser = Fuser(method)
    use_runtime(fuser, runtime)
    return fuser


def show(title: str, lines: Mapping[str, str]) -> None:
    machine = f"{processor_name()}, {count_cores()} cores, {torch.get_num_threads()} threads"
    print("\n".join(["", f"{title}, {machine}", *(f"  {name:<18} {text}" for name, text in lines.items())]))  # noqa: T201


def _is_timed(form: str) -> bool:
    return form in ("torch", "openvino", "winograd") or (form.endswith(("bf16", "int8")) and bool(fast_instructions()))


def _asked(process: ProcessPoolExecutor, *order: Any) -> Spent:
    return process.submit(time_form, *order).result()


@pytest.mark.usefixtures("default_threads")
def test_file_to_file(benchmark: Any, pair: PairFiles, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    pytest.importorskip("openvino")
    folder, out = request.config.getoption("--released"), tmp_path / "fused.png"
    base, order = "authors' network" if folder is not None else "plain eager loop", (torch.get_num_threads(), pair, out)
    spawned = get_context("spawn")
    with ProcessPoolExecutor(1, spawned) as theirs, ProcessPoolExecutor(1, spawned, use_one_heap) as own:
        found = least({
            base: lambda: theirs.submit(time_plain, folder, *order).result(),
            **{form: partial(_asked, own, form, *order) for form in FORMS if _is_timed(form)},
        })  # fmt: skip
    first = found[base]
    show(f"SeAFusion {WIDTH}x{HEIGHT} from file to file", {
        name: f"CPU {cpu:.2f} s, {first[0] / cpu:.2f} times; wall {wall:.2f} s, {first[1] / wall:.2f} times"
        for name, (cpu, wall) in found.items()
    })  # fmt: skip
    benchmark.pedantic(lambda: own_loop(fuser_on("winograd", pair), pair, out), rounds=1)


@pytest.mark.usefixtures("one_thread")
def test_share_of_sgemm(benchmark: Any) -> None:
    tuned = Fuser(load_method())
    inputs = tuned.prepare([random_pair((HEIGHT, WIDTH), 0)])
    flops = count_operations(lambda: tuned.compute(*inputs))[0]
    assert flops is not None
    left, right = (np.random.default_rng(seed).random((SIDE, SIDE), np.float32) for seed in (0, 1))
    pytest.importorskip("openvino")
    other, ours = on("openvino", load_method()), on("winograd", load_method())
    found = cpu_seconds({
        "NumPy's sgemm": lambda: [left @ right for _ in range(8)],
        "tuned eager": lambda: tuned.compute(*inputs),
        "OpenVINO": lambda: other.compute(*inputs),
        "Winograd": lambda: ours.compute(*inputs),
    })  # fmt: skip
    work = dict.fromkeys(found, flops) | {"NumPy's sgemm": 8 * 2.0 * SIDE**3}
    rates = {name: work[name] / cpu / 1e9 for name, (cpu, _) in found.items()}
    best = rates["NumPy's sgemm"]
    show(f"SeAFusion's network, {flops / 1e9:.0f} GFLOP, one core", {
        name: f"{rate:.1f} GFLOP/s of CPU time, {rate / best:.0%} of sgemm" for name, rate in rates.items()
    })  # fmt: skip
    benchmark.pedantic(lambda: other.compute(*inputs), rounds=1)


@pytest.mark.parametrize("name", SLOWEST)
def test_the_slowest_networks(benchmark: Any, name: str) -> None:
    """Each on a small pair: OpenVINO beside the tuned forward, or why it stays with PyTorch."""
    cls = METHODS.get(name)
    tuned, other = Fuser(cls(None)), Fuser(cls(None))
    use_runtime(other, "auto")
    inputs = tuned.prepare([random_pair((160, 192), 0)])
    found = cpu_seconds({"tuned eager": lambda: tuned.compute(*inputs), other.runtime: lambda: other.compute(*inputs)})
    first = found["tuned eager"][0]
    show(f"{cls.info.title} 192x160", {
        **{form: f"CPU {cpu:.2f} s, {first / cpu:.2f} times" for form, (cpu, _) in found.items()},
        **({"": other.runtime_reason} if other.runtime_reason else {}),
    })  # fmt: skip
    benchmark.pedantic(lambda: other.compute(*inputs), rounds=1)
