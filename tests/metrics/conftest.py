"""Images and oracles for the tests of the metrics engine."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

Images = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def oracle() -> ModuleType:
    """The slow plain-loop formulas of tests/oracles."""
    path = Path(__file__).parents[1] / "oracles" / "metric_formulas.py"
    spec = importlib.util.spec_from_file_location("metric_formulas", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["numpy", "numba"])
def either_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a test once with each engine."""
    if request.param == "numba":
        pytest.importorskip("numba", reason="the extra fast is not installed")
    monkeypatch.setenv("BENCH_ENGINE", request.param)
    return str(request.param)


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
