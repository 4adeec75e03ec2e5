"""SeAFusion from file to file in several forms, turn by turn in one run, as ratios of CPU time; and its share of sgemm.

``pytest tests/benchmarks/test_runtime_speed.py --benchmark-only -s -n 0``.
The plain loop is what one writes in an afternoon: default layout, one pair after the other, each step in its own
function; with ``--released DIR`` the network is that of the authors' program (``DIR/FusionNet.py`` and the published
``SeAFusion.pth`` of BENCH_WEIGHTS). Beside PyTorch and OpenVINO stands NumPy's sgemm on one core, what the processor
can do.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from bench.data.pairs import read_pair
from bench.errors import BenchError
from bench.files import write_atomic
from bench.fusion.harness import Fuser
from bench.fusion.operations import count_operations
from bench.fusion.runtime import use_runtime
from bench.fusion.subject import random_pair
from bench.images import encode_png
from bench.machine import count_cores, processor_name
from bench.memory import retained_memory
from bench.plugin.kinds import METHODS
from bench.types import PairFiles
from bench.weights.find import WeightsMissing, resolve

pytestmark = pytest.mark.timeout(3600)
HEIGHT, WIDTH = 480, 640
ROUNDS = 3
SIDE = 1536
"""Of the matrices that NumPy multiplies."""

SLOWEST = ("auif", "swinfusion", "gifnet", "ship", "mufusion")


def leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)


def block(own: Any, x: Tensor) -> Tensor:
    first = torch.cat((x, leaky(own.dense1(x))), 1)
    second = torch.cat((first, leaky(own.dense2(first))), 1)
    edges = torch.abs(own.gradient.horizontal(x)) + torch.abs(own.gradient.vertical(x))
    return functional.leaky_relu(own.mix(second) + own.gradient.mix(edges), 0.1)


class Plain(nn.Module):
    """The layers of SeAFusion one after the other."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(self, vis: Tensor, ir: Tensor) -> Tensor:
        features = []
        for own, image in ((self.net.vis, vis), (self.net.ir, ir)):
            features.append(block(own.block2, block(own.block1, leaky(own.head(image)))))
        x = torch.cat(features, 1)
        for layer in (self.net.decode4, self.net.decode3, self.net.decode2):
            x = leaky(layer(x))
        return torch.tanh(self.net.decode1(x)) / 2 + 0.5


def load_method() -> Any:
    cls = METHODS.get("seafusion")
    try:
        return cls(resolve(cls).path)
    except (WeightsMissing, BenchError):  # times do not depend on the values
        return cls(None)


def released(folder: Path) -> nn.Module:
    """The authors' network with their weights."""
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("released", folder / "FusionNet.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net: nn.Module = module.FusionNet(output=1)
    file = Path(os.environ["BENCH_WEIGHTS"]) / METHODS.get("seafusion").info.weights[0].path
    net.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return net.eval()


def plain_loop(net: nn.Module, files: PairFiles, out: Path) -> None:
    """Reads, converts, fuses, stretches and writes one pair as a script does."""
    vis = torch.from_numpy(np.asarray(Image.open(files.vis_path), np.float32).transpose(2, 0, 1) / 255)[None]
    ir = torch.from_numpy(np.asarray(Image.open(files.ir_path).convert("L"), np.float32) / 255)[None, None]
    red, green, blue = vis[:, 0:1], vis[:, 1:2], vis[:, 2:3]
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    cr, cb = (red - y) * 0.713, (blue - y) * 0.564
    with torch.no_grad():
        fused = net(y, ir)
    image = torch.cat((fused + 1.403 * cr, fused - 0.714 * cr - 0.344 * cb, fused + 1.773 * cb), 1).clamp(0, 1)
    pixels = image[0].numpy().transpose(1, 2, 0)
    pixels = (pixels - pixels.min()) / (pixels.max() - pixels.min())
    Image.fromarray(np.uint8(255.0 * pixels)).save(out)


def own_loop(fuser: Fuser, files: PairFiles, out: Path) -> None:
    pair = read_pair(files)
    write_atomic(out, encode_png(fuser.fuse_pair(pair.ir, pair.vis)))


def cpu_seconds(tasks: Mapping[str, Callable[[], object]], theirs: str = "") -> dict[str, tuple[float, float]]:
    """Least CPU and wall seconds of each, turn by turn so that a busy minute hits all alike.

    All but ``theirs`` keep freed memory, as a run does, and are warm when they are timed.
    """
    best = dict.fromkeys(tasks, (float("inf"), float("inf")))
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            with nullcontext() if name == theirs else retained_memory():
                task()
                cpu, wall = time.process_time(), time.perf_counter()
                task()
                spent = time.process_time() - cpu, time.perf_counter() - wall
            best[name] = min(best[name][0], spent[0]), min(best[name][1], spent[1])
    return best


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


def on_openvino(method: Any) -> Fuser:
    pytest.importorskip("openvino")
    fuser = Fuser(method)
    use_runtime(fuser, "openvino")
    return fuser


def show(title: str, lines: Mapping[str, str]) -> None:
    machine = f"{processor_name()}, {count_cores()} cores, {torch.get_num_threads()} threads"
    print("\n".join(["", f"{title}, {machine}", *(f"  {name:<18} {text}" for name, text in lines.items())]))  # noqa: T201


@pytest.mark.usefixtures("default_threads")
def test_file_to_file(benchmark: Any, pair: PairFiles, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = request.config.getoption("--released")
    plain = released(folder) if folder is not None and folder.is_dir() else Plain(load_method().net)
    tuned, other, out = Fuser(load_method()), on_openvino(load_method()), tmp_path / "fused.png"
    base = "authors' network" if folder is not None else "plain eager loop"
    found = cpu_seconds({
        base: lambda: plain_loop(plain, pair, out),
        "tuned eager": lambda: own_loop(tuned, pair, out),
        "OpenVINO": lambda: own_loop(other, pair, out),
    }, theirs=base)  # fmt: skip
    first = found[base]
    show(f"SeAFusion {WIDTH}x{HEIGHT} from file to file", {
        name: f"CPU {cpu:.2f} s, {first[0] / cpu:.2f} times; wall {wall:.2f} s, {first[1] / wall:.2f} times"
        for name, (cpu, wall) in found.items()
    })  # fmt: skip
    benchmark.pedantic(lambda: own_loop(other, pair, out), rounds=1)


@pytest.mark.usefixtures("one_thread")
def test_share_of_sgemm(benchmark: Any) -> None:
    tuned = Fuser(load_method())
    inputs = tuned.prepare([random_pair((HEIGHT, WIDTH), 0)])
    flops = count_operations(lambda: tuned.compute(*inputs))[0]
    assert flops is not None
    left, right = (np.random.default_rng(seed).random((SIDE, SIDE), np.float32) for seed in (0, 1))
    other = on_openvino(load_method())
    found = cpu_seconds({
        "NumPy's sgemm": lambda: [left @ right for _ in range(8)],
        "tuned eager": lambda: tuned.compute(*inputs),
        "OpenVINO": lambda: other.compute(*inputs),
    })  # fmt: skip
    work = {"NumPy's sgemm": 8 * 2.0 * SIDE**3, "tuned eager": flops, "OpenVINO": flops}
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
