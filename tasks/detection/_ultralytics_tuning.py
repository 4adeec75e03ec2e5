"""A model of the ultralytics package that can be trained on, by the package's own loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.errors import BenchError
from bench.plugin.task import TunableDetector
from tasks.detection._ultralytics_model import UltralyticsModel
from tasks.detection._ultralytics_net import load, untrained

SIDE = 32
"""Sides of the images that a training sees are multiples of this; the largest stride of nearly all of these models."""


class TunableUltralytics(UltralyticsModel, TunableDetector):
    """The same model, to be trained on by the package's own loss.

    From a checkpoint the network keeps its outputs: a class goes on where the class of its name stood, and one that
    the checkpoint lacks takes an output that nobody asks for. From random weights it has an output for each class.
    """

    stride = SIDE

    def __init__(self, model: str, weights: Path | None, device: str, classes: Mapping[int, str], seed: int) -> None:
        self.path, self.device = weights, torch.device(device)
        self.net, self.kind, self.names = load(weights) if weights else untrained(model, classes, seed)
        places = outputs_of(classes, self.names, str(weights or model))
        self._ids = np.full(len(self.names), -1, dtype=np.int64)
        self._ids[places] = list(classes)
        self._places = torch.tensor(places, device=self.device, dtype=torch.float32)
        self.net.to(self.device).eval()
        for name, weight in self.net.named_parameters():
            weight.requires_grad_(".dfl." not in name)  # which is an expected value, nothing to learn
        # what the package's trainer tells a model before its loss is asked for
        self.net.args, self.net.nc = _gains(), len(self.names)  # type: ignore[assignment]

    def loss(self, images: Tensor, boxes: Tensor) -> Tensor:
        """As ``ultralytics`` computes it for this model: boxes, classes and, of a YOLO, the distribution of edges."""
        batch = {
            "img": images, "batch_idx": boxes[:, 0], "cls": self._places[boxes[:, 1].long()], "bboxes": boxes[:, 2:],
        }  # fmt: skip
        net: Any = self.net
        total = net.loss(batch)[0].sum()
        return total / len(images) if self.kind == "yolo" else total  # a YOLO's is the sum over the batch


def outputs_of(classes: Mapping[int, str], names: Sequence[str], where: str) -> list[int]:
    """Which output of a network stands for each class: that of its name, else the last that no class asks for.

    >>> outputs_of({0: "person", 80: "Lamp"}, ["person", "car", "train"], "x.pt")
    [0, 2]

    Raises:
        BenchError: more classes than outputs.
    """
    if len(classes) > len(names):
        raise BenchError(f"{where}: has {len(names)} outputs for {len(classes)} classes; give another detector")
    known = {name.strip().lower(): place for place, name in enumerate(names)}
    found = {number: known.get(name.strip().lower()) for number, name in classes.items()}
    taken = {place for place in found.values() if place is not None}
    free = iter([place for place in reversed(range(len(names))) if place not in taken])
    return [next(free) if place is None else place for place in found.values()]


def _gains() -> SimpleNamespace:
    """The package's own gains of the parts of a loss."""
    from ultralytics.utils import DEFAULT_CFG

    return SimpleNamespace(**vars(DEFAULT_CFG))
