"""A detection model of the ultralytics package: loaded, and asked for the boxes of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from bench.errors import BenchError
from bench.plugin.task import Detections, Detector
from tasks.detection import _files
from tasks.detection._ultralytics_net import load
from tasks.detection.boxes import PAPER, Placement, Protocol, letterbox, select, select_final
from tasks.detection.coco import coco_ids, columns
from tasks.detection.settings import ORIGINAL


class UltralyticsModel(Detector):
    """A model of today's package, built from the layout in its checkpoint; no code is unpickled.

    Attributes:
        path: the checkpoint.
        kind: ``yolo`` or ``rtdetr``.
    """

    name = "ultralytics"
    summary = "a detection model of the ultralytics package (anchor-free YOLO, RT-DETR)"
    protocol: Protocol = PAPER

    def __init__(self, model: str, weights_root: Path | None, device: str) -> None:
        _files.require_ultralytics()
        if ORIGINAL.match(model):
            raise BenchError(
                f"{model} is the original YOLOv5, which the ultralytics package cannot run; take {model}u, "
                "or --option detection.detector=yolov5 for the original"
            )
        self.path: Path | None = _files.locate(model, weights_root)
        self.device = torch.device(device)
        self.net, self.kind, self.names = load(self.path)
        self.net.to(self.device)
        self._ids = coco_ids(self.names)

    def detect(self, images: Tensor, classes: Sequence[int] | None = None) -> list[Detections]:
        """Finds boxes of the wanted COCO classes in a batch of float32 RGB images (B, 3, H, W) in [0, 1]."""
        images = images.to(self.device)
        with torch.inference_mode():
            if self.kind == "rtdetr":
                return self._detect_queries(images, classes)
            batch, placement = letterbox(images, self.protocol.size, int(max(self.net.stride)), self.protocol.padding)  # type: ignore[arg-type]
            output = self._forward(batch)
            if getattr(self.net, "end2end", False):
                return [self._final(rows[:, :4], rows[:, 4:], classes, placement) for rows in output]
            return [self._suppressed(rows.T, classes, placement) for rows in output]

    def _forward(self, batch: Tensor) -> Tensor:
        output = self.net(batch)
        return output[0] if isinstance(output, (list, tuple)) else output

    def _suppressed(self, rows: Tensor, classes: Sequence[int] | None, placement: Placement) -> Detections:
        """Rows of centre, size and class scores: threshold and NMS as for every other detector."""
        wanted = columns(self._ids, classes)
        ids = torch.from_numpy(self._ids[wanted]).to(self.device)
        return select(_corners(rows[:, :4]), rows[:, 4:][:, wanted], ids, placement, self.protocol)

    def _final(
        self, boxes: Tensor, verdicts: Tensor, classes: Sequence[int] | None, placement: Placement
    ) -> Detections:
        """Boxes of a model that needs no NMS; ``verdicts`` are (N, 2), score and class."""
        ids = torch.from_numpy(self._ids).to(self.device)[verdicts[:, 1].long()]
        return select_final(boxes, verdicts[:, 0], ids, classes, placement, self.protocol)

    def _detect_queries(self, images: Tensor, classes: Sequence[int] | None) -> list[Detections]:
        """RT-DETR looks at a square: images are stretched to it, and its boxes are fractions of the side."""
        height, width = images.shape[-2:]
        size = self.protocol.size
        square = functional.interpolate(images, (size, size), mode="bilinear", antialias=False)
        placement = Placement((size / width, size / height), (0, 0), width, height)
        output = self._forward(square)
        return [self._final(_corners(rows[:, :4]) * size, rows[:, 4:], classes, placement) for rows in output]


def _corners(boxes: Tensor) -> Tensor:
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    return torch.cat([centre - half, centre + half], dim=1)
