"""Images and oracles for the tests of the metrics engine."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


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
