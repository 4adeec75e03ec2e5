"""A small run of the demo data, as the documentation's examples have it at ``runs/latest``."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.run.config import RunConfig
from bench.run.stages import run


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the command was given; ``RUN`` is the run's other name."""
    root = tmp_path_factory.mktemp("docs")
    outcome = run(
        RunConfig(
            methods=("average", "laplacian_pyramid", "wavelet"), datasets=("demo",), limit=6, tasks=("metrics",),
            out=root / "runs" / "latest", device="cpu", executor="inline",
        )
    )  # fmt: skip
    assert outcome.exit_code == 0
    (root / "RUN").symlink_to(root / "runs" / "latest")
    return root
