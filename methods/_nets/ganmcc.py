"""GANMcC: a gradient path and a contrast path, merged twice (Ma et al., 2021, fig. 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods._nets.fusiongan import GeneratorPath, extend

FUSED_EPSILON = 1.001e-5
"""The least that TensorFlow's fused batch norm takes; the script asks for 1e-5 (stored graph, TensorFlow 1.9)."""


class GANMcC(nn.Module):
    """The generator as the released code tests it: raw weights, images in [-1, 1], any size."""

    def __init__(self) -> None:
        super().__init__()
        self.ir, self.vis = GeneratorPath(3, FUSED_EPSILON), GeneratorPath(3, FUSED_EPSILON)
        self.last = nn.Conv2d(128, 1, 1)

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """The fused image in (-1, 1); one path sees infrared twice, the other visible twice."""
        ir, vis = extend(ir), extend(vis)
        contrast = self.ir(torch.cat([ir, ir, vis], dim=1))
        gradient = self.vis(torch.cat([vis, vis, ir], dim=1))
        return torch.tanh(self.last(torch.cat([contrast, gradient, contrast, gradient], dim=1)))
