"""DATFuse (Tang et al., 2023): dual attention around a transformer."""

from __future__ import annotations

from bench.plugin.method import NOT_STATED, ImageStyle, MethodInfo, WeightFile
from methods._nets.datfuse import DATFuse
from methods._nets.rows import ROW_NAMES, RowMethod


class DATFuseMethod(RowMethod):
    """DATFuse as released; a negative output becomes a bright pixel, as its authors write it."""

    name = "datfuse"
    network = DATFuse
    renamed = (
        *ROW_NAMES, ("convolutional.", "first."), ("fem.0.", "conv."), ("fem.1.", "norm."),
        ("cam.fc.", "attention.channel."), ("sam.body.", "attention.pixel."),
    )  # fmt: skip
    info = MethodInfo(
        title="DATFuse",
        year=2023,
        paper="doi:10.1109/TCSVT.2023.3234340",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="DATFuse/model_10.pth",
                url="https://github.com/tthinking/DATFuse/raw/0cd93f15fb5552c7aef79b7be56726c863d6c5ba/model_10.pth",
                sha256="075b636954cbd425fc29be808bcfb42232e29b203f054c2a637ed301300d5a1d",
                git_blob="7baa8da48696b6e3c0c9f8f21fcdf88b6debbd98",
                size=65_189,
            ),
        ),
        trained_on=(NOT_STATED,),
        notes="its tokens are rows of memory, so a crop is fused otherwise than the whole",
    )
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", rounding="wrap", arithmetic="single")
