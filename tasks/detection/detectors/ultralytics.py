"""Any detection model of the ultralytics package by name or file: ``yolov5nu``, ``yolov8n``, ``rtdetr-l``..."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.plugin.task import TunableDetector
from tasks.detection import _files
from tasks.detection._ultralytics_model import UltralyticsModel
from tasks.detection._ultralytics_tuning import TunableUltralytics


class UltralyticsDetector(UltralyticsModel):
    """A model as its checkpoint has it, or one that learns."""

    sample = "yolov5nu"

    @classmethod
    def tunable(
        cls, model: str, weights: Path | None, device: str, classes: Mapping[int, str], seed: int
    ) -> TunableDetector:
        """The model with its weights, or with random ones, ready to learn some classes."""
        _files.require_ultralytics()
        return TunableUltralytics(model, weights, device, classes, seed)
