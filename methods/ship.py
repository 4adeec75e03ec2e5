"""SHIP (Zheng et al., 2024): high-order interaction in space and channels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from bench.plugin.method import ImageStyle, MethodInfo, WeightFile
from methods._nets.method import NetMethod
from methods._nets.ship import RENAMED, SHIP


class SHIPMethod(NetMethod):
    """SHIP as released."""

    name = "ship"
    network = SHIP
    renamed = RENAMED
    info = MethodInfo(
        title="SHIP",
        year=2024,
        paper="doi:10.1109/CVPR52733.2024.02492",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="SHIP/SHIP_model.pth",
                url="https://github.com/zheng980629/SHIP/raw/6b95318c7700fce74a476e057f077ecd90ff85b3/pretrained_model/SHIP_model.pth",
                sha256="e61783e79144d5c9da6681b833ad64624ed2e61f6a533fd18ab896349e3f7329",
                git_blob="ee040866877cdf3f5e2de3977aa395a383f6e80d",
                size=2_397_047,
            ),
        ),
        trained_on=("m3fd",),
    )
    whole = True
    layout = "contiguous"  # sums in the authors' order: Fourier transforms spread the last bit over the image
    published = ImageStyle(reader="luma", ir_reader="red", merge="float_ycrcb")

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma, clamped before colour is put back."""
        return self.net(ir, vis).clamp_(0, 1)

    @classmethod
    def read(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' file; the five weights of a difference filter lie along a kernel's width."""
        return {
            name: tensor.squeeze(2) if name.endswith("_conv.conv.weight") else tensor
            for name, tensor in super().read(paths).items()
        }
