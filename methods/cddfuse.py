"""CDDFuse (Zhao et al., 2023): features decomposed by correlation into a base and a detail part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from bench.plugin.method import ImageStyle, MethodInfo, WeightFile
from bench.weights.tensors import read_state_dict
from methods._nets.cddfuse import CDDFuse
from methods._nets.method import NetMethod
from methods._nets.transformer import CHANNEL_BLOCK_NAMES

RENAMED = (
    ("DIDF_Encoder/", "encoder."), ("DIDF_Decoder/", "decoder."), ("BaseFuseLayer/", "fuse_base."),
    ("DetailFuseLayer/net.", "fuse_detail."), ("patch_embed.proj.", "embed."), (".encoder_level1.", ".blocks."),
    (".encoder_level2.", ".blocks."), (".baseFeature.", ".base."), (".detailFeature.net.", ".detail."),
    *CHANNEL_BLOCK_NAMES, (".theta_", "."), ("bottleneckBlock.3.", "2."), ("bottleneckBlock.5.", "4."),
    ("bottleneckBlock.0.", "0."), (".shffleconv.", ".shuffle."), (".reduce_channel.", ".reduce."),
    (".output.2.", ".output.1."),
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""


class CDDFuseMethod(NetMethod):
    """CDDFuse for infrared and visible images; attention and stretch span the image."""

    name = "cddfuse"
    network = CDDFuse
    renamed = RENAMED
    info = MethodInfo(
        title="CDDFuse",
        year=2023,
        paper="https://arxiv.org/abs/2211.14461",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="CDDFuse/CDDFuse_IVF.pth",
                url="https://github.com/Zhaozixiang1228/MMIF-CDDFuse/raw/fd8da1f39d8d403b7343e577bd5a30cba38c7b7b/"
                "models/CDDFuse_IVF.pth",
                git_blob="d2794226bd48961132111bceff89ce3c955b3985",
            ),
        ),
        trained_on=("mfnet",),
    )
    whole = True
    smallest = 2
    published = ImageStyle(
        reader="luma_rint", ir_reader="luma_rint", merge="pil_ycbcr", stretch="min_max", rounding="nearest_down"
    )

    @classmethod
    def read(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads a dictionary of four state dicts; what stands beside them (optimisers) is left out."""
        return read_state_dict(paths[0], nested=True)
