"""The robustness ladder: what is left of a method's result when one of its sources gets worse."""

from __future__ import annotations

from tasks.robustness.task import RobustnessTask

__all__ = ["RobustnessTask"]
