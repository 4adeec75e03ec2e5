"""Example metric: how far apart the lightest and the darkest pixel of the fused image are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.metrics.facts import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METRIC = Metric(
    name="SPAN", title="Grey-level span", idea="SPAN", unit="grey levels", better="higher", low=0.0, high=255.0,
    definition="Largest minus smallest grey level of the fused image.", source="This example package, 2026",
)  # fmt: skip


def compute(ir: NDArray[np.float64], vis: NDArray[np.float64], fused: NDArray[np.float64]) -> float:
    """Takes grey planes, 0..255."""
    return float(fused.max() - fused.min())
