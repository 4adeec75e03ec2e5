"""Fixtures for tests of weights: an empty cache, and a writer of TensorFlow checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.weights.tensorflow_writer import encode_checkpoint

Arrays = Mapping[str, NDArray[np.float32]]
Writer = Callable[[Path, Arrays], list[Path]]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder, empty, and no weights root in the environment."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BENCH_CACHE", str(folder))
    monkeypatch.delenv("BENCH_WEIGHTS", raising=False)
    return folder


@pytest.fixture(scope="session")
def write_tensorflow() -> Writer:
    """Writes ``PREFIX.index`` and ``PREFIX.data-00000-of-00001`` as TensorFlow's ``Saver`` does."""
    return write_checkpoint


def write_checkpoint(prefix: Path, arrays: Arrays, block_bytes: int = 300) -> list[Path]:
    """Index and data file, the index in many small blocks."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    paths = [prefix.with_name(prefix.name + ending) for ending in (".index", ".data-00000-of-00001")]
    for path, content in zip(paths, encode_checkpoint(arrays, block_bytes), strict=True):
        path.write_bytes(content)
    return paths
