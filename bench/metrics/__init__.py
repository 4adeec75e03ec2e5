"""The metrics engine: every fusion metric in every convention the field uses.

``evaluate`` is the one call for a single triple of images; :class:`bench.metrics.engine.PairScorer` shares the work
between methods and conventions; ``bench.metrics.catalogue`` explains every number and imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.metrics.engine import MetricValue, PairScorer, evaluate, metric_values

__all__ = ["MetricValue", "PairScorer", "evaluate", "metric_values"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from bench.metrics import engine

        return getattr(engine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
