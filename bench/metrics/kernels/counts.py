"""Histograms, and the sums over them that metrics of grey-level statistics need."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.compiled import Array, kernel
from bench.metrics import information
from bench.metrics.planes import Plane, Triple

_BASE = {"bit": math.log(2.0), "nat": 1.0}
_FEW = np.arange(4096, dtype=np.float64)
_LOGS = _FEW * np.log(np.maximum(_FEW, 1.0))


@kernel
def count_pairs(first: Array, second: Array, counts: Array) -> None:
    """Adds to the (256, 256) ``counts`` each pixel's pair of levels."""
    for y in range(first.shape[0]):
        for x in range(first.shape[1]):
            counts[first[y, x], second[y, x]] += 1


@kernel
def sum_with_logs(counts: Array, logs: Array) -> float:
    """Sum of n log n over the counts; ``logs`` holds n log n of the first integers."""
    total = 0.0
    for n in counts:
        if n < logs.size:
            total += logs[n]
        else:
            total += n * math.log(n)
    return total


def _sum_with_logs(counts: Array) -> float:
    return sum_with_logs(np.ascontiguousarray(counts).ravel(), _LOGS)


def _count(first: Plane, second: Plane) -> None:
    """Counts levels for the formulas in :mod:`bench.metrics.information`, which look for them first."""

    def compute() -> information.Counts:
        counts = np.zeros((256, 256), dtype=np.int32)
        count_pairs(first.levels, second.levels, counts)
        return counts.astype(np.int64)

    joint = second.once(("joint histogram", first), compute)
    first.once("histogram", lambda: joint.sum(axis=1))
    second.once("histogram", lambda: joint.sum(axis=0))


def counted(formula: Callable[..., float], between: bool = False) -> Callable[..., float]:
    """A formula of histograms that gets the joint ones of each source and the fused image from the kernel.

    Args:
        formula: of :mod:`bench.metrics.information`.
        between: it reads the joint histogram of the sources too.
    """

    def compute(triple: Triple, **parameters: Any) -> float:
        for source in triple.sources:
            _count(source, triple.fused)
        if between:
            _count(triple.ir, triple.vis)
        return formula(triple, **parameters)

    return compute


def entropy(triple: Triple, unit: str) -> float:
    """See :func:`bench.metrics.information.entropy`."""
    counts, n = information.histogram(triple.fused), triple.fused.pixels
    return (_sum_with_logs(np.array([n])) - _sum_with_logs(counts)) / n / _BASE[unit]


def mutual_information(triple: Triple, unit: str, merge_top_bins: bool = False, stretch: bool = False) -> float:
    """See :func:`bench.metrics.information.mutual_information`."""
    total, n = 0.0, triple.fused.pixels
    for source in triple.sources:
        _count(source, triple.fused)
        joint = information.usable_joint(source, triple.fused, stretch)
        margins = _sum_with_logs(joint.sum(axis=1)) + _sum_with_logs(joint.sum(axis=0))
        together = information.merged(joint) if merge_top_bins else joint
        found = (_sum_with_logs(np.array([n])) + _sum_with_logs(together) - margins) / n
        total += information.exact_if_independent(found, together)
    return total / _BASE[unit]
