"""The original, anchor-based YOLOv5 built from the layer list its checkpoints carry, out of ultralytics' blocks."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import BenchError
from tasks.detection import _files

BATCH_NORM_EPS = 1e-3
"""Of every batch norm of YOLOv5; PyTorch's own default is 1e-5."""

CHANNEL_STEP = 8
"""Scaled channel counts are rounded up to a multiple of this."""

REPEATED_INSIDE = ("C3", "C3TR", "C3Ghost", "BottleneckCSP")
"""Blocks that take their repeats as an argument; others are stacked."""

CONVOLUTIONS = (
    *REPEATED_INSIDE,
    "Conv",
    "Focus",
    "SPP",
    "SPPF",
    "Bottleneck",
    "GhostConv",
    "GhostBottleneck",
    "DWConv",
)
"""Blocks that start with input and output channels."""


class AnchorHead(nn.Module):
    """One 1x1 convolution per scale to anchors x (5 + classes) channels, and what those numbers mean.

    With s = sigmoid(raw): centre = (2 s_xy + cell - 0.5) stride, size = (2 s_wh)^2 anchor stride, and the score of a
    class is s_object s_class.
    """

    def __init__(self, classes: int, anchors: int, channels: list[int], strides: list[float]) -> None:
        super().__init__()
        self.classes, self.strides = classes, strides
        self.register_buffer("anchors", torch.zeros(len(channels), anchors, 2))
        self.m = nn.ModuleList(nn.Conv2d(width, anchors * (5 + classes), 1) for width in channels)

    def forward(self, features: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Boxes (B, N, 4) as x1 y1 x2 y2 in input pixels and scores (B, N, classes)."""
        boxes, scores = [], []
        for level, (convolution, feature) in enumerate(zip(self.m, features, strict=True)):
            raw = convolution(feature)
            batch, _, height, width = raw.shape
            s = raw.view(batch, -1, 5 + self.classes, height, width).permute(0, 1, 3, 4, 2).sigmoid()
            centre, size = self._decode(s, level)
            boxes.append(torch.cat([centre - size / 2, centre + size / 2], dim=-1).flatten(1, 3))
            scores.append((s[..., 4:5] * s[..., 5:]).flatten(1, 3))
        return torch.cat(boxes, dim=1), torch.cat(scores, dim=1)

    def _decode(self, s: Tensor, level: int) -> tuple[Tensor, Tensor]:
        height, width = s.shape[2:4]
        rows, columns = torch.arange(height, device=s.device), torch.arange(width, device=s.device)
        cell = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1).to(s.dtype)
        stride = self.strides[level]
        anchors = self.get_buffer("anchors")[level].to(s.dtype)[:, None, None] * stride
        return (2 * s[..., :2] + cell - 0.5) * stride, (2 * s[..., 2:4]) ** 2 * anchors


class AnchorYolo(nn.Module):
    """The whole network; ``model`` holds its layers so that the checkpoint's tensor names fit."""

    def __init__(self, layers: list[nn.Module], sources: list[list[int]]) -> None:
        super().__init__()
        self.model = nn.ModuleList(layers)
        self.sources = sources
        self.kept = {source for wanted in sources for source in wanted if source >= 0}

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """RGB (B, 3, H, W) in [0, 1], sides multiples of the stride, to the head's boxes and scores."""
        outputs: dict[int, Tensor] = {}
        x: Any = images
        for index, (layer, sources) in enumerate(zip(self.model, self.sources, strict=True)):
            inputs = [x if source < 0 else outputs[source] for source in sources]
            x = layer(inputs if len(inputs) > 1 or isinstance(layer, AnchorHead) else inputs[0])
            if index in self.kept:
                outputs[index] = x
        return x


def build(layout: dict[str, Any], strides: list[float]) -> AnchorYolo:
    """The network of a checkpoint's ``yaml`` entry.

    Args:
        layout: ``nc``, ``depth_multiple``, ``width_multiple``, ``anchors``, ``backbone`` and ``head``; each layer is
            ``[source, repeats, block, arguments]``.
        strides: of the head's scales, in pixels.

    Raises:
        BenchError: a block that this builder does not know.
    """
    widths = [int(layout.get("ch") or 3)]
    layers: list[nn.Module] = []
    sources: list[list[int]] = []
    for source, repeats, block, arguments in [*layout["backbone"], *layout["head"]]:
        wanted = [source] if isinstance(source, int) else list(source)
        incoming = [widths[-1] if index == -1 else widths[index + 1] for index in wanted]
        layer, width = _layer(str(block), int(repeats), list(arguments), incoming, layout, strides)
        layers.append(layer)
        sources.append(wanted)
        widths.append(width)
    net = AnchorYolo(layers, sources)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = BATCH_NORM_EPS
    return net


def _layer(
    block: str, repeats: int, arguments: list[Any], incoming: list[int], layout: dict[str, Any], strides: list[float]
) -> tuple[nn.Module, int]:
    """One layer and its output channels."""
    if block in ("nn.Upsample", "Upsample"):
        return nn.Upsample(scale_factor=float(arguments[1]), mode=str(arguments[2])), incoming[0]
    if block == "Concat":
        return _blocks("Concat")(*arguments), sum(incoming)
    if block == "Detect":
        anchors = layout["anchors"]
        count = anchors if isinstance(anchors, int) else len(anchors[0]) // 2
        return AnchorHead(int(layout["nc"]), count, incoming, strides), 0
    if block not in CONVOLUTIONS:
        raise BenchError(f"the checkpoint has a block {block!r}, wanted one of {', '.join(CONVOLUTIONS)}")
    width = math.ceil(arguments[0] * float(layout["width_multiple"]) / CHANNEL_STEP) * CHANNEL_STEP
    repeats = max(round(repeats * float(layout["depth_multiple"])), 1) if repeats > 1 else repeats
    rest = arguments[1:]
    if block in REPEATED_INSIDE:
        return _blocks(block)(incoming[0], width, repeats, *rest), width
    layers = [_blocks(block)(incoming[0] if index == 0 else width, width, *rest) for index in range(repeats)]
    return layers[0] if repeats == 1 else nn.Sequential(*layers), width


def _blocks(name: str) -> Any:
    _files.require_ultralytics()
    from ultralytics.nn import modules

    return getattr(modules, name)
