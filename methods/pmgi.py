"""PMGI (Zhang et al., 2020): proportional maintenance of gradient and intensity."""

from __future__ import annotations

from bench.plugin.method import ImageStyle, MethodInfo, WeightFile
from methods._nets.method import NetMethod
from methods._nets.pmgi import PMGI

SOURCE = (
    "https://github.com/HaoZhang1018/PMGI_AAAI2020/raw/61a85e49a306f5e9cdb05479696ad7c66253f83d/Code_PMGI/IR_VI/"
    "checkpoint/CGAN_120"
)

LAYERS = {
    **{f"layers.{layer}": str(layer + 1) for layer in range(4)},
    **{f"exchange.{index}": f"{index + 2}_{index + 3}" for index in range(2)},
}
"""Our layers of one path -> the authors' numbers."""

NAMES = {
    f"{path}.{ours}.weight": f"fusion_model/layer{number}{end}/w{number}{end}"
    for path, end in (("ir", ""), ("vis", "_vi"))
    for ours, number in LAYERS.items()
} | {"last.weight": "fusion_model/layer5/w5", "last.bias": "fusion_model/layer5/b5"}
"""Our tensors -> the authors'; test-time normalisation makes the others void."""


class PMGIMethod(NetMethod):
    """PMGI as its released test code runs: raw weights, normalised by each image's own statistics."""

    name = "pmgi"
    network = PMGI
    symmetric = True
    names = NAMES
    info = MethodInfo(
        title="PMGI",
        year=2020,
        paper="doi:10.1609/aaai.v34i07.6975",
        licence="Apache-2.0 (authors' weights: MIT, (c) 2019 HaoZhang)",
        weights=(
            WeightFile(
                path="PMGI/PMGI.index", url=f"{SOURCE}/CGAN.model-1.index",
                sha256="043868b3410d237300f80d1d023192f01bd5fd3d7360c2832ffdeb90c01939ea",
                git_blob="d46153535e531fd4e861553c7a1c262c442bc0c0", size=2_644, licence="MIT",
            ),
            WeightFile(
                path="PMGI/PMGI.data-00000-of-00001", url=f"{SOURCE}/CGAN.model-1.data-00000-of-00001",
                sha256="005d29cd3fdbf3805369a8372ce3fb15190905db6aed7dee661880776b8cfccf",
                git_blob="14a1b14453a4da312e32314012e44d2fc5977d36", size=169_604, licence="MIT",
            ),
        ),
        trained_on=("tno",),
        notes="trained on TNO according to the paper; the training data are not published",
    )  # fmt: skip
    whole = True
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", stretch="min_max")
