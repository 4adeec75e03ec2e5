"""Networks of today's ultralytics package: built from the layout in a checkpoint, or by name from random weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bench.errors import BenchError
from bench.weights.pickled_modules import Inert, module_tensors, read_module_checkpoint
from tasks.detection import _files

EDGE = 2.0
"""Cells from the middle of a box to its edge that an untrained network expects."""

MODELS = {"ultralytics.nn.tasks.DetectionModel": "yolo", "ultralytics.nn.tasks.RTDETRDetectionModel": "rtdetr"}


def load(path: Path) -> tuple[nn.Module, str, list[str]]:
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
    with torch.random.fork_rng(devices=[]):
        net = build(model.state.get("yaml"), kind, len(names), path)
    tensors = {key: tensor.float() for key, tensor in module_tensors(model).items()}
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        text = " ".join(str(error).split())[:200]
        raise BenchError(
            f"{path}: its tensors do not fit its layout ({text}); try another ultralytics version"
        ) from error
    return net.float().eval().requires_grad_(False), kind, [str(name) for name in names]


def build(layout: Any, kind: str, classes: int, path: Path | str) -> nn.Module:
    """A network with the package's own random weights, drawn from PyTorch's generator as it stands.

    Raises:
        BenchError: no layout, or one that this version of the package cannot build.
    """
    from ultralytics.nn import tasks

    if not isinstance(layout, dict):
        raise BenchError(f"{path}: has no layout of layers; fetch it again")
    builder: Any = tasks.RTDETRDetectionModel if kind == "rtdetr" else tasks.DetectionModel
    try:
        return builder(dict(layout), ch=3, nc=classes, verbose=False)
    except Exception as error:
        raise BenchError(
            f"{path}: its layout cannot be built by this ultralytics ({error!r}); try another version"
        ) from error


def untrained(model: str, classes: Mapping[int, str], seed: int) -> tuple[nn.Module, str, list[str]]:
    """A network of the package from random weights.

    Args:
        model: name, e.g. ``yolov5nu`` or ``rtdetr-l``.
        classes: that it has outputs for.
        seed: of the weights.

    Returns:
        The network, its kind and its class names.

    Raises:
        BenchError: no such model in this version of the package.
    """
    from ultralytics.nn import tasks

    read: Any = tasks.yaml_model_load
    # the package calls its YOLOv5 of today yolov5nu, and that one's layout yolov5n
    stem = model.removesuffix("u") if model.startswith("yolov5") else model
    try:
        layout = read(f"{stem}.yaml")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BenchError(
            f"detector {model!r} is no model of this ultralytics; wanted a name such as yolov5nu, yolov8n, yolo11n, "
            "rtdetr-l"
        ) from error
    layout["nc"] = len(classes)
    if layout.get("scales") and not layout.get("scale"):  # RT-DETR's names say no scale; the package takes the first
        layout["scale"] = next(iter(layout["scales"]))
    kind = "rtdetr" if "RTDETRDecoder" in str(layout["head"]) else "yolo"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = build(layout, kind, len(classes), model)
    _expect_small_boxes(net)
    return net.float(), kind, list(classes.values())


def _expect_small_boxes(net: nn.Module) -> None:
    """Makes an untrained network expect edges near its cells, as those of most objects are.

    The package lets it expect the mean of all distances it can tell, boxes of 120, 240 and 480 pixels at the usual
    strides. Next to no object overlaps with these, and what a cell learns is weighted by that overlap: the first
    hundreds of steps then teach nothing. With falling probabilities (mean ``EDGE``) a box is four cells wide at first.
    """
    head: Any = net.model[-1]  # type: ignore[index]
    bins = int(getattr(head, "reg_max", 0))
    if bins < 2:  # RT-DETR, and models that tell a distance as one number
        return
    falling = -math.log(1 + 1 / EDGE) * torch.arange(bins, dtype=torch.float32)
    for branch in ("cv2", "one2one_cv2"):
        for layers in getattr(head, branch, None) or ():
            with torch.no_grad():
                layers[-1].bias.view(4, bins).copy_(falling.expand(4, bins))
