"""LUT-Fuse (Yi et al., 2025): a look-up table of four dimensions instead of a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.errors import BenchError
from bench.plugin.method import NOT_STATED, ImageStyle, MethodInfo, WeightFile
from methods._nets.lut_fuse import RENAMED, LUTFuse
from methods._nets.method import NetMethod

SOURCE = "https://github.com/zyb5/LUT-Fuse/raw/ab5878e2465520bd20711e7d793d97253b8b7a70/ckpts"


class LUTFuseMethod(NetMethod):
    """LUT-Fuse with its fine-tuned table, at the image's own size."""

    name = "lut_fuse"
    network = LUTFuse
    renamed = RENAMED
    info = MethodInfo(
        title="LUT-Fuse",
        year=2025,
        paper="https://arxiv.org/abs/2509.00346",
        licence="Apache-2.0 (authors' weights: MIT, (c) 2025 Yibing Zhang)",
        weights=(
            WeightFile(
                path="LUT-Fuse/fine_tuned_lut.npy", url=f"{SOURCE}/fine_tuned_lut.npy",
                sha256="e237e9807915e2252b3a3f5905e7badefdb89c07ac1e80dbc390a526e31ed6a0",
                git_blob="dae17a0bbafef6905d18fe3e8b657a311405a4df", size=262_272, licence="MIT",
            ),
            WeightFile(
                path="LUT-Fuse/generator_context.pth", url=f"{SOURCE}/generator_context.pth",
                sha256="e79da8ecfdc3512a1c9f55efc1d47238154b596df2db48b6f01b235fdf575900",
                git_blob="3b1cea6723c2d263925a3009d43163712756209e", size=38_648, licence="MIT",
            ),
        ),
        trained_on=(NOT_STATED,),
        notes="distilled from an unreleased network; its authors cut sizes to multiples of 16, here they stay",
    )  # fmt: skip
    space = "rgb_to_luma"
    whole = True
    dtype = "float64"  # a table steepens small differences: float32 is further from its authors
    clips = True
    published = ImageStyle(reader="luma", merge="ycbcr6", rounding="truncate")

    @classmethod
    def read(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the table and the network that finds its fourth coordinate."""
        try:
            table = np.load(paths[0], allow_pickle=False)
        except (OSError, ValueError) as error:
            raise BenchError(f"{paths[0]}: not a readable NumPy table ({error}); fetch it again") from error
        return {**super().read(paths[1:]), "table": torch.from_numpy(table.astype(np.float32).ravel())}
