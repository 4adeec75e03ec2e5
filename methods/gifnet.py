"""GIFNet (Cheng et al., 2025): one network for all kinds of fusion, by low-level tasks that interact."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from bench.plugin.method import ImageStyle, MethodInfo, WeightFile
from methods._nets.gifnet import RENAMED, GIFNet, as_linear
from methods._nets.method import NetMethod


class GIFNetMethod(NetMethod):
    """GIFNet's infrared-visible path, in colour as its authors run it."""

    name = "gifnet"
    network = GIFNet
    renamed = RENAMED
    info = MethodInfo(
        title="GIFNet",
        year=2025,
        paper="https://github.com/AWCXV/GIFNet",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="GIFNet/Final.model",
                url="https://github.com/AWCXV/GIFNet/raw/c8ad04ae3bfefcebfa9abe94d1d5895c8db56a44/model/Final.model",
                sha256="bfc1dfef0d5b386b0c04f172daf8f6af52ba395f26dc3dd5757425fd32eb1038",
                git_blob="6f46be326d831b14aea26a53d876197a905c51dc",
                size=3_408_450,
            ),
        ),
        trained_on=("llvip",),
        notes="trained on LLVIP by the name of the authors' loader, with synthetic focus pairs; not verified",
    )
    whole = True
    layout = "contiguous"  # sums in the authors' order, and with them pixels truncated alike
    smallest = 5
    published = ImageStyle(reader="luma_floor", ir_reader="luma_png15", merge="ycbcr3", rounding="even")

    @classmethod
    def read(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' file; attention's 1x1 convolutions are linear layers here."""
        return as_linear(super().read(paths))
