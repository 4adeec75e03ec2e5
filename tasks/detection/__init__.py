"""Object detection: what fusion does for a detector that never saw a fused image."""

from tasks.detection.drawing import draw
from tasks.detection.task import DetectionTask

__all__ = ["DetectionTask", "draw"]
