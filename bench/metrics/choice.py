"""Which engine computes the metrics: ``numpy``, the reference, or ``numba``, compiled copies of its slow formulas.

Numba is not imported here; it is when its engine is used. Compiling takes half a minute, once: the results are kept
beside the kernels, or below ``BENCH_CACHE`` where the program's folder cannot be written.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from bench.compiled import kernel_cache
from bench.errors import BenchError

Engine = Literal["numpy", "numba"]
ENGINES = ("auto", *get_args(Engine))
VARIABLE = "BENCH_ENGINE"
"""Environment variable that decides where nothing else was asked for."""

REPAID_AFTER = 850
"""Numbers of fused images times conventions, of one process, from which compiling takes less time than it saves: 26
CPU-seconds against 32 ms each of the six metrics at 640x480 (AMD EPYC with AVX-512; without it NumPy is slower)."""


def choose_engine(wanted: str = "auto", images: int = 1) -> Engine:
    """The engine to use.

    Args:
        wanted: ``numpy``; ``numba``; or ``auto``: what ``BENCH_ENGINE`` says, else Numba where its kernels are compiled
            or ``images`` repay compiling them.
        images: how many fused images a process will score, times conventions; others wait while one compiles.

    Raises:
        BenchError: unknown name, or Numba is wanted and not installed.
    """
    if wanted == "auto":
        wanted = os.environ.get(VARIABLE) or "auto"
    if wanted not in ENGINES:
        raise BenchError(f"engine of the metrics is {wanted!r}, wanted one of {', '.join(ENGINES)}")
    installed = importlib.util.find_spec("numba") is not None
    if wanted == "numba" and not installed:
        raise BenchError('engine numba is wanted and not installed; pip install "ivif-bench[fast]", or --engine numpy')
    if wanted == "numba" or (wanted == "auto" and installed and (kernels_ready() or images >= REPAID_AFTER)):
        return "numba"
    return "numpy"


def ready_engine(wanted: str, images: int, announce: Callable[[str], None]) -> Engine:
    """:func:`choose_engine`, with its kernels compiled, so that worker processes find them.

    Raises:
        BenchError: as there, or the compiled kernels cannot be kept.
    """
    engine = choose_engine(wanted, images)
    if engine == "numba":
        compile_kernels(announce)
    return engine


def kernels_ready() -> bool:
    """True if all kernels are compiled."""
    return _mark().exists()


def compiled_in() -> Path:
    """The folder of the compiled kernels."""
    return kernel_cache(Path(__file__).parent / "kernels")


def _mark() -> Path:
    """A file that is there once everything is compiled."""
    return compiled_in() / "complete"


def compile_kernels(announce: Callable[[str], None] = lambda _: None) -> bool:
    """Compiles all kernels unless they are; while one process does, others wait.

    Args:
        announce: told once, if there is something to compile.

    Returns:
        True if anything was compiled.

    Raises:
        BenchError: Numba is not installed, or the folder cannot be written.
    """
    from filelock import FileLock

    choose_engine("numba")
    mark = _mark()
    if mark.exists():
        return False
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(mark.with_suffix(".lock")):
            if mark.exists():
                return False
            announce(f"compiling the kernels of the metrics, once, for about half a minute ({mark.parent})")
            from bench.metrics.kernels.warm import run_all_once

            run_all_once()
            mark.touch()
    except OSError as error:
        raise BenchError(
            f"{mark.parent}: compiled kernels cannot be kept ({error.strerror}); point NUMBA_CACHE_DIR at a writable "
            "folder, or use --engine numpy"
        ) from error
    return True
