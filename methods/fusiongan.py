"""FusionGAN (Ma et al., 2019): a generator kept near infrared by its loss and near visible by a discriminator."""

from __future__ import annotations

from bench.plugin.method import ImageStyle, MethodInfo, TrainableMethod, WeightFile
from methods._nets.fusiongan import FusionGAN
from methods._nets.method import NetMethod

SOURCE = "https://github.com/jiayi-ma/FusionGAN/raw/15e7ea1fb23d5249f05759993846d1111beeb98f/checkpoint/CGAN_120"

NAMES = {
    **{f"path.layers.{layer}.weight": f"fusion_model/layer{layer + 1}/w{layer + 1}" for layer in range(4)},
    "last.weight": "fusion_model/layer5/w5",
    "last.bias": "fusion_model/layer5/b5",
}
"""Our tensors -> the authors'; test-time normalisation makes the others void."""


class FusionGANMethod(NetMethod, TrainableMethod):
    """FusionGAN as its released test code runs: raw weights, normalised by each image's own statistics."""

    name = "fusiongan"
    network = FusionGAN
    trained_by = (
        "methods._training.fusiongan:TRAINER"  # trains generator and discriminator against each other on patches
    )
    symmetric = True
    names = NAMES
    info = MethodInfo(
        title="FusionGAN",
        year=2019,
        paper="doi:10.1016/j.inffus.2018.09.004",
        licence="Apache-2.0 (authors' weights: MIT, (c) 2018 yuwei998)",
        weights=(
            WeightFile(
                path="FusionGAN/FusionGAN.index", url=f"{SOURCE}/CGAN.model-3.index",
                sha256="18b615e1acaab8d9bb0f35de9822eb670147ae3375d4e6cb045777b5ee47c956",
                git_blob="4663a8291f21fd61adab30a070d275daaa435f0a", size=2_195, licence="MIT",
            ),
            WeightFile(
                path="FusionGAN/FusionGAN.data-00000-of-00001", url=f"{SOURCE}/CGAN.model-3.data-00000-of-00001",
                git_blob="dc79b9075bafede7fe0a169a8e32bbfc499e2f83", size=5_305_616, licence="MIT",
            ),
        ),
        trained_on=("tno",),
        notes="trained on the TNO pairs it is usually tested on",
    )  # fmt: skip
    published = ImageStyle(reader="luma_scipy", merge="pil_ycbcr", stretch="min_max")
