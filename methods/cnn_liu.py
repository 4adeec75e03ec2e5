"""CNN (Liu et al., 2018): Laplacian pyramids weighted by a siamese network that was trained to find focus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.plugin.method import MethodInfo, WeightFile
from methods._classical.bytes import ByteMethod
from methods._classical.mat_file import read_variables
from methods._classical.matlab import grey
from methods._classical.planes import Bytes, Plane
from methods._classical.weighted_pyramid import fuse_pyramids, spread_decisions
from methods._nets.blocks import load_net
from methods._nets.cnn_liu import SHAPES, WINDOW, SiameseCNN, tensors_of


class CNNLiuMethod(ByteMethod):
    """One map of weights, from grey images; each channel of a colour image is fused by it, as VIFB did."""

    name = "cnn_liu"
    info = MethodInfo(
        title="CNN (Liu et al.)",
        year=2018,
        paper="doi:10.1142/S0219691318500182",
        licence="own implementation; the authors' code and weights are for research only",
        kind="classical",
        weights=(
            WeightFile(
                path="CNN_Liu/cnnmodel.mat",
                url="https://github.com/xingchenzhang/VIFB/raw/22b2ea9d91499cc5962d9bdcae9c290270f0fade/methods/CNN/"
                "model/cnnmodel.mat",
                sha256="f826e6739aa6cea943a1323642468760102fc735ff090cd83ab28d998ba76a20",
                git_blob="5f0cdf45633f51cbe36f2aabf68036098f108c55",
                size=1_617_459,
            ),
        ),
        notes="network of the authors' multi-focus fusion (Information Fusion 36, 2017), unchanged",
    )
    smallest = WINDOW - 1

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.net = load_net(SiameseCNN, weights, device)

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        decisions = self.net(self._input(ir[None]), self._input(vis))[0].cpu().numpy()
        share = spread_decisions(decisions, ir.shape, WINDOW)
        return 255 * np.stack([fuse_pyramids(ir / 255.0, plane / 255.0, share) for plane in vis])

    def _input(self, image: Bytes) -> Tensor:
        return torch.from_numpy(grey(image / 255.0)).to(self.net.decide.weight)[None, None]

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' MATLAB file, whose patches are unrolled column by column; one bias there is not used."""
        return tensors_of(read_variables(paths[0], SHAPES))
