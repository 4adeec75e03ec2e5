"""Where data lie on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def default_data_root() -> Path:
    """``BENCH_DATA`` if set, else ``data`` in the cache folder."""
    given = os.environ.get("BENCH_DATA")
    return Path(given).expanduser() if given else cache_data_root()


def cache_folder() -> Path:
    """Where what only saves time is kept: ``BENCH_CACHE``, else the user's cache folder."""
    import platformdirs

    given = os.environ.get("BENCH_CACHE")
    return Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("ivif-bench", appauthor=False))


def cache_data_root() -> Path:
    """Where data sets are kept that nobody gave a place."""
    return cache_folder() / "data"
