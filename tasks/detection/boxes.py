"""From images to a detector's input and from its raw boxes to detections, as YOLOv5's own evaluation does it.

References:
    ultralytics/yolov5 7.0, ``val.py`` defaults: size 640, confidence 0.001, NMS IoU 0.6, several labels per box, NMS
    class by class, at most 300 boxes per image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bench.plugin.task import Detections

if TYPE_CHECKING:
    from torch import Tensor

PADDING_GREY = 114 / 255
"""What YOLOv5 pads with."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a detector is run.

    Attributes:
        size: images whose longer side exceeds this many pixels are shrunk to it; 640.
        confidence: boxes at or below this score are dropped; 0.001, so that AP sees the whole curve.
        iou: NMS drops a box that overlaps a better one of its class by more than this; 0.6.
        max_boxes: best boxes kept per image, over the classes wanted; 300.
        max_candidates: best boxes that enter NMS; 30,000.
        padding: in strides; 0 pads as little as the stride asks, more pads as the rectangular inference of ``val.py``.
    """

    size: int = 640
    confidence: float = 0.001
    iou: float = 0.6
    max_boxes: int = 300
    max_candidates: int = 30_000
    padding: float = 0.0


VAL_PADDING = 0.5
"""Strides that the rectangular inference of YOLOv5's ``val.py`` adds before it rounds up."""

PAPER = Protocol()
"""The defaults of YOLOv5's evaluation at the time of the paper, which names none of them."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the image lies in the detector's input.

    Attributes:
        scale: input pixels per image pixel, (x, y).
        offset: of the image's upper left corner in the input, (x, y), in input pixels.
        width: of the image, in its own pixels.
        height: of the image, in its own pixels.
    """

    scale: tuple[float, float]
    offset: tuple[int, int]
    width: int
    height: int


def letterbox(images: Tensor, size: int, stride: int, padding: float = 0.0) -> tuple[Tensor, Placement]:
    """Shrinks a batch so that its longer side is at most ``size`` and pads the sides to a multiple of ``stride``.

    Args:
        images: float32 (B, 3, H, W) in [0, 1].
        size: of the longer side, in pixels.
        stride: of the detector, e.g. 32.
        padding: as ``Protocol.padding``; above 0 the longer side becomes ``size`` also where it was shorter.

    Returns:
        The batch, and where the images lie in it.
    """
    import torch

    height, width = images.shape[-2:]
    ratio = size / max(height, width) if padding else min(1.0, size / max(height, width))
    inner_height, inner_width = max(1, round(height * ratio)), max(1, round(width * ratio))
    if ratio != 1.0:
        images = torch.stack([_resized(image, inner_height, inner_width) for image in images])
    padding_x, padding_y = -inner_width % stride, -inner_height % stride
    if padding:
        longer = max(height, width)
        padding_y, padding_x = (
            math.ceil(side / longer * size / stride + padding) * stride - inner
            for side, inner in ((height, inner_height), (width, inner_width))
        )
    # an odd pixel goes to the right and the bottom, as YOLOv5's rounding does
    left, top = padding_x // 2, padding_y // 2
    padded = torch.nn.functional.pad(images, (left, padding_x - left, top, padding_y - top), value=PADDING_GREY)
    return padded, Placement((inner_width / width, inner_height / height), (left, top), width, height)


def _resized(image: Tensor, height: int, width: int) -> Tensor:
    import torch

    pixels = image.permute(1, 2, 0).cpu().numpy()
    how = cv2.INTER_AREA if height <= pixels.shape[0] else cv2.INTER_LINEAR
    shrunk = cv2.resize(np.ascontiguousarray(pixels), (width, height), interpolation=how)
    return torch.from_numpy(shrunk).permute(2, 0, 1).to(image.device)


def select(boxes: Tensor, scores: Tensor, classes: Tensor, placement: Placement, protocol: Protocol) -> Detections:
    """Confidence threshold, non-maximum suppression class by class, and back to the image's pixels.

    A box may carry several labels; each label above the threshold is a candidate of its own.

    Args:
        boxes: float32 (N, 4), x1 y1 x2 y2 in input pixels.
        scores: float32 (N, K), one column for each wanted class.
        classes: int64 (K,), their COCO ids.
        placement: of ``letterbox``.
        protocol: thresholds.
    """
    import torch
    from torchvision.ops import nms

    index, label = torch.nonzero(scores > protocol.confidence, as_tuple=True)
    confidence = scores[index, label]
    order = confidence.argsort(descending=True, stable=True)[: protocol.max_candidates]
    index, label, confidence = index[order], label[order], confidence[order]
    candidates = boxes[index]
    keep = torch.zeros_like(label, dtype=torch.bool)
    # one class at a time: shifting classes apart, the usual trick, rounds coordinates
    for number in torch.unique(label).tolist():
        members = torch.nonzero(label == number).flatten()
        keep[members[nms(candidates[members], confidence[members], protocol.iou)]] = True
    kept = torch.nonzero(keep).flatten()[: protocol.max_boxes]
    return Detections(
        boxes=_to_image(candidates[kept].cpu().numpy().astype(np.float32), placement),
        scores=confidence[kept].cpu().numpy().astype(np.float32),
        classes=classes[label[kept]].cpu().numpy().astype(np.int64),
    )


def select_final(
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor,
    classes: Sequence[int] | None,
    placement: Placement,
    protocol: Protocol,
) -> Detections:
    """Confidence threshold and best boxes of a detector whose boxes need no suppression.

    Args:
        boxes: float32 (N, 4), x1 y1 x2 y2 in input pixels.
        scores: float32 (N,).
        labels: int64 (N,), COCO ids; -1 for classes COCO does not have.
        classes: COCO ids wanted; None wants all.
        placement: of ``letterbox``.
        protocol: thresholds.
    """
    import torch

    wanted = labels >= 0
    if classes is not None:
        wanted &= torch.isin(labels, torch.tensor(list(classes), device=labels.device))
    kept = torch.nonzero(wanted & (scores > protocol.confidence)).flatten()
    kept = kept[scores[kept].argsort(descending=True, stable=True)][: protocol.max_boxes]
    return Detections(
        boxes=_to_image(boxes[kept].cpu().numpy().astype(np.float32), placement),
        scores=scores[kept].cpu().numpy().astype(np.float32),
        classes=labels[kept].cpu().numpy().astype(np.int64),
    )


def _to_image(boxes: np.ndarray, placement: Placement) -> np.ndarray:
    shifted = boxes - np.array([*placement.offset, *placement.offset], dtype=np.float32)
    scaled = shifted / np.array([*placement.scale, *placement.scale], dtype=np.float32)
    limits = np.array([placement.width, placement.height, placement.width, placement.height], dtype=np.float32)
    return np.clip(scaled, 0.0, limits)
