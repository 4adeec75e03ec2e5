"""RFN-Nest (Li et al., 2021): a nested auto-encoder and a trained residual fusion network at each scale."""

from __future__ import annotations

from torch import Tensor

from bench.plugin.method import ImageStyle, MethodInfo, TrainableMethod, WeightFile
from methods._nets.method import NetMethod
from methods._nets.rfn_nest import NEST_NAMES, RFNNest, in_tiles

SOURCE = (
    "https://github.com/Linfeng-Tang/VIF-Benchmark/raw/23f2e51fc1b084310d998999222ce02dc364b6eb/Checkpoint/RFN-Nest"
)

BRIGHTNESS = 9.0
"""Fused features are trained towards 6 infrared + 3 visible, so two equal images give nine times their brightness."""


RENAMED = (
    *NEST_NAMES, ("fusion_block", "fusions."), (".bottelblock.", ".residual."), (".conv_fusion.", ".direct."),
    (".conv_ir.", ".ir."), (".conv_vi.", ".vis."),
    *((f"fusions.{scale + 1}.", f"fusions.{scale}.") for scale in range(4)),
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""


class RFNNestMethod(NetMethod, TrainableMethod):
    """RFN-Nest, trained in two stages."""

    name = "rfn_nest"
    network = RFNNest
    renamed = RENAMED
    trained_by = "methods._training.rfn_nest:TRAINER"
    info = MethodInfo(
        title="RFN-Nest",
        year=2021,
        paper="doi:10.1016/j.inffus.2021.02.023",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="RFN-Nest/NestFuse.model", url=f"{SOURCE}/NestFuse.model",
                git_blob="ed97064f42408b832ba04c09c2b0f0b883de666e",
            ),
            WeightFile(
                path="RFN-Nest/RFN_Nest.model", url=f"{SOURCE}/RFN_Nest.model",
                git_blob="5d6f488bb906abe8e623b1e2af5bc9e380e6a580",
            ),
        ),
        trained_on=("coco2014", "kaist"),
        notes="the plain way divides the output by 9, the sum of the trained feature weights",
    )  # fmt: skip
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", stretch="min_max", rounding="truncate")

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma, in four tiles where the image is large."""
        return in_tiles(self.net, ir * 255, vis * 255) / (BRIGHTNESS * 255)
