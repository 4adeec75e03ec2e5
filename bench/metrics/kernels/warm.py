"""Compiling everything there is: each kernel once, with the kinds of arrays it is given in use."""

from __future__ import annotations

import numpy as np

from bench.metrics.catalogue import CONVENTIONS
from bench.metrics.kernels.formulas import GREYS, KERNELS
from bench.metrics.planes import Plane, Sources, Triple


def run_all_once() -> None:
    """Computes on small random images whatever the conventions ask of the kernels."""
    rng = np.random.default_rng(0)
    levels = [rng.integers(0, 256, (168, 168), dtype=np.uint8) for _ in range(3)]
    for convert in GREYS.values():
        convert(levels)
    uses = [use for convention in CONVENTIONS.values() for use in convention.uses.values() if use.formula in KERNELS]
    for together in (False, True):  # some kernels take what several conventions ask for in one pass
        ir, vis, fused = (Plane(each) for each in levels)
        triple = Triple(Sources(ir, vis), fused)
        if together:
            triple.sources.asked.update((use.formula, use.parameters) for use in uses)
        for use in uses:
            KERNELS[use.formula](triple, **dict(use.parameters))
