"""Checkpoints of small detectors, as two packages write them; with random weights."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bench.data.coco import NAMES
from tasks.detection import _files

LAYOUT = {
    "nc": 80, "depth_multiple": 0.33, "width_multiple": 0.25, "anchors": [[10, 13, 16, 30], [30, 61, 62, 45]],
    "backbone": [[-1, 1, "Conv", [32, 6, 2, 2]], [-1, 1, "Conv", [32, 3, 2]], [-1, 3, "C3", [32]],
                 [-1, 1, "Conv", [64, 3, 2]], [-1, 1, "SPPF", [64, 5]], [-1, 1, "Conv", [64, 3, 2]]],
    "head": [[-1, 1, "Conv", [32, 1, 1]], [-1, 1, "nn.Upsample", ["None", 2, "nearest"]],
             [[-1, 4], 1, "Concat", [1]], [-1, 1, "C3", [64, False]], [[9, 6], 1, "Detect", ["nc", "anchors"]]],
}  # fmt: skip


def write_original(path: Path, seed: int = 0) -> Path:
    """A small checkpoint as ultralytics/yolov5 writes them: whole modules of ``models``, in half precision."""
    from tasks.detection._yolov5_net import build

    torch.manual_seed(seed)
    package, inner = types.ModuleType("models"), types.ModuleType("models.yolo")

    class Model(nn.Module):
        pass

    class Detect(nn.Module):
        pass

    for cls in (Model, Detect):
        cls.__module__, cls.__qualname__ = "models.yolo", cls.__name__
        setattr(inner, cls.__name__, cls)
    net = build(LAYOUT, [8.0, 16.0]).half()
    head, source = Detect(), net.model[-1]
    head.m, head.stride = source.m, torch.tensor([8.0, 16.0])
    head.register_buffer("anchors", torch.tensor(LAYOUT["anchors"]).view(2, -1, 2).half() / 8)
    model = Model()
    model.model = nn.Sequential(*list(net.model)[:-1], head)
    model.yaml, model.names = LAYOUT, list(NAMES)
    sys.modules.update({"models": package, "models.yolo": inner})
    try:
        torch.save({"epoch": -1, "model": model, "ema": None, "date": "2022"}, path)
    finally:
        del sys.modules["models"], sys.modules["models.yolo"]
    return path


def write_ultralytics(path: Path, layout: str = "yolov5n.yaml") -> Path:
    _files.require_ultralytics()
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(0)
    model: Any = DetectionModel(layout, ch=3, nc=80, verbose=False).eval()
    for convolution in (layers[-1] for layers in model.model[-1].cv3):
        nn.init.zeros_(convolution.bias)
    model.names = dict(enumerate(NAMES))
    torch.save({"epoch": -1, "model": model.half(), "date": "2026"}, path)
    return path
