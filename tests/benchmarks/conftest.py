"""Options of the benchmarks."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the engine of the metrics is timed against."""
    group = parser.getgroup("benchmarks of the metrics")
    group.addoption("--earlier", type=Path, help="a checkout of an earlier commit")
    group.addoption("--released", type=Path, help="a module with six_metrics(ir, vis, fused)")
