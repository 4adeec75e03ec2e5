"""Any detection model of the ultralytics package by name or file: ``yolov5nu``, ``yolov8n``, ``rtdetr-l``..."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.errors import BenchError
from bench.plugin.task import Detections, Detector
from bench.weights.pickled_modules import Inert, module_tensors, read_module_checkpoint
from tasks.detection import _files
from tasks.detection.boxes import PAPER, Placement, Protocol, letterbox, select, select_final
from tasks.detection.coco import coco_ids, columns
from tasks.detection.settings import ORIGINAL

MODELS = {"ultralytics.nn.tasks.DetectionModel": "yolo", "ultralytics.nn.tasks.RTDETRDetectionModel": "rtdetr"}


class UltralyticsDetector(Detector):
    """A model of today's ultralytics package, built from the layout in its checkpoint; no code is unpickled.

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
        self.path = _files.locate(model, weights_root)
        self.device = torch.device(device)
        self.net, self.kind, self.names = _load(self.path)
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


def _load(path: Path) -> tuple[nn.Module, str, list[str]]:
    """The network with its weights, in float32, its kind and its class names.

    Raises:
        BenchError: not a detection checkpoint of the ultralytics package.
    """
    loaded = read_module_checkpoint(path, modules=_files.INERT)
    model = loaded.get("ema") or loaded.get("model")
    if not isinstance(model, Inert) or model.path not in MODELS:
        seen = model.path if isinstance(model, Inert) else type(model).__name__
        hint = (
            "; it is an original YOLOv5: use --option detection.detector=yolov5" if seen == "models.yolo.Model" else ""
        )
        raise BenchError(f"{path}: holds {seen}, wanted a detection model of the ultralytics package{hint}")
    kind = MODELS[model.path]
    names = model.state.get("names") or {}
    names = list(names.values()) if isinstance(names, dict) else list(names)
    net = _build(model.state.get("yaml"), kind, len(names), path)
    tensors = {key: tensor.float() for key, tensor in module_tensors(model).items()}
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        text = " ".join(str(error).split())[:200]
        raise BenchError(
            f"{path}: its tensors do not fit its layout ({text}); try another ultralytics version"
        ) from error
    return net.float().eval().requires_grad_(False), kind, [str(name) for name in names]


def _build(layout: Any, kind: str, classes: int, path: Path) -> nn.Module:
    from ultralytics.nn import tasks

    if not isinstance(layout, dict):
        raise BenchError(f"{path}: has no layout of layers; fetch it again")
    builder: Any = tasks.RTDETRDetectionModel if kind == "rtdetr" else tasks.DetectionModel
    try:
        with torch.random.fork_rng(devices=[]):
            return builder(dict(layout), ch=3, nc=classes, verbose=False)
    except Exception as error:
        raise BenchError(
            f"{path}: its layout cannot be built by this ultralytics ({error!r}); try another version"
        ) from error
