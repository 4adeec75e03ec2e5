"""Differentiable image comparisons as the baselines' released trainings compute them."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from bench.transfer import constant

LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))

MS_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales (Wang, Simoncelli and Bovik, 2003)."""


def laplacian(images: Tensor) -> Tensor:
    """Second derivative, zeros outside the image; (B, 1, H, W) -> the same."""
    return functional.conv2d(images, constant(LAPLACIAN, images)[None, None], padding=1)


def gaussian(size: int, sigma: float, device: torch.device | str = "cpu") -> Tensor:
    """A window of unit sum, float32 (size,), made where it is used."""
    offsets = torch.arange(size, dtype=torch.float64, device=device) - (size - 1) / 2
    values = torch.exp(-(offsets**2) / (2 * sigma**2))
    return (values / values.sum()).float()


def stabilisers(value_range: float) -> tuple[float, float]:
    """C1 = (0.01 L)^2 and C2 = (0.03 L)^2 of a range L."""
    return (0.01 * value_range) ** 2, (0.03 * value_range) ** 2


def ssim_parts(x: Tensor, y: Tensor, window: Tensor, value_range: float) -> tuple[Tensor, Tensor]:
    """SSIM and its contrast-structure term at every place the window fits.

    Args:
        x: (B, 1, H, W).
        y: the same shape.
        window: one dimension of a separable window, on their device.
        value_range: L in C1 = (0.01 L)^2 and C2 = (0.03 L)^2.
    """
    return _ssim_parts(x, y, window, *stabilisers(value_range))


def _ssim_parts(x: Tensor, y: Tensor, window: Tensor, c1: float | Tensor, c2: float | Tensor) -> tuple[Tensor, Tensor]:
    window = window.to(x.dtype)
    row, column = window.view(1, 1, 1, -1), window.view(1, 1, -1, 1)
    stacked = torch.cat([x, y, x * x, y * y, x * y])
    means = functional.conv2d(functional.conv2d(stacked, row), column)
    mean_x, mean_y, square_x, square_y, product = means.chunk(5)
    variances = (square_x - mean_x**2) + (square_y - mean_y**2)
    structure = (2 * (product - mean_x * mean_y) + c2) / (variances + c2)
    return (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1) * structure, structure


def released_ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """Multi-scale SSIM as RFN-Nest's training computes it, with its slips.

    Values are mapped to (v + 1) / 2 first; the last scale's SSIM stands inside the product over the other four, so it
    counts four times; the range is 255 if any value of ``x`` is above 128, else 1; the window shrinks to the image.

    Args:
        x: (B, 1, H, W).
        y: the same shape.

    Returns:
        A scalar in [0, 1].
    """
    wide = x.detach().max() > 128  # chosen on the device, which the host does not wait for
    constants = [torch.where(wide, *both) for both in zip(stabilisers(255.0), stabilisers(1.0), strict=True)]
    last_ssim, structures = x.new_zeros(()), []
    for scale in range(len(MS_WEIGHTS)):
        if scale:
            x, y = functional.avg_pool2d(x, 2), functional.avg_pool2d(y, 2)
        size = min(11, *x.shape[-2:])
        ssim, structure = _ssim_parts(x, y, gaussian(size, 1.5, x.device), *constants)
        last_ssim = (ssim.mean() + 1) / 2
        structures.append((structure.mean() + 1) / 2)
    product = last_ssim ** (MS_WEIGHTS[-1] * 4)
    for structure, weight in zip(structures[:-1], MS_WEIGHTS, strict=False):
        product = product * structure**weight
    return product


def smallest_ms_ssim_side() -> int:
    """The shortest side of an image that can be halved for every scale."""
    return int(math.pow(2, len(MS_WEIGHTS) - 1))
