"""Run time: latency, throughput, parameters, arithmetic and memory of a method on this machine."""

from __future__ import annotations

from tasks.efficiency.task import EfficiencyTask

__all__ = ["EfficiencyTask"]
