"""U2Fusion (Xu et al., 2022): one unsupervised network for three kinds of fusion."""

from __future__ import annotations

from bench.plugin.method import ImageStyle, MethodInfo, TrainableMethod, WeightFile
from methods._nets.method import NetMethod, layers_of
from methods._nets.u2fusion import U2Fusion

SOURCE = "https://github.com/hanna-xu/U2Fusion/raw/0a5882140df67b3e0b588e1f2233e18cf944f1a4/model"

NAMES = layers_of({
    "first": "Generator/encoder/conv1_1",
    **{f"dense.{layer}": f"Generator/encoder/dense_block_conv{layer + 1}" for layer in range(5)},
    **{f"decoder.{layer}": f"Generator_1/decoder/conv2_{layer + 1}" for layer in range(4)},
})  # fmt: skip
"""Our tensors -> the authors'."""


class U2FusionMethod(NetMethod, TrainableMethod):
    """U2Fusion with infrared first, the order that made the published comparison images."""

    name = "u2fusion"
    network = U2Fusion
    trained_by = (
        "methods._training.u2fusion:TRAINER"  # trains on patches with weights for each image taken from VGG-16 features
    )
    names = NAMES
    info = MethodInfo(
        title="U2Fusion",
        year=2022,
        paper="doi:10.1109/TPAMI.2020.3012548",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="U2Fusion/model.ckpt.index", url=f"{SOURCE}/model.ckpt.index",
                sha256="15b7d283a1de8f616cc42978346bd24d47a9c380d624370368b956beb593014e",
                git_blob="5c201d8d80bdd78de72efa316caba34bf1ff05d9", size=905,
            ),
            WeightFile(
                path="U2Fusion/model.ckpt.data-00000-of-00001", url=f"{SOURCE}/model.ckpt.data-00000-of-00001",
                sha256="e50cada8d4ec92f2577ad5db5d212fba521dffb35d04e00a20364b43512c64c8",
                git_blob="70083a119d1450610b192b93fdfc5b0e42e4858e", size=2_636_868,
            ),
        ),
        trained_on=("roadscene",),
        notes="infrared is the first input, as in the published comparisons, the authors' own script has it second; "
        "the release does not name its training pairs, RoadScene is the same authors' set, not verified",
    )  # fmt: skip
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", stretch="min_max")
