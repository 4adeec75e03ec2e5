"""PMGI: a gradient and an intensity path that exchange features twice (Zhang et al., 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from methods._nets.blocks import activate, standardise

WIDTH = 16


class Layer(nn.Conv2d):
    """Convolution, normalisation by the image's own statistics, leaky ReLU; the file's biases would cancel."""

    def __init__(self, channels: int, size: int = 3) -> None:
        super().__init__(channels, WIDTH, size, padding=size // 2, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        return activate(standardise(super().forward(input)), "leaky")


class Stream(nn.Module):
    """The layers of one path; those named ``exchange`` read both paths."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer(3, 5), Layer(WIDTH), Layer(3 * WIDTH), Layer(4 * WIDTH)])
        self.exchange = nn.ModuleList(Layer(2 * WIDTH, 1) for _ in range(2))


class PMGI(nn.Module):
    """The network as the released code tests it: raw weights, images in [-1, 1], any size."""

    def __init__(self) -> None:
        super().__init__()
        self.ir, self.vis = Stream(), Stream()
        self.last = nn.Conv2d(8 * WIDTH, 1, 1)

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """The fused image in (-1, 1); each path sees its own image twice."""
        both = self.ir, self.vis
        first = [path.layers[0](torch.cat(x, 1)) for path, x in zip(both, ((ir, ir, vis), (vis, vis, ir)), strict=True)]
        levels = [first, _apply(both, 1, [[features] for features in first])]
        for index in range(2):
            joined = torch.cat(levels[-1], dim=1)
            seen = [[level[side] for level in levels] for side in range(2)]
            exchanged = [[*own, path.exchange[index](joined)] for own, path in zip(seen, both, strict=True)]
            levels.append(_apply(both, 2 + index, exchanged))
        return torch.tanh(self.last(torch.cat([features for level in levels for features in level], dim=1)))


def _apply(paths: Sequence[Stream], layer: int, inputs: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    return [path.layers[layer](torch.cat(list(x), dim=1)) for path, x in zip(paths, inputs, strict=True)]
