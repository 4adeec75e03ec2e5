"""AUIF-Net: base and detail of each image by ten unrolled steps of an optimisation (Zhao et al., 2021)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import Conv

STEPS = 10
FILTERS = 64
BASE_SIZE, DETAIL_SIZE = 11, 19
"""Sides of the filters that the two decompositions start from."""


def start_of_base(image: Tensor) -> Tensor:
    """A box blur, the image mirrored at its edges; (B, 1, H, W)."""
    return _filtered(image, image.new_full((BASE_SIZE, BASE_SIZE), 1 / BASE_SIZE**2))


def start_of_detail(image: Tensor) -> Tensor:
    """A Laplacian of ones around a negative centre, divided by the sum of its magnitudes."""
    kernel = image.new_ones((DETAIL_SIZE, DETAIL_SIZE))
    kernel[DETAIL_SIZE // 2, DETAIL_SIZE // 2] = 1 - DETAIL_SIZE**2
    return _filtered(image, kernel / kernel.abs().sum())


def _filtered(image: Tensor, kernel: Tensor) -> Tensor:
    return functional.conv2d(functional.pad(image, (len(kernel) // 2,) * 4, mode="reflect"), kernel[None, None])


def apply_twice(x: Tensor, kernel: Tensor) -> Tensor:
    """K^T (K x): ``kernel`` (64, 1, 3, 3) applied, then its transpose, both with mirrored edges; (B, 1, H, W).

    Away from the outermost pixels the two are one 5x5 convolution, the sum of the kernels' autocorrelations, with a
    fortieth of the multiplications. At the outermost pixels it is the 64 maps that are mirrored, not the image.
    """
    first = kernel.double().transpose(0, 1)
    both = functional.conv2d(first, first, padding=2).to(x.dtype)
    padded = functional.pad(x, (1, 1, 1, 1), mode="reflect")
    inner = functional.conv2d(padded, both)
    top, bottom = _first_row(padded, kernel), _first_row(padded.flip(2), kernel.flip(2))
    left = _first_row(padded.mT, kernel.mT).mT[..., 1:-1, :]
    right = _first_row(padded.flip(3).mT, kernel.flip(3).mT).mT[..., 1:-1, :]
    return torch.cat([top, torch.cat([left, inner, right], dim=3), bottom], dim=2)


def _first_row(padded: Tensor, kernel: Tensor) -> Tensor:
    """The top row of K^T (K x) in two steps, from an image that is mirrored by one pixel already."""
    maps = functional.conv2d(padded[..., :4, :], kernel)
    maps = functional.pad(maps, (1, 1, 1, 0), mode="reflect")
    return functional.conv2d(maps, kernel.flip((2, 3)).transpose(0, 1))


class Step(nn.Module):
    """One unrolled step on a single map."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(FILTERS, 1, 3, 3))
        self.eta = nn.Parameter(0.1 + 0.03 * torch.randn(1))
        self.theta = nn.Parameter(1e-3 + 1e-4 * torch.randn(1))
        self.rest = nn.Sequential(nn.BatchNorm2d(1), nn.PReLU())

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        gradient = self.rest(apply_twice(x, self.kernel))
        return x - self.eta * (gradient - self.theta * (image - x))


class Encoder(nn.ModuleList):
    """Ten steps from a start; (B, 1, H, W) both."""

    def __init__(self, start: Callable[[Tensor], Tensor]) -> None:
        super().__init__(Step() for _ in range(STEPS))
        self.start = start

    def forward(self, image: Tensor) -> Tensor:
        x = self.start(image)
        for step in self:
            x = step(x, image)
        return x


class AUIF(nn.Module):
    """Both decompositions of both images, summed and decoded; sides of at least 10 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.base, self.detail = Encoder(start_of_base), Encoder(start_of_detail)
        self.decoder = nn.Sequential(Conv(1, 1, activation="none", bias=False), nn.BatchNorm2d(1), nn.Sigmoid())

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Images (B, 1, H, W) in [0, 1]; the result is in (0, 1); symmetric in them."""
        # one image at a time, and the sum in this order: in float32 the last bit decides some pixels
        base_ir, base_vis, detail_ir, detail_vis = (part(x) for part in (self.base, self.detail) for x in (ir, vis))
        return self.decoder(base_ir + base_vis + detail_ir + detail_vis)
