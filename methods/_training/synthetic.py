"""Pairs made from single sharp images, for recipes whose own data sets cannot be had: focus and exposure."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from methods._training.similarity import gaussian


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, edges repeated; (B, C, H, W) -> the same."""
    radius = max(1, min(round(3 * sigma), min(images.shape[-2:]) - 1))
    window = gaussian(2 * radius + 1, sigma, images.device).to(images.dtype)
    channels = images.shape[1]
    row, column = (window.view(shape).repeat(channels, 1, 1, 1) for shape in ((1, 1, 1, -1), (1, 1, -1, 1)))
    x = functional.pad(images, (radius,) * 4, mode="replicate")
    return functional.conv2d(functional.conv2d(x, row, groups=channels), column, groups=channels)


def depth_masks(count: int, size: int, like: Tensor) -> Tensor:
    """Random smooth near-far masks, (count, 1, size, size) in [0, 1], about half of each; from torch's generator."""
    coarse = torch.rand(count, 1, 4, 4, device=like.device)
    fine = functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)
    middle = fine.flatten(1).median(dim=1).values.view(-1, 1, 1, 1)
    return torch.sigmoid((fine - middle) * 40)


def focus_pair(images: Tensor) -> tuple[Tensor, Tensor]:
    """A near-focused and a far-focused version of sharp images; strength and mask are random."""
    sigma = 1.0 + 2.5 * float(torch.rand(()))
    soft = blurred(images, sigma)
    near = depth_masks(len(images), images.shape[-1], images)
    return images * near + soft * (1 - near), images * (1 - near) + soft * near


def exposure_pair(images: Tensor) -> tuple[Tensor, Tensor]:
    """An over- and an underexposed version of images in [0, 1]: gains of one to two stops, clipped."""
    stops = 1.0 + torch.rand(2, len(images), 1, 1, 1, device=images.device)
    return (images * 2 ** stops[0]).clamp(0, 1), (images * 2 ** -stops[1]).clamp(0, 1)
