"""Fixtures shared by all tests."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

# one computing thread per test process: pytest-xdist already uses the cores, and bits must not depend on them
os.environ.setdefault("OMP_NUM_THREADS", "1")
# and the same engine scores whether its kernels happen to be compiled or not
os.environ.setdefault("BENCH_ENGINE", "numpy")

import numpy as np
import pytest
from made_data import make_msrs

PROJECT = Path(__file__).resolve().parent.parent
pytest_plugins = ("checkpoint_files",)
Images = tuple[np.ndarray, np.ndarray, np.ndarray]


SHARED = Path(os.environ.get("BENCH_REFERENCE", PROJECT.parent / "shared"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that hold published images and numbers are known by the fixture they ask for."""
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.golden)


class Goldens:
    """Counts tests that hold published images and numbers, here or, under xdist, in all workers."""

    def __init__(self) -> None:
        self.ran = self.skipped = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Every report reaches the process that prints, whoever ran the test."""
        if "golden" in report.keywords:
            self.skipped += report.skipped
            self.ran += report.when == "call" and not report.skipped

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Not green where published images and numbers are at hand and every test that holds them was skipped."""
        if SHARED.exists() and self.skipped and not self.ran:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            print(f"\nall {self.skipped} golden tests were skipped although {SHARED} is there")  # noqa: T201


def pytest_configure(config: pytest.Config) -> None:
    """One counter, in the process that prints."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Goldens(), "goldens")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real images, published weights and reference numbers; the test is skipped where it is absent."""
    folder = SHARED
    if not (folder / "reference").is_dir():
        pytest.skip(f"no reference data at {folder}; point BENCH_REFERENCE at a copy")
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, data or weights."""
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("BENCH_CACHE", str(base / "cache"))
    drawn = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "drawn"
    if not (base / "cache" / "data").exists():  # the demo scenes are drawn once for all workers of a test run
        drawn.mkdir(exist_ok=True)
        (base / "cache").mkdir(exist_ok=True)
        (base / "cache" / "data").symlink_to(drawn, target_is_directory=True)
    monkeypatch.setenv("TORCH_HOME", str(base / "torch"))
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.delenv("BENCH_WEIGHTS", raising=False)


@pytest.fixture(autouse=True, scope="session")
def _no_fork_server() -> Iterator[None]:
    """A command that is called in this process starts none: it would stay, with 300 MB, until all tests are over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.run.fork_server._is_safe", lambda: False)
        yield


@pytest.fixture(name="make_data", scope="session")
def _make_data() -> Callable[..., Path]:
    """``make_msrs``, for tests that need a data set of their own size."""
    return make_msrs


@pytest.fixture(scope="session")
def msrs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a small generated data set in the MSRS layout."""
    return make_msrs(tmp_path_factory.mktemp("data"))


@pytest.fixture
def toy_segmenter(monkeypatch: pytest.MonkeyPatch) -> type:
    """A segmenter of two layers in place of every other, so that a training takes no time."""
    import torch
    from torch import Tensor, nn

    from bench.plugin.kinds import SEGMENTERS
    from bench.plugin.task import Segmenter
    from bench.train.segmenter_step import split_parameters

    class ToyNet(nn.Module):
        def __init__(self, classes: int) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2))
            self.out = nn.Conv2d(8, classes, 1)

        def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
            features = self.body(images)
            return self.out(features), self.out(features.flip(1))

    class ToySegmenter(Segmenter):
        name = "toy"
        summary = "for tests"

        def build(self, classes: int, seed: int, backbone: Path | None = None) -> tuple[nn.Module, str]:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                return ToyNet(classes), "random"

        def loss_weights(self) -> tuple[float, ...]:
            return (1.0, 0.5)

        def parameter_groups(self, net: nn.Module, weight_decay: float) -> list[dict[str, object]]:
            return split_parameters(net, weight_decay, heads=("out.",))

    monkeypatch.setattr(SEGMENTERS, "get", lambda _: ToySegmenter)
    return ToySegmenter


@pytest.fixture
def add_to_package(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Path], None]]:
    """Makes the modules of a folder plug-ins of ``methods`` or ``tasks``, for one test."""
    from bench.plugin.kinds import METHODS, TASKS

    registries = {"methods": METHODS, "tasks": TASKS}

    def add(name: str, folder: Path) -> None:
        package = importlib.import_module(name)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        registries[name].__dict__.pop("entries", None)

    yield add
    for registry in registries.values():
        registry.__dict__.pop("entries", None)


@pytest.fixture(scope="session")
def scene() -> Callable[[int, int, int], Images]:
    """Makes a smooth pair and a fused image with some noise: grey uint8 of the given height, width and seed."""

    def make(height: int, width: int, seed: int = 0) -> Images:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:height, :width] / 9.0
        base = np.sin(x + rng.uniform(0, 6)) + np.cos(1.3 * y + rng.uniform(0, 6))
        other = np.sin(0.7 * x * y / 3 + rng.uniform(0, 6))
        ir, vis = 128 + 45 * base, 120 + 60 * other
        fused = (ir + vis) / 2 + rng.normal(0, 6, base.shape)
        return tuple(np.clip(image, 0, 255).astype(np.uint8) for image in (ir, vis, fused))

    return make


@pytest.fixture(scope="session")
def numbers() -> object:
    """What the built-in tasks say of their numbers (``bench.analysis.numbers.Numbers``)."""
    from bench.analysis.numbers import Numbers
    from bench.plugin.kinds import TASKS
    from bench.run.record import declared

    return Numbers({name: declared(name) for name in TASKS.names()})
