"""GANMcC (Ma et al., 2021): two generator paths and a discriminator that cannot tell visible from infrared."""

from __future__ import annotations

from bench.plugin.method import ImageStyle, MethodInfo, TrainableMethod, WeightFile
from methods._nets.ganmcc import GANMcC
from methods._nets.method import NetMethod

SOURCE = "https://github.com/jiayi-ma/GANMcC/raw/4ad1baa036a5d07da77d257bda441abd309dff12/checkpoint/CGAN_120"

NAMES = {
    **{f"ir.layers.{layer}.weight": f"fusion_model/layer{layer + 1}/w{layer + 1}" for layer in range(4)},
    **{f"vis.layers.{layer}.weight": f"fusion_model/layer{layer + 1}_vi/w{layer + 1}_vi" for layer in range(4)},
    "last.weight": "fusion_model/layer5/w5",
    "last.bias": "fusion_model/layer5/b5",
}
"""Our tensors -> the authors'; test-time normalisation makes the others void."""


class GANMcCMethod(NetMethod, TrainableMethod):
    """GANMcC as its released test code runs: raw weights, normalised by each image's own statistics."""

    name = "ganmcc"
    network = GANMcC
    trained_by = "methods._training.ganmcc:TRAINER"
    symmetric = True
    names = NAMES
    info = MethodInfo(
        title="GANMcC",
        year=2021,
        paper="doi:10.1109/TIM.2020.3038013",
        licence="Apache-2.0 (authors' weights: MIT, (c) 2021 Hao Zhang)",
        weights=(
            WeightFile(
                path="GANMcC/GANMcC.index", url=f"{SOURCE}/CGAN.model-4.index",
                sha256="e414b8efd04dafa7f66bb5858841669d0f5a3536115d45cd8587894c628dc3fa",
                git_blob="78e8946cc9d80a1dc0ed7fb34a22198fced7e43d", size=3_279, licence="MIT",
            ),
            WeightFile(
                path="GANMcC/GANMcC.data-00000-of-00001", url=f"{SOURCE}/CGAN.model-4.data-00000-of-00001",
                git_blob="c6254e54c6e5de6e7d6afeeb1932b24d9831f42b", size=9_102_232, licence="MIT",
            ),
        ),
        trained_on=("tno",),
    )  # fmt: skip
    published = ImageStyle(reader="luma_scipy", merge="pil_ycbcr", stretch="min_max")
