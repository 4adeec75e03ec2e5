"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real images, published weights and reference numbers; the test is skipped where it is absent."""
    folder = Path(os.environ.get("BENCH_REFERENCE", PROJECT.parent / "shared"))
    if not (folder / "reference").is_dir():
        pytest.skip(f"no reference data at {folder}; point BENCH_REFERENCE at a copy")
    return folder
