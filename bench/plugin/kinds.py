"""The kinds of plug-in and where each lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plugin.registry import Registry
from bench.plugin.variants import MethodRegistry

if TYPE_CHECKING:
    from bench.plugin.task import Detector, Segmenter, Task

METHODS = MethodRegistry()
TASKS: Registry[Task] = Registry("task", "tasks", "bench.plugin.task:Task", "ivfbench.tasks")
SEGMENTERS: Registry[Segmenter] = Registry(
    "segmenter", "tasks.segmentation.segmenters", "bench.plugin.task:Segmenter", "ivfbench.segmenters"
)
DETECTORS: Registry[Detector] = Registry(
    "detector", "tasks.detection.detectors", "bench.plugin.task:Detector", "ivfbench.detectors"
)
