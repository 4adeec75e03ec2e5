"""The original, anchor-based YOLOv5 (releases 6.x and 7.0, ``yolov5{n,s,m,l,x}.pt``), as in the paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.errors import BenchError
from bench.plugin.task import Detections, Detector
from bench.weights.pickled_modules import Inert, module_tensors, read_module_checkpoint
from tasks.detection import _files
from tasks.detection._yolov5_net import AnchorYolo, build
from tasks.detection.boxes import PAPER, Protocol, letterbox, select
from tasks.detection.coco import coco_ids, columns


class YoloV5Detector(Detector):
    """The original network built from the layer list in its checkpoint; weights are read without unpickling code.

    Attributes:
        path: the checkpoint.
    """

    name = "yolov5"
    summary = "original anchor-based YOLOv5, COCO-pretrained, read from ultralytics/yolov5 checkpoints"
    protocol: Protocol = PAPER

    def __init__(self, model: str, weights_root: Path | None, device: str) -> None:
        _files.require_ultralytics()
        self.path = _files.locate(model, weights_root)
        self.device = torch.device(device)
        self.net, self.names = _load(self.path)
        self.net.to(self.device)
        self._ids = coco_ids(self.names)
        self._stride = int(max(self.net.model[-1].strides))  # type: ignore[arg-type]

    def detect(self, images: Tensor, classes: Sequence[int] | None = None) -> list[Detections]:
        """Finds boxes of the wanted COCO classes in a batch of float32 RGB images (B, 3, H, W) in [0, 1]."""
        batch, placement = letterbox(images.to(self.device), self.protocol.size, self._stride, self.protocol.padding)
        wanted = columns(self._ids, classes)
        ids = torch.from_numpy(self._ids[wanted]).to(self.device)
        with torch.inference_mode():
            boxes, scores = self.net(batch)
            return [
                select(box, score[:, wanted], ids, placement, self.protocol)
                for box, score in zip(boxes, scores, strict=True)
            ]


def _load(path: Path) -> tuple[AnchorYolo, list[str]]:
    """The network with its weights, in float32, and its class names.

    Raises:
        BenchError: not an original YOLOv5 checkpoint.
    """
    loaded = read_module_checkpoint(path, modules=_files.INERT)
    model = loaded.get("ema") or loaded.get("model")
    if not isinstance(model, Inert) or not model.path.startswith("models.yolo."):
        seen = model.path if isinstance(model, Inert) else type(model).__name__
        raise BenchError(f"{path}: holds {seen}, wanted an original YOLOv5 (models.yolo.Model); {_other_family(seen)}")
    tensors = {key: tensor.float() for key, tensor in module_tensors(model).items()}
    try:
        layers = list(model.state["_modules"]["model"].state["_modules"].values())
        strides = [float(stride) for stride in layers[-1].state["stride"]]
        net = build(model.state["yaml"], strides)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise BenchError(f"{path}: not the structure of a YOLOv5 checkpoint ({error!r}); fetch it again") from error
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        text = " ".join(str(error).split())[:200]
        raise BenchError(f"{path}: its tensors do not fit its own layer list ({text}); fetch it again") from error
    return net.eval().requires_grad_(False), _names(model.state.get("names"), int(model.state["yaml"]["nc"]))


def _names(stored: Any, classes: int) -> list[str]:
    names = list(stored.values()) if isinstance(stored, dict) else list(stored or [])
    return [str(name) for name in names] if len(names) == classes else [str(index) for index in range(classes)]


def _other_family(seen: str) -> str:
    if seen.startswith("ultralytics."):
        return "this file is of the ultralytics package: use --option detection.detector=ultralytics"
    return "fetch the file again"
