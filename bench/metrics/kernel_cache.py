"""Where compiled kernels are kept."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

from bench.machine import processor_name

_KERNELS = Path(__file__).parent / "kernels"


@cache
def kernel_cache() -> Path:
    """The folder of the kernels compiled from these very sources, for this processor and these versions.

    It lies in ``NUMBA_CACHE_DIR``, else beside the kernels, or where these cannot be written in ``numba`` below
    ``BENCH_CACHE`` or the user's cache folder.
    """
    parts = [version("numba"), version("numpy"), platform.python_version(), processor_name()]
    state = hashlib.sha256("\n".join(parts).encode())
    for path in sorted(_KERNELS.glob("*.py")):
        state.update(path.read_bytes())
    return _cache_parent() / f"kernels-{state.hexdigest()[:16]}"


def _cache_parent() -> Path:
    explicit = os.environ.get("NUMBA_CACHE_DIR")
    if explicit:
        return Path(explicit)
    if os.access(_KERNELS, os.W_OK):
        return _KERNELS / "__pycache__"
    if os.environ.get("BENCH_CACHE"):
        return Path(os.environ["BENCH_CACHE"]).expanduser() / "numba"
    from platformdirs import user_cache_path

    return user_cache_path("ivif-bench", appauthor=False) / "numba"
