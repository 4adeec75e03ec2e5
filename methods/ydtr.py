"""YDTR (Tang et al., 2023): two branches that share a transformer, and a joined one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from bench.plugin.method import NOT_STATED, ImageStyle, Method, MethodInfo, WeightFile
from methods._nets.blocks import load_net
from methods._nets.rows import read_rows
from methods._nets.ydtr import YDTR


class YDTRMethod(Method):
    """YDTR as released; a negative output becomes a bright dot, as its authors write it."""

    name = "ydtr"
    info = MethodInfo(
        title="YDTR",
        year=2023,
        paper="doi:10.1109/TMM.2022.3192661",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="YDTR/model_10.pth",
                url="https://github.com/tthinking/YDTR/raw/b1f01b4ba7b2f40e4fcaec620f29640960db7e98/models/model_10.pth",
                sha256="183c31a103ada74063e644b300d6708ed567dcc231a9d0f8d52e098c6c2a0d32",
                git_blob="92cdc1934effb7257bf205ce7105debe9ef1598f",
                size=893_678,
            ),
        ),
        trained_on=(NOT_STATED,),
        notes="its tokens are rows of memory, so a crop is fused otherwise than the whole",
    )
    whole = True
    layout = "contiguous"  # rows of values that follow each other in memory, and sums in the authors' order
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", rounding="wrap", arithmetic="single")

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.net = load_net(YDTR, weights, device)

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma; the order of the inputs does not matter."""
        return self.net(ir, vis)

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' state dict; what their forward pass does not use is left out."""
        renamed = (
            ("convInput.", "first."),
            ("DDF.spatial_branch.body", "focus.pixel"),
            ("DDF.channel_branch.fc", "focus.channel"),
        )
        return read_rows(paths[0], YDTR, renamed)
