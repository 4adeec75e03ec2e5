"""MUFusion (Cheng et al., 2023): unsupervised fusion that remembers its earlier outputs."""

from __future__ import annotations

from bench.plugin.method import ImageStyle, MethodInfo, Variant, WeightFile
from methods._nets.method import NetMethod
from methods._nets.mufusion import PATCH, RENAMED, MUFusion

SOURCE = "https://github.com/AWCXV/MUFusion/raw/223134e6317081bbf57cf51d175e93b386bb7602/ir_vis/models"

COLOUR = ImageStyle(reader="luma", merge="ycbcr3", rounding="even")
"""The authors' later script, for colour images; the paper's is for grey ones."""


class MUFusionMethod(NetMethod):
    """MUFusion by the paper's grey script; ``colour`` by the later one, ``roadscene`` with the other weights too."""

    name = "mufusion"
    network = MUFusion
    renamed = RENAMED
    info = MethodInfo(
        title="MUFusion",
        year=2023,
        paper="doi:10.1016/j.inffus.2022.11.010",
        licence="Apache-2.0 (authors' weights: MIT, (c) 2023 AWCXV)",
        weights=(
            WeightFile(
                path="MUFusion/TNO.model", url=f"{SOURCE}/TNO.model",
                sha256="5d96ad1812c61e005edb439c85e341bac91c7bf275f1a41cd20a0a62769b2dbb",
                git_blob="f2ade87d0fa2a39b22541fd21a40320dad07e2e1", size=2_227_655, licence="MIT",
            ),
        ),
        trained_on=("tno",),
        notes="computed in float64 on patches of 128 pixels, as its authors do",
    )  # fmt: skip
    dtype = "float64"
    layout = "contiguous"  # what its matrix products read
    smallest = PATCH
    clips = True
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", stretch="min_max")
    variants = (
        Variant("colour", "MUFusion (colour script)", settings={"published": COLOUR}),
        Variant(
            "roadscene",
            "MUFusion (RoadScene)",
            weights=(
                WeightFile(
                    path="MUFusion/RoadScene.model", url=f"{SOURCE}/RoadScene.model",
                    sha256="8c358e4869092fb0bb553947674ee1b04bfffe06eb200354c3a62ee005f093fd",
                    git_blob="17942c2edd69d7044bafcf92e9aa9cbcf200d7a7", size=2_227_655, licence="MIT",
                ),
            ),
            trained_on=("roadscene",),
            settings={"published": COLOUR},
        ),
    )  # fmt: skip
