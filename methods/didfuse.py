"""DIDFuse (Zhao et al., 2020): base and detail by an auto-encoder, added between its halves."""

from __future__ import annotations

from bench.plugin.method import ImageStyle, MethodInfo, WeightFile
from methods._nets.didfuse import DIDFuse
from methods._nets.method import NetMethod

SOURCE = "https://github.com/Zhaozixiang1228/IVIF-DIDFuse/raw/5f287300dce7cbc90b9e08e6872455af6baa279f/Models"

LAYERS = (
    "encoder.shallow", "encoder.deep", "encoder.base", "encoder.detail", "decoder.join", "decoder.with_deep",
    "decoder.with_shallow",
)  # fmt: skip
"""Our layers in the authors' order."""

RENAMED = [
    # the first and the last layer begin with a padding
    (f"cov{layer}.cov{layer}.{index + (layer in (1, 7))}.", f"{ours}.{index}.")
    for layer, ours in enumerate(LAYERS, 1)
    for index in range(3)
]


class DIDFuseMethod(NetMethod):
    """DIDFuse with the addition of features that its published images were made with."""

    name = "didfuse"
    network = DIDFuse
    renamed = RENAMED
    info = MethodInfo(
        title="DIDFuse",
        year=2020,
        paper="https://www.ijcai.org/Proceedings/2020/135",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="DIDFuse/Encoder_weight_IJCAI.pkl", url=f"{SOURCE}/Encoder_weight_IJCAI.pkl",
                sha256="4d84a4e64e58469d3d4591f83c6683ead3e422498519db99bb617cb29d268471",
                git_blob="c9f3e83870331ecb37ecb16f370c83690cfb7411", size=454_838,
            ),
            WeightFile(
                path="DIDFuse/Decoder_weight_IJCAI.pkl", url=f"{SOURCE}/Decoder_weight_IJCAI.pkl",
                sha256="c6974e2a7c66ab579a77bacb086023237a229e769d459783bad8ff43e52e9986",
                git_blob="8c23399b709d445d01a1c539a6f3d2652d715d9d", size=600_772,
            ),
        ),
        trained_on=("roadscene",),
        notes="trained on 180 of the 221 RoadScene pairs",
    )  # fmt: skip
    radius = 6
    smallest = 2
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr")
