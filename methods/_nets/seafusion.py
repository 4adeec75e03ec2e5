"""The SeAFusion network: two streams of gradient residual dense blocks and a decoder (Tang et al., 2022, sec. 3.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

SOBEL = ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0))
"""The horizontal Sobel kernel in the orientation of the published weights; the vertical one is its transpose."""

SLOPE = 0.2
"""Of the leaky ReLU behind every 3x3 convolution."""

BLOCK_SLOPE = 0.1
"""Of the leaky ReLU behind a block's sum."""


def _leaky(x: Tensor, slope: float = SLOPE) -> Tensor:
    return F.leaky_relu(x, slope, inplace=True)


class GradientStream(nn.Module):
    """|Gx| + |Gy| per channel, then a 1x1 convolution.

    The gradient kernels start as Sobel's. The paper's text keeps them, the released code trains them.
    """

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.horizontal = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.vertical = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.mix = nn.Conv2d(channels, out_channels, 1)
        sobel = torch.tensor(SOBEL)
        with torch.no_grad():
            self.horizontal.weight.copy_(sobel.expand_as(self.horizontal.weight))
            self.vertical.weight.copy_(sobel.T.expand_as(self.vertical.weight))

    def forward(self, x: Tensor) -> Tensor:
        across, down = self.horizontal(x), self.vertical(x)
        if torch.is_grad_enabled():
            return self.mix(across.abs() + down.abs())
        return self.mix(across.abs_().add_(down.abs_()))  # a third of the memory


class GradientResidualDenseBlock(nn.Module):
    """A densely connected main stream plus the gradient stream; (B, channels, H, W) -> (B, out, H, W)."""

    def __init__(self, channels: int, out_channels: int, gradient_stream: bool = True) -> None:
        super().__init__()
        self.dense1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.dense2 = nn.Conv2d(2 * channels, channels, 3, padding=1)
        self.mix = nn.Conv2d(3 * channels, out_channels, 1)
        self.gradient = GradientStream(channels, out_channels) if gradient_stream else None

    def forward(self, x: Tensor) -> Tensor:
        first = torch.cat([x, _leaky(self.dense1(x))], dim=1)
        main = self.mix(torch.cat([first, _leaky(self.dense2(first))], dim=1))
        if self.gradient is not None:
            main = main.add_(self.gradient(x))
        return _leaky(main, BLOCK_SLOPE)


class Encoder(nn.Module):
    """One image's stream: (B, 1, H, W) -> (B, 48, H, W)."""

    def __init__(self, gradient_stream: bool = True) -> None:
        super().__init__()
        self.head = nn.Conv2d(1, 16, 3, padding=1)
        self.block1 = GradientResidualDenseBlock(16, 32, gradient_stream)
        self.block2 = GradientResidualDenseBlock(32, 48, gradient_stream)

    def forward(self, x: Tensor) -> Tensor:
        return self.block2(self.block1(_leaky(self.head(x))))


class SeAFusion(nn.Module):
    """The whole network; no padding or resizing, any height and width.

    The authors' checkpoint also holds four batch norms that their forward pass never calls; they are not part of
    this network (166,657 parameters).
    """

    def __init__(self, gradient_stream: bool = True) -> None:
        """Builds it with PyTorch's default initialisation, as the authors did.

        Args:
            gradient_stream: False leaves the gradient streams out, an ablation.
        """
        super().__init__()
        self.vis = Encoder(gradient_stream)
        self.ir = Encoder(gradient_stream)
        self.decode4 = nn.Conv2d(96, 64, 3, padding=1)
        self.decode3 = nn.Conv2d(64, 32, 3, padding=1)
        self.decode2 = nn.Conv2d(32, 16, 3, padding=1)
        self.decode1 = nn.Conv2d(16, 1, 3, padding=1)

    def gradient_kernels(self) -> list[Tensor]:
        """Those of all gradient streams, horizontal and vertical."""
        streams = [module for module in self.modules() if isinstance(module, GradientStream)]
        return [kernel for stream in streams for kernel in (stream.horizontal.weight, stream.vertical.weight)]

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses infrared and visible luma, both (B, 1, H, W) in [0, 1]; the result is within (0, 1)."""
        x = torch.cat([self.vis(vis), self.ir(ir)], dim=1)
        for layer in (self.decode4, self.decode3, self.decode2):
            x = _leaky(layer(x))
        # the image itself is made in float32, also when the rest is computed in bfloat16
        with torch.autocast(x.device.type, enabled=False):
            return torch.tanh(self.decode1(x if x.dtype == torch.float64 else x.float())) / 2 + 0.5
