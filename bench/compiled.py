"""Kernels in Numba: how they are compiled, and where the results are kept. Numba is imported with the first of them."""

from __future__ import annotations

import hashlib
import inspect
import os
import platform
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from bench.machine import processor_name

F = TypeVar("F", bound=Callable[..., Any])
Array = NDArray[Any]


@cache
def kernel_cache(sources: Path) -> Path:
    """The folder of the kernels compiled from these very sources, for this processor and these versions.

    It lies in ``NUMBA_CACHE_DIR``, else beside the sources, or where these cannot be written in ``numba`` below
    ``BENCH_CACHE`` or the user's cache folder.

    Args:
        sources: a package that holds kernels and nothing else.
    """
    parts = [version("numba"), version("numpy"), platform.python_version(), processor_name()]
    state = hashlib.sha256("\n".join(parts).encode())
    for path in (Path(__file__), *sorted(sources.glob("*.py"))):
        state.update(path.read_bytes())
    return _cache_parent(sources) / f"kernels-{state.hexdigest()[:16]}"


def _cache_parent(sources: Path) -> Path:
    explicit = os.environ.get("NUMBA_CACHE_DIR")
    if explicit:
        return Path(explicit)
    if os.access(sources, os.W_OK):
        return sources / "__pycache__"
    if os.environ.get("BENCH_CACHE"):
        return Path(os.environ["BENCH_CACHE"]).expanduser() / "numba"
    from platformdirs import user_cache_path

    return user_cache_path("ivif-bench", appauthor=False) / "numba"


def kernel(function: F) -> F:
    """Compiles a function; products may be fused with the sum they go into, nothing else is reordered."""
    return _compile_later(function, {"contract", "nsz"})


def exact_kernel(function: F) -> F:
    """Compiles a function whose every operation rounds as NumPy's does, for what is compared for equality afterwards.

    Without it a kernel takes over the arithmetic of the first kernel that calls it.
    """
    return _compile_later(function, False)


def threaded_kernel(function: F) -> F:
    """As :func:`kernel`, and other threads run meanwhile; for what writes to its arguments alone, no shared memory."""
    return _compile_later(function, {"contract", "nsz"}, threads=True)


def _compile_later(function: F, fastmath: set[str] | bool, threads: bool = False) -> F:
    """Compiles a function when it is first called, and keeps the result in the folder of its sources."""
    import numba

    settings: Any = numba.config
    before = settings.CACHE_DIR
    # by itself Numba would not notice that a called kernel changed
    settings.CACHE_DIR = str(kernel_cache(Path(inspect.getfile(function)).parent))
    try:
        compiled: Any = numba.njit(cache=True, nogil=threads, error_model="numpy", fastmath=fastmath)(function)
        return compiled
    finally:
        settings.CACHE_DIR = before
