"""SHIP: sources that multiply each other over the image and over channels, three times (Zheng et al., 2024, sec. 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import LEAKY_SLOPE, OwnNorm
from methods._nets.transformer import PixelNorm

WIDTH = 16
INTERACTIONS = 3
ORDERS = 3
"""Products that follow each other within one interaction."""

DIFFERENCE = 0.8
"""Share of the sum of a filter's weights that its centre loses."""

CLAMP = 0.8
"""Largest logarithm of the factor in a coupling."""


def _two(width: int, inner: int, size: int = 3) -> nn.Sequential:
    """Two convolutions with ReLU between."""
    return nn.Sequential(
        nn.Conv2d(width, inner, size, padding=size // 2), nn.ReLU(inplace=True),
        nn.Conv2d(inner, width, size, padding=size // 2),
    )  # fmt: skip


class Difference(nn.Module):
    """Central differences along both axes and both diagonals, mixed by one number, and the input itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.axes, self.diagonals = (nn.Parameter(torch.randn(width, width, 5) / width) for _ in range(2))
        self.share = nn.Parameter(torch.zeros(1))

    def kernel(self) -> Tensor:
        """All of it as one 3x3 kernel."""
        share = torch.sigmoid(self.share)
        axes, diagonals = (_centred(weights) for weights in (self.axes, self.diagonals))
        kernel = torch.zeros_like(axes[..., 0]).expand(9, -1, -1).clone()
        for places, weights, part in (((1, 3, 4, 5, 7), axes, share), ((0, 2, 4, 6, 8), diagonals, 1 - share)):
            for place, weight in zip(places, weights.unbind(-1), strict=True):
                kernel[place] += part * weight
        kernel[4] += torch.eye(len(axes), dtype=kernel.dtype, device=kernel.device)
        return kernel.permute(1, 2, 0).unflatten(-1, (3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.kernel(), padding=1)


def _centred(weights: Tensor) -> Tensor:
    """Five weights per filter; the middle one is the centre, which loses most of their sum."""
    loss = torch.zeros_like(weights)
    loss[..., 2] = DIFFERENCE * weights.sum(-1)
    return weights - loss


class Stem(nn.Module):
    """(B, 1, H, W) -> (B, 16, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, WIDTH, 1)
        self.convs = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(2))
        self.residuals = nn.ModuleList(_two(WIDTH, WIDTH) for _ in range(2))
        self.differences = nn.ModuleList(Difference(WIDTH) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for conv, residual, difference in zip(self.convs, self.residuals, self.differences, strict=True):
            x = conv(x)
            x = residual(x).add_(difference(x))
        return x


class Spatial(nn.Module):
    """Products at each pixel, the first with the circular convolution of both maps over the whole image."""

    def __init__(self) -> None:
        super().__init__()
        self.fused, self.infrared = (nn.ModuleList(_two(WIDTH, WIDTH) for _ in range(ORDERS)) for _ in range(2))
        self.norms = nn.ModuleList(PixelNorm(WIDTH) for _ in range(ORDERS + 1))

    def forward(self, vis: Tensor, ir: Tensor) -> tuple[Tensor, Tensor]:
        """The visible map, grown, and the infrared map, replaced."""
        product = torch.fft.irfft2(torch.fft.rfft2(vis) * torch.fft.rfft2(ir), s=vis.shape[-2:])
        product = self.norms[0](product).mul_(ir)
        for fused, infrared, norm in zip(self.fused, self.infrared, self.norms[1:], strict=True):
            ir = infrared(ir)
            product = norm(fused(product)).mul_(ir)
        return vis + product, ir


class UNetBlock(nn.Module):
    """Two convolutions around a norm of the first half of the channels, and a 1x1 path around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, WIDTH, 3, padding=1)
        self.norm = OwnNorm(WIDTH // 2)
        self.second = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.around = nn.Conv2d(channels, WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.first(x)
        half = inner[:, : WIDTH // 2]
        half.copy_(self.norm(half))
        inner = self.second(functional.leaky_relu_(inner, 0.1))
        return functional.leaky_relu_(inner, 0.1).add_(self.around(x))


class Dense(nn.Module):
    """Two blocks and a convolution of all before it, each with a leaky ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([UNetBlock(channels), UNetBlock(WIDTH)])
        self.last = nn.Conv2d(channels + 2 * WIDTH, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        first = functional.leaky_relu_(self.blocks[0](x), LEAKY_SLOPE)
        second = functional.leaky_relu_(self.blocks[1](first), LEAKY_SLOPE)
        return functional.leaky_relu_(self.last(torch.cat([x, first, second], dim=1)), LEAKY_SLOPE)


class Coupling(nn.Module):
    """An invertible mix of channels, then two couplings of its halves (Kingma and Dhariwal, Glow, 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift, self.scale, self.move = (Dense(channels // 2) for _ in range(3))
        self.mix = LUMatrix(channels)

    def forward(self, x: Tensor) -> Tensor:
        first, second = functional.conv2d(x, self.mix()[..., None, None]).chunk(2, dim=1)
        first = first + self.shift(second)
        factor = self.scale(first).sigmoid_().mul_(2 * CLAMP).sub_(CLAMP).exp_()
        return torch.cat([first, factor.mul_(second).add_(self.move(first))], dim=1)


class LUMatrix(nn.Module):
    """A square matrix kept as permutation, lower and upper triangle, signs and logarithms of the diagonal."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lower, self.upper = (nn.Parameter(torch.randn(width, width) / width) for _ in range(2))
        self.logarithms = nn.Parameter(torch.zeros(width))
        self.register_buffer("signs", torch.ones(width))
        self.register_buffer("permutation", torch.eye(width))

    def forward(self) -> Tensor:
        identity = torch.eye(len(self.lower), dtype=self.lower.dtype, device=self.lower.device)
        upper = self.upper.triu(1) + torch.diag(self.get_buffer("signs") * self.logarithms.exp())
        return self.get_buffer("permutation") @ (self.lower.tril(-1) + identity) @ upper


class Channels(nn.Module):
    """Products of channels with weights of the whole image, repeated; the visible map takes the result in."""

    def __init__(self) -> None:
        super().__init__()
        width = 2 * WIDTH
        self.weight = _two(width, WIDTH, 1)
        self.weights = nn.ModuleList(_two(width, WIDTH, 1) for _ in range(ORDERS))
        self.fused = nn.ModuleList(_two(width, width) for _ in range(ORDERS))
        self.coupling = Coupling(width)
        self.last = nn.Conv2d(width, WIDTH, 1)

    def forward(self, vis: Tensor, ir: Tensor) -> Tensor:
        both = torch.cat([vis, ir], dim=1)
        weight = self.weight(both.mean((2, 3), keepdim=True)).softmax(dim=1)
        both = both.mul_(weight)
        for next_weight, fused in zip(self.weights, self.fused, strict=True):
            weight = next_weight(weight).softmax(dim=1)
            both = fused(both).mul_(weight)
        return vis + self.last(self.coupling(both))


class Reconstruction(nn.Module):
    """(B, 16, H, W) -> (B, 1, H, W); each stage adds one number per channel and image."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.stages = nn.ModuleList(_two(WIDTH, WIDTH) for _ in range(2))
        self.gates = nn.ModuleList(_two(WIDTH, WIDTH // 4, 1) for _ in range(2))
        self.last = nn.Conv2d(WIDTH, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for stage, gate in zip(self.stages, self.gates, strict=True):
            mean = stage(x).mean((2, 3), keepdim=True)
            x = x + mean * torch.sigmoid(gate(mean))
        return self.last(x)


class SHIP(nn.Module):
    """Infrared and visible luma in [0, 1] -> fused luma, not bounded; 547,509 parameters.

    Fourier transforms, means and norms span the image: a part of it is fused otherwise than the whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ir, self.vis = Stem(), Stem()
        self.spatial = nn.ModuleList(Spatial() for _ in range(INTERACTIONS))
        self.channels = nn.ModuleList(Channels() for _ in range(INTERACTIONS))
        self.coupling = Coupling(INTERACTIONS * WIDTH)
        self.join = nn.Conv2d(INTERACTIONS * WIDTH, WIDTH, 1)
        self.reconstruction = Reconstruction()

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses (B, 1, H, W) each."""
        ir, vis = self.ir(ir), self.vis(vis)
        stages = []
        for spatial, channels in zip(self.spatial, self.channels, strict=True):
            vis, ir = spatial(vis, ir)
            vis = channels(vis, ir)
            stages.append(vis)
        return self.reconstruction(self.join(self.coupling(torch.cat(stages, dim=1))))


RENAMED = (
    (".invconv.p", ".mix.permutation"), (".invconv.log_s", ".mix.logarithms"), (".invconv.sign_s", ".mix.signs"),
    (".invconv.", ".mix."), (".channel.postprocess.0.", ".channel.coupling."),
    (".channel.postprocess.1.", ".channel.last."),
    ("postprocess.0.", "coupling."), ("postprocess.1.", "join."), ("coupling.F.", "coupling.shift."),
    ("coupling.H.", "coupling.scale."), ("coupling.G.", "coupling.move."),
    (".conv1.", ".blocks.0."), (".conv2.", ".blocks.1."), (".conv3.", ".last."), (".conv_1.", ".first."),
    (".conv_2.", ".second."), (".identity.", ".around."), (".chaAtten.", ".weight."),
    ("inf.", "ir."), ("vis.conv.", "vis.first."), ("ir.conv.", "ir.first."), (".conv_in.", ".first."),
    (".conv_last.", ".last."),
    *(
        (theirs.format(number + 1), ours.format(number))
        for number in range(ORDERS + 1)
        for theirs, ours in (
            ("interaction{}.spatial.", "spatial.{}."), ("interaction{}.channel.", "channels.{}."),
            (".reflashFused{}.", ".fused.{}."), (".reflashInfrared{}.", ".infrared.{}."),
            (".norm{}.body.", ".norms.{}."), (".reflashChaAtten{}.", ".weights.{}."),
            (".block{}.process.", ".convs.{}."), (".block{}.Res.", ".residuals.{}."),
            (".block{}.CDC.h_conv.conv.weight", ".differences.{}.axes"),
            (".block{}.CDC.d_conv.conv.weight", ".differences.{}.diagonals"),
            (".block{}.CDC.HP_branch", ".differences.{}.share"),
        )
    ),
    *((f".process.{stage}.process.", f".stages.{stage}.") for stage in (0, 1)),
    *((f".process.{stage}.conv_du.", f".gates.{stage}.") for stage in (0, 1)),
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""
