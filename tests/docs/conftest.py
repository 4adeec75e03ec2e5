"""A small run of the demo data, as the documentation's examples have it at ``runs/latest``."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_folder import SCENES

from bench.data.demo import ensure_demo
from bench.run.config import RunConfig
from bench.run.stages import run


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a few small demo scenes."""
    return ensure_demo(tmp_path_factory.mktemp("scenes"), spec=SCENES).parent


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, scenes: Path) -> Path:
    """The run folder."""
    out = tmp_path_factory.mktemp("docs") / "runs" / "latest"
    outcome = run(
        RunConfig(
            methods=("average", "laplacian_pyramid", "wavelet"), datasets=("demo",), data_root=scenes, out=out,
            tasks=("metrics",), device="cpu", executor="inline",
        )
    )  # fmt: skip
    assert outcome.exit_code == 0
    return out
