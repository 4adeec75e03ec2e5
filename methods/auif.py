"""AUIF-Net (Zhao et al., 2021): two unrolled optimisations split each image into base and detail."""

from __future__ import annotations

from bench.plugin.method import ImageStyle, MethodInfo, WeightFile
from methods._nets.auif import AUIF
from methods._nets.method import NetMethod

SOURCE = "https://github.com/Zhaozixiang1228/IVIF-AUIF-Net/raw/8f54650ffbc0a9e655a0d4c6098751bedc319803/Models"

RENAMED = (("conv1.", "base."), ("conv2.", "detail."), ("decoder.1.", "decoder.0."), ("decoder.2.", "decoder.1."))


class AUIFMethod(NetMethod):
    """AUIF-Net with the addition of features that its published images were made with."""

    name = "auif"
    network = AUIF
    renamed = RENAMED
    info = MethodInfo(
        title="AUIF",
        year=2021,
        paper="doi:10.1109/TCSVT.2021.3075745",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="AUIF/TCSVT_Encoder_Base.model", url=f"{SOURCE}/TCSVT_Encoder_Base.model",
                sha256="c4fe51b85637e3befc89b27e3cbb7a765aea37871eb4da4f58b471680ce7eb72",
                git_blob="d8f82a05be3084d2af27a6861f5e5488b35685c1", size=37_619,
            ),
            WeightFile(
                path="AUIF/TCSVT_Encoder_Detail.model", url=f"{SOURCE}/TCSVT_Encoder_Detail.model",
                sha256="92e1ad6a4b7e5a2acc442a3a57c3b0e48a2af262f487942e42d81334de204726",
                git_blob="44937f598d6401df94f6429fc40c9d8fe276783d", size=37_619,
            ),
            WeightFile(
                path="AUIF/TCSVT_Decoder.model", url=f"{SOURCE}/TCSVT_Decoder.model",
                sha256="7966d490bb4003821c8f20ce1197c22d020ab986850571c5dfa02b0defad8ad3",
                git_blob="46d4f84fc0e05919f883660d5a2e0df7309205a1", size=1_213,
            ),
        ),
        trained_on=("roadscene",),
        notes="trained on 180 of the 221 RoadScene pairs",
    )  # fmt: skip
    radius = 30
    layout = "contiguous"  # sums in the order of its authors
    smallest = 10
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr")
