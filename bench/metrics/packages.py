"""Metrics that other packages bring: what such a package writes, and how it joins the catalogue and the engine.

A package names a module in the entry-point group ``ivfbench.metrics``, ``<NAME> = <module>``; the module has

    METRIC = Metric(name="NAME", title=..., better="higher" or "lower", ...)

    def compute(ir, vis, fused): ...

where the three are float64 (H, W) planes, 0..255, grey as in convention ``standard``, and the result is a float. The
metric is computed when it is named (``--metrics EN,NAME``), in convention ``standard``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from bench.errors import BenchError, describe
from bench.metrics.facts import Metric, Use

GROUP = "ivfbench.metrics"
CONVENTION = "standard"


@dataclass(frozen=True, slots=True)
class PackagedMetric:
    """One metric of another package.

    Attributes:
        facts: what is said of it.
        compute: float64 planes (H, W), 0..255, of ir, vis and fused -> the number.
        origin: the package.
        module: where it stands.
    """

    facts: Metric
    compute: Callable[[Any, Any, Any], float]
    origin: str
    module: str

    @property
    def formula(self) -> str:
        """Its name in the engine's table; no built-in formula has a colon."""
        return f"package:{self.facts.name}"

    @property
    def use(self) -> Use:
        """How ``standard`` computes it."""
        facts = self.facts
        return Use(facts.name, self.formula, (), facts.definition, facts.unit, facts.low, facts.high, quick=False)


@cache
def packaged_metrics() -> dict[str, PackagedMetric]:
    """All that can be used, by name; one that cannot is passed over here, and named by ``broken_metrics``."""
    return {
        point.name: found for point in entry_points(group=GROUP) if isinstance(found := _read(point), PackagedMetric)
    }


def broken_metrics() -> dict[str, str]:
    """Entry points of metrics that cannot be used, and why."""
    return {point.name: found for point in entry_points(group=GROUP) if isinstance(found := _read(point), str)}


def _read(point: EntryPoint) -> PackagedMetric | str:
    try:
        module = point.load()
        facts, compute = module.METRIC, module.compute
        if not isinstance(facts, Metric) or facts.name != point.name:
            raise BenchError(f"METRIC is {facts!r:.80}, wanted a Metric of the name {point.name!r}")
        if not callable(compute):
            raise BenchError("compute is no function of (ir, vis, fused)")
    except (Exception, SystemExit) as error:
        return describe(error)
    return PackagedMetric(facts, compute, point.dist.name if point.dist else "entry point", point.module)
