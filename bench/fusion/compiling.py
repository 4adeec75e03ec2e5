"""Compiling networks where the number of images repays it."""

from __future__ import annotations

import time
from typing import Literal

import torch
from torch import Tensor, nn

from bench.fusion.harness import Fuser
from bench.machine import quiet_libraries

COMPILE_SECONDS = 60.0
"""What a compilation is reckoned to cost (36 s were seen for SeAFusion on one core)."""

COMPILE_SAVING = 0.4
"""The largest share of the compute time that a compilation is reckoned to save."""

Compile = Literal["never", "auto"]


def synchronise(device: torch.device) -> None:
    """Waits until everything that was started on a GPU is done; nothing to wait for on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


# ------------------------------------------------------------------ compiling


def compile_fuser(fuser: Fuser, sample: tuple[Tensor, Tensor]) -> tuple[float, str]:
    """Compiles the method's networks for the sample's size, and falls back to the uncompiled ones if that fails.

    Args:
        fuser: changed in place.
        sample: prepared tensors, as ``Fuser.prepare`` gives them.

    Returns:
        Seconds the compilation took, and why there is none (no compiler, an unsupported network); empty if there is.
    """
    originals = fuser.method.modules()
    if not originals:
        return 0.0, "the method holds no network to compile"
    start = time.perf_counter()
    try:
        for name, module in originals.items():
            setattr(fuser.method, name, torch.compile(module))
        with quiet_libraries():
            fuser.compute(*sample)
        synchronise(fuser.device)
    except Exception as error:  # whatever a compiler or its absence brings, the plain form is there
        restore(fuser, originals)
        return (
            time.perf_counter() - start,
            f"not compiled: {type(error).__name__}: {' '.join(str(error).split())[:160]}",
        )
    return time.perf_counter() - start, ""


def restore(fuser: Fuser, modules: dict[str, nn.Module]) -> None:
    """Puts uncompiled networks back (of ``Method.modules``, asked for before)."""
    for name, module in modules.items():
        setattr(fuser.method, name, module)


def repays(images: int, seconds_each: float) -> bool:
    """True if compiling can save more time than it costs, reckoned in its favour.

    >>> repays(8, 1.4), repays(361, 1.4)
    (False, True)

    Args:
        images: still to be fused.
        seconds_each: compute time without compiling.
    """
    return images * seconds_each * COMPILE_SAVING > COMPILE_SECONDS
