"""YDTR (Tang et al., 2023): two branches that share a transformer, and a joined one."""

from __future__ import annotations

from bench.plugin.method import NOT_STATED, ImageStyle, MethodInfo, WeightFile
from methods._nets.rows import ROW_NAMES, RowMethod
from methods._nets.ydtr import YDTR


class YDTRMethod(RowMethod):
    """YDTR as released; a negative output becomes a bright dot, as its authors write it."""

    name = "ydtr"
    network = YDTR
    renamed = (
        *ROW_NAMES, ("convInput.", "first."), ("DDF.spatial_branch.body", "focus.pixel"),
        ("DDF.channel_branch.fc", "focus.channel"),
    )  # fmt: skip
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
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", rounding="wrap", arithmetic="single")
