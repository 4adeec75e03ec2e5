"""The kinds of plug-in and where each lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.registry import Registry

if TYPE_CHECKING:
    from bench.method import Method
    from bench.task import Detector, Segmenter, Task

METHODS: Registry[Method] = Registry("method", "methods", "bench.method:Method", "ivfbench.methods")
TASKS: Registry[Task] = Registry("task", "tasks", "bench.task:Task", "ivfbench.tasks")
SEGMENTERS: Registry[Segmenter] = Registry(
    "segmenter", "tasks.segmentation.segmenters", "bench.task:Segmenter", "ivfbench.segmenters"
)
DETECTORS: Registry[Detector] = Registry(
    "detector", "tasks.detection.detectors", "bench.task:Detector", "ivfbench.detectors"
)
