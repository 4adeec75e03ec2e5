"""Where files of weights lie on the user's machine: fetched, imported, converted, trained here."""

from __future__ import annotations

import os
from pathlib import Path

WEIGHTS_NAME = "weights.safetensors"
TRAINING_RECORD = "training.json"


def cache_dir() -> Path:
    """The cache of weights: ``BENCH_CACHE``, else ``ivif-bench/weights`` in the user's cache folder."""
    explicit = os.environ.get("BENCH_CACHE")
    if explicit:
        return Path(explicit).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("ivif-bench", appauthor=False)) / "weights"


def published_dir() -> Path:
    """Where fetched and imported files lie, under the names that their authors gave them."""
    return cache_dir() / "published"


def trained_path(name: str) -> Path:
    """Where ``bench train NAME`` leaves its result for later runs."""
    return cache_dir() / "trained" / name / WEIGHTS_NAME


def imported_path(name: str) -> Path:
    """Where weights lie that were recognised by their tensors, without being the published file."""
    return cache_dir() / "imported" / name / WEIGHTS_NAME
