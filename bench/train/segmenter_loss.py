"""What a segmenter is trained to lower: cross-entropy of all pixels, of the hard ones, or with weights of classes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from bench.data.truth import IGNORE

OHEM_THRESHOLD = -math.log(0.7)
"""Pixels whose cross-entropy is above this (the right class below 70 %) are hard."""


def ohem_cross_entropy(logits: Tensor, labels: Tensor, keep_at_least: int) -> Tensor:
    """Mean cross-entropy of the hard pixels (online hard example mining).

    All pixels with a loss above -ln 0.7 count if there are more than ``keep_at_least``, else that many of the largest
    losses. Ignored pixels have loss 0. On a GPU nothing here waits for the device.

    Args:
        logits: (B, classes, H, W).
        labels: int64 (B, H, W), 255 ignored.
        keep_at_least: a count of pixels of the batch; the released code takes one image's worth.
    """
    losses = F.cross_entropy(logits.float(), labels, ignore_index=IGNORE, reduction="none").flatten()
    if losses.device.type != "cpu":
        return hard_mean_without_waiting(losses, keep_at_least)
    hard = losses > OHEM_THRESHOLD
    if int(hard.sum()) > keep_at_least:
        return losses[hard].mean()
    return losses.topk(min(keep_at_least, losses.numel()), sorted=False).values.mean()


def hard_mean_without_waiting(losses: Tensor, keep_at_least: int) -> Tensor:
    """The mean that OHEM keeps, without a branch that depends on values: both answers are made, one is chosen.

    Args:
        losses: (N,) of all pixels, not negative.
        keep_at_least: as in ``ohem_cross_entropy``.
    """
    keep = min(keep_at_least, losses.numel())
    hard = losses > OHEM_THRESHOLD
    count = hard.sum()
    with torch.no_grad():
        limit = losses.sort(descending=True).values[keep - 1]
    # sum of the `keep` largest: all above the limit, and as many copies of the limit as are still wanted
    above = losses > limit
    at_limit = losses == limit
    share = (keep - above.sum()) / at_limit.sum()
    largest = torch.where(above, losses, torch.where(at_limit, losses * share, 0)).sum() / keep
    all_hard = torch.where(hard, losses, 0).sum() / count.clamp(min=1)
    return torch.where(count > keep_at_least, all_hard, largest)


def plain_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy over the pixels that are not ignored; 0 where all are.

    Args:
        logits: (B, classes, H, W).
        labels: int64 (B, H, W), 255 ignored.
    """
    total = F.cross_entropy(logits.float(), labels, ignore_index=IGNORE, reduction="sum")
    return total / (labels != IGNORE).sum().clamp(min=1)


def class_weights(labels: Tensor, classes: int, balance: float) -> Tensor:
    """Weights that make rare classes heard: 1 / ln(balance + share of the pixels), of mean 1 over the pixels.

    Args:
        labels: uint8 or int64, any shape, 255 ignored.
        classes: how many there are.
        balance: above 1; the smaller, the heavier are rare classes (1.02 in the paper).

    Returns:
        float32 (classes,).

    References:
        A. Paszke et al., ENet, arXiv:1606.02147, 2016, section 5.1.
    """
    counts = torch.bincount(labels[labels != IGNORE].long().flatten(), minlength=classes).double()
    share = counts / counts.sum().clamp(min=1)
    weights = 1.0 / torch.log(balance + share)
    return (weights / (weights * share).sum().clamp(min=1e-12)).float()


def segmentation_loss(
    outputs: Sequence[Tensor],
    labels: Tensor,
    weights: Sequence[float],
    hard_pixels: bool = True,
    of_classes: Tensor | None = None,
) -> Tensor:
    """Weighted sum of the outputs' cross-entropies.

    Args:
        outputs: logits (B, classes, H, W), the main one first.
        labels: int64 (B, H, W).
        weights: one per output, e.g. (1, 0.75).
        hard_pixels: over the hard pixels (OHEM, each output keeping at least one image's worth), else over all.
        of_classes: of ``class_weights``; then over all pixels.
    """
    keep = labels.shape[-2] * labels.shape[-1]

    def one(output: Tensor) -> Tensor:
        if of_classes is not None:
            return F.cross_entropy(output.float(), labels, weight=of_classes, ignore_index=IGNORE)
        return ohem_cross_entropy(output, labels, keep) if hard_pixels else plain_cross_entropy(output, labels)

    terms = [weight * one(output) for output, weight in zip(outputs, weights, strict=True)]
    return torch.stack(terms).sum()
