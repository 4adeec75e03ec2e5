"""DenseFuse (Li and Wu, 2019): a dense auto-encoder whose features are added."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from bench.plugin.method import ImageStyle, MethodInfo, TrainableMethod, Variant, WeightFile
from methods._nets.densefuse import DenseFuse
from methods._nets.method import NetMethod, layers_of

SOURCE = "https://github.com/Linfeng-Tang/VIF-Benchmark/raw/23f2e51fc1b084310d998999222ce02dc364b6eb/Checkpoint"

NAMES = layers_of({
    "first": "encoder/conv1_1",
    **{f"dense.{layer}": f"encoder/dense_block_conv{layer + 1}" for layer in range(3)},
    **{f"decoder.{layer}": f"decoder/conv2_{layer + 1}" for layer in range(4)},
})  # fmt: skip
"""Our tensors -> the authors'."""


class DenseFuseMethod(NetMethod, TrainableMethod):
    """DenseFuse, SSIM weight 100: the model of the comparison tables, addition strategy; ``l1`` weighs by norms."""

    name = "densefuse"
    network = DenseFuse
    trained_by = "methods._training.densefuse:TRAINER"
    takes = ("l1",)
    names = NAMES
    info = MethodInfo(
        title="DenseFuse",
        year=2019,
        paper="doi:10.1109/TIP.2018.2887342",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="DenseFuse/DeseFuse.ckpt.index", url=f"{SOURCE}/DenseFuse/DeseFuse.ckpt.index",
                sha256="4fe80abfe63aa0feb62ee3230b8aff31a116d6d54a82bec55545baed76ebdcb8", size=1_872,
            ),
            WeightFile(
                path="DenseFuse/DeseFuse.ckpt.data-00000-of-00001",
                url=f"{SOURCE}/DenseFuse/DeseFuse.ckpt.data-00000-of-00001",
                sha256="f98c931b21b1977e348627457037cfa73211e882c1cec66cef0010134040aae6",
                git_blob="6d229f4ad3f2c7cea0f9c80b3ebcc057567a16c3", size=890_324,
            ),
        ),
        trained_on=("coco2014",),
    )  # fmt: skip
    l1: ClassVar[bool] = False
    variants = (Variant("l1", "DenseFuse (l1-norm)", settings={"l1": True}),)
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", stretch="min_max")

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Decodes the sum of the features; halved, because two equal images give twice their brightness."""
        return self.net(ir * 255, vis * 255) / (255 if self.l1 else 2 * 255)
