"""How the kernels are compiled: kept on disk, without fast-math beyond fused multiply-add."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numpy.typing import NDArray

from bench.metrics.kernel_cache import kernel_cache

F = TypeVar("F", bound=Callable[..., Any])
Array = NDArray[Any]


def _compiler(**options: Any) -> Callable[[F], F]:
    """Compiles a function when it is first called, and keeps the result in the folder of these sources."""

    def compile_later(function: F) -> F:
        settings: Any = numba.config
        before = settings.CACHE_DIR
        settings.CACHE_DIR = str(kernel_cache())  # by itself Numba would not notice that a called kernel changed
        try:
            return numba.njit(cache=True, error_model="numpy", **options)(function)
        finally:
            settings.CACHE_DIR = before

    return compile_later


kernel = _compiler(fastmath={"contract", "nsz"})
"""Compiles a function; products may be fused with the sum they go into, nothing else is reordered."""

# without "fastmath" a kernel takes over that of the first kernel that calls it
exact_kernel = _compiler(fastmath=False)
"""Compiles a function whose every operation rounds as NumPy's does, for what is compared for equality afterwards."""
