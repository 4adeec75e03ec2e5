"""SDNet (Zhang and Ma, 2021): squeezes two images into one that can be decomposed again."""

from __future__ import annotations

from bench.plugin.method import ImageStyle, MethodInfo, TrainableMethod, WeightFile
from methods._nets.method import NetMethod
from methods._nets.sdnet import SDNet

SOURCE = "https://github.com/HaoZhang1018/SDNet/raw/bf6a2eeed1f723f0fd319b882d2bf38016bf6e55/IR_VIS/checkpoint"

NAMES = {
    f"{ours}.layers.{layer}.{kind}": f"fusion_model/layer{layer + 1}_{theirs}/{letter}{layer + 1}_{theirs}"
    for ours, theirs in (("ir", "ir"), ("vis", "vi"))
    for layer in range(4)
    for kind, letter in (("weight", "w"), ("bias", "b"))
} | {f"fuse.{kind}": f"fusion_model/layer5_fuse/{letter}5_fuse" for kind, letter in (("weight", "w"), ("bias", "b"))}
"""Our tensors -> the authors'; their decomposing half serves training only and is not read."""


class SDNetMethod(NetMethod, TrainableMethod):
    """SDNet's squeezing half with the authors' infrared-visible weights."""

    name = "sdnet"
    network = SDNet
    trained_by = "methods._training.sdnet:TRAINER"
    symmetric = True
    names = NAMES
    info = MethodInfo(
        title="SDNet",
        year=2021,
        paper="doi:10.1007/s11263-021-01501-8",
        licence="Apache-2.0 (authors' weights: MIT, (c) 2021 Hao Zhang)",
        weights=(
            WeightFile(
                path="SDNet/SDNet.model.index", url=f"{SOURCE}/IRVIS.model-10.index",
                sha256="bed2d4628732a36bc972de1189c4e139d8bc233077da20156e8e662a17df35aa",
                git_blob="9f615a950e0cd62c4e9c003efb8a9afbb20cc3f5", size=1_325, licence="MIT",
            ),
            WeightFile(
                path="SDNet/SDNet.model.data-00000-of-00001", url=f"{SOURCE}/IRVIS.model-10.data-00000-of-00001",
                sha256="17e4426453f09f3dae7887244f48eed54550bdd584792ac284597ee3713293a0",
                git_blob="d755870b7aa713519d223d2e8cd5fe477e21007b", size=268_364, licence="MIT",
            ),
        ),
        trained_on=("tno",),
        notes="the release does not name its training pairs; TNO as in the authors' other work, not verified",
    )  # fmt: skip
    published = ImageStyle(reader="luma_scipy", merge="pil_ycbcr", stretch="min_max")
