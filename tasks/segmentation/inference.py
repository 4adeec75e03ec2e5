"""A trained segmenter's answer for one image: at a single scale, or by the published multi-scale convention."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

Network = Callable[[Tensor], Sequence[Tensor]]
"""(B, 3, H, W) in [0, 1] -> logits (B, classes, H, W), the main output first."""

SCALES = (0.75, 0.9, 1.0, 1.1, 1.2, 1.25)
"""Of the authors' evaluate.py for MSRS."""
STRIDE = 5 / 6
"""Of the sliding window, as a share of its side."""


def predict_single(net: Network, images: Tensor, size: tuple[int, int]) -> Tensor:
    """Arg-max of the main output.

    Args:
        net: in eval mode.
        images: float (B, 3, h, w) in [0, 1].
        size: height and width of the answer; logits are interpolated to it.

    Returns:
        int64 (B, H, W).
    """
    logits = net(_channels_last(images))[0].float()
    if logits.shape[-2:] != size:
        logits = F.interpolate(logits, size=size, mode="bilinear", align_corners=True)
    return logits.argmax(dim=1)


def predict_multi(net: Network, images: Tensor, size: tuple[int, int]) -> Tensor:
    """Six scales, mirrored, in sliding windows whose side is the image's shorter side (480 for 640x480).

    Each window adds exp(p + mirrored p), p being class probabilities; windows and scales are summed. Arguments and
    result as ``predict_single``.
    """
    height, width = images.shape[-2:]
    total: Tensor | None = None
    for scale in SCALES:
        scaled = F.interpolate(
            images, size=(int(height * scale), int(width * scale)), mode="bilinear", align_corners=True
        )
        score = F.interpolate(
            _windows_score(net, scaled, min(height, width)), size=(height, width), mode="bilinear", align_corners=True
        )
        total = score if total is None else total + score
    assert total is not None  # noqa: S101 - there are scales
    if (height, width) != size:
        total = F.interpolate(total, size=size, mode="bilinear", align_corners=True)
    return total.argmax(dim=1)


def _windows_score(net: Network, images: Tensor, side: int) -> Tensor:
    """Sum of the windows' scores; an image smaller than a window is set in the middle of a black one."""
    height, width = images.shape[-2:]
    top, left = max(0, side - height) // 2, max(0, side - width) // 2
    bottom, right = max(0, side - height) - top, max(0, side - width) - left
    padded = F.pad(images, (left, right, top, bottom))
    score: Tensor | None = None
    for rows, columns in windows(padded.shape[-2], padded.shape[-1], side):
        part = _mirrored_score(net, padded[..., rows, columns])
        if score is None:
            score = part.new_zeros(*part.shape[:2], *padded.shape[-2:])
        score[..., rows, columns] += part
    assert score is not None  # noqa: S101 - there is a window
    return score[..., top : top + height, left : left + width]


def windows(height: int, width: int, side: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the sliding windows; the last ones are moved back to end with the image."""
    stride = math.ceil(side * STRIDE)
    for row in range(math.ceil((height - side) / stride) + 1):
        for column in range(math.ceil((width - side) / stride) + 1):
            bottom, right = min(height, row * stride + side), min(width, column * stride + side)
            yield slice(bottom - side, bottom), slice(right - side, right)


def _mirrored_score(net: Network, images: Tensor) -> Tensor:
    images = _channels_last(images)
    both = net(torch.cat([images, images.flip(-1)]))[0].float().softmax(dim=1)
    straight, mirrored = both.chunk(2)
    return (straight + mirrored.flip(-1)).exp()


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


def confusion_matrices(truth: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """Counts per image; pixels labelled 255 are left out.

    Args:
        truth: (B, H, W) class ids.
        predicted: (B, H, W) class ids.
        classes: how many there are.

    Returns:
        int64 (B, classes, classes), row = truth, column = prediction.
    """
    truth, predicted = truth.flatten(1).long(), predicted.flatten(1).long()
    # ignored pixels fall into one more row, which is cut off
    cells = truth.clamp(max=classes) * classes + predicted
    cells += torch.arange(len(truth), device=truth.device)[:, None] * (classes + 1) * classes
    counts = torch.bincount(cells.flatten(), minlength=len(truth) * (classes + 1) * classes)
    return counts.view(len(truth), classes + 1, classes)[:, :classes]
