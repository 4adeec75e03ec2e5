"""ITFuse (Tang et al., 2024): an interactive transformer."""

from __future__ import annotations

from bench.plugin.method import NOT_STATED, ImageStyle, MethodInfo, WeightFile
from methods._nets.itfuse import ITFuse
from methods._nets.rows import ROW_NAMES, RowMethod

RENAMED = (
    *ROW_NAMES,
    ("conv16_16.", "conv."), ("conv2_16.", "common."), ("conv16.", "source."),
    ("CoordAtt.conv1.", "coordinates.reduce.0."), ("CoordAtt.bn1.", "coordinates.reduce.1."),
    ("CoordAtt.conv_h.", "coordinates.height."), ("CoordAtt.conv_w.", "coordinates.width."),
    ("TS_lv1.", "cross."), ("equalAtt.", "join."), (".key_embed.", ".key."), (".embed.", ".weight."),
    (".conv1x1.", ".value."),
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""


class ITFuseMethod(RowMethod):
    """ITFuse as released."""

    name = "itfuse"
    network = ITFuse
    renamed = RENAMED
    info = MethodInfo(
        title="ITFuse",
        year=2024,
        paper="doi:10.1016/j.patcog.2024.110822",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="ITFuse/model.pth",
                url="https://github.com/tthinking/ITFuse/raw/26137effac7b314c4c64fb97f097e398e1dbc2fb/models/model.pth",
                sha256="578f4d651c998134c4984ae635286557aa96aea99d9d5b9aa610021134113a69",
                git_blob="7ac877ec81f24b17db64425de2571137f5934347",
                size=400_371,
            ),
        ),
        trained_on=(NOT_STATED,),
        notes="its tokens are rows of memory, so a crop is fused otherwise than the whole",
    )
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", rounding="truncate", arithmetic="single")
