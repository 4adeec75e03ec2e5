"""SeAFusion's losses: content (intensity and texture) and semantic (Tang et al., 2022)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from bench.train.segmenter_loss import segmentation_loss
from bench.transfer import constant

SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))

ALPHA = 10.0
"""Weight of the texture loss in the content loss."""


def sobel(images: Tensor) -> Tensor:
    """|Gx| + |Gy| of the Sobel kernels, zeros outside the image; (B, 1, H, W) -> the same."""
    horizontal = constant(SOBEL, images)
    kernels = torch.stack([horizontal, horizontal.T])[:, None]
    return F.conv2d(images, kernels, padding=1).abs().sum(dim=1, keepdim=True)


def intensity_loss(fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:
    """Mean distance of the fused image to the element-wise maximum of the sources."""
    return F.l1_loss(fused, torch.maximum(ir, vis))


def texture_loss(fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:
    """Mean distance of the fused gradients to the element-wise maximum of the sources' gradients."""
    with torch.no_grad():
        wanted = torch.maximum(sobel(ir), sobel(vis))
    return F.l1_loss(sobel(fused), wanted)


def content_loss(fused: Tensor, ir: Tensor, vis: Tensor, alpha: float = ALPHA) -> tuple[Tensor, Tensor, Tensor]:
    """Intensity + alpha x texture.

    Args:
        fused: luma (B, 1, H, W) in [0, 1].
        ir: infrared luma, the same shape.
        vis: visible luma, the same shape.
        alpha: weight of the texture.

    Returns:
        The sum, the intensity loss and the texture loss.
    """
    intensity, texture = intensity_loss(fused, ir, vis), texture_loss(fused, ir, vis)
    return intensity + alpha * texture, intensity, texture


def semantic_loss(
    outputs: Sequence[Tensor], labels: Tensor, auxiliary: float = 0.1, hard_pixels: bool = False
) -> Tensor:
    """Cross-entropy of the segmenter's main output plus ``auxiliary`` (lambda) times that of each other output.

    The paper's text has the cross-entropy over all pixels, the released code that over the hard ones.

    Args:
        outputs: logits (B, classes, H, W), the main one first.
        labels: int64 (B, H, W), 255 ignored.
        auxiliary: lambda.
        hard_pixels: as in ``bench.train.segmenter_loss.segmentation_loss``.
    """
    return segmentation_loss(outputs, labels, (1.0, *[auxiliary] * (len(outputs) - 1)), hard_pixels)


def semantic_weight(round_number: int, gamma: float = 1.0) -> float:
    """Beta = gamma (m - 1) of round m, counted from 1: nothing in the first round, then ever more."""
    return gamma * (round_number - 1)


def float_chroma(vis: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Y, Cr and Cb (without their offset of 0.5) by the rounded matrices of the released code; RGB (B, 3, H, W)."""
    red, green, blue = vis[:, 0:1], vis[:, 1:2], vis[:, 2:3]
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return luma, (red - luma) * 0.713, (blue - luma) * 0.564


def merge_chroma(luma: Tensor, cr: Tensor, cb: Tensor) -> Tensor:
    """RGB (B, 3, H, W), clamped to [0, 1]; gradients pass where nothing was clamped."""
    return torch.cat([luma + 1.403 * cr, luma - 0.714 * cr - 0.344 * cb, luma + 1.773 * cb], dim=1).clamp(0, 1)
