"""ivif-bench: the infrared-visible image fusion benchmark.

In a notebook or a training loop::

    import bench

    run = bench.load("runs/latest")                # tables, comparisons and figures of a run
    bench.evaluate(ir, vis, fused)                 # the metrics of images, in any convention
    bench.fuse("seafusion", ir, vis)               # a fused image
    bench.FusionMetrics(data_range=1.0)            # the metrics during a training

``load``, ``Run``, ``evaluate``, ``fuse`` and ``FusionMetrics`` are the public surface of this package, together with
``bench.metrics.evaluate`` and ``methods.create``; they change with the major version only. Everything else may change
with any release. Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

_wish = os.environ.get("OMP_NUM_THREADS", "1").strip()
if not _wish.isdecimal():
    # OpenMP takes a list, one number for each level, and nothing for no wish; SciPy's transforms fail at both
    _first = _wish.partition(",")[0].strip()
    os.environ.setdefault("DUCC0_NUM_THREADS", _first if _first.isdecimal() else "1")

if TYPE_CHECKING:
    from bench.api.evaluation import evaluate
    from bench.api.fusing import fuse
    from bench.api.loading import Run, load
    from bench.api.training import FusionMetrics

    __version__: str

__all__ = ["FusionMetrics", "Run", "__version__", "evaluate", "fuse", "load"]


def __getattr__(name: str) -> Any:
    # nothing is imported here at once: ``python -m bench`` has the current folder on its path until it has begun
    if name == "__version__":
        from bench.files import VERSION

        return VERSION
    if name in ("load", "Run"):
        from bench.api import loading

        return getattr(loading, name)
    if name == "evaluate":
        from bench.api.evaluation import evaluate

        return evaluate
    if name == "fuse":
        from bench.api.fusing import fuse

        return fuse
    if name == "FusionMetrics":
        from bench.api.training import FusionMetrics

        return FusionMetrics
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
