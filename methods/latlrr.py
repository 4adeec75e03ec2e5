"""LatLRR (Li and Wu, 2018; MDLatLRR, 2020): salient parts of patches by a learned matrix, in four levels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench.plugin.method import MethodInfo, WeightFile
from methods._classical.bytes import ByteMethod
from methods._classical.latent_low_rank import PATCH, SHAPE, fuse_latlrr, load_projection
from methods._classical.mat_file import read_variables
from methods._classical.planes import Bytes, Plane


class LatLRRMethod(ByteMethod):
    """Fuses each channel of a colour image by itself, as VIFB did; always on the CPU."""

    name = "latlrr"
    info = MethodInfo(
        title="LatLRR",
        year=2018,
        paper="https://arxiv.org/abs/1804.08992",
        licence="own implementation; the authors' code and matrix have no licence",
        kind="classical",
        weights=(
            WeightFile(
                path="LatLRR/L_8.mat",
                url="https://github.com/xingchenzhang/VIFB/raw/22b2ea9d91499cc5962d9bdcae9c290270f0fade/methods/LatLRR/"
                "models/L_8.mat",
                sha256="7cba0d58551eae76d935bb3190c1b0e96fbfffb427a669e872c26cb00aa30c8d",
                git_blob="3db094ab14b118b2ccf31f1f406affb76609ae3b",
                size=31_514,
            ),
        ),
        notes="MDLatLRR, doi:10.1109/TIP.2020.2975984: four levels, which count 4, 3, 2 and 1 times, as released",
    )
    smallest = PATCH

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.projection = load_projection(weights).numpy()

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        return fuse_latlrr(ir, vis, self.projection)

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' MATLAB file."""
        return {"projection": torch.from_numpy(read_variables(paths[0], {"L_8": SHAPE})["L_8"].astype("float64"))}
