"""LRRNet (Li et al., 2023): a network derived from low-rank representation."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.plugin.method import ImageStyle, MethodInfo, WeightFile
from methods._nets.lrrnet import RENAMED, LRRNet
from methods._nets.method import NetMethod

FILE = "final_lrr_net_lam2_1.5_wir_3.0_lam3_gram_2000_epoch_4_block_4.model"

EPSILON = 1e-5 / 255
"""Added to the span of an input; the authors add 1e-5 on the scale of 0 to 255."""


class LRRNetMethod(NetMethod):
    """LRRNet as on a GPU, which made the published images: the script's CPU path clips before it stretches."""

    name = "lrrnet"
    network = LRRNet
    renamed = RENAMED
    info = MethodInfo(
        title="LRRNet",
        year=2023,
        paper="doi:10.1109/TPAMI.2023.3268209",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path=f"LRRNet/{FILE}",
                url="https://github.com/hli1221/imagefusion-LRRNet/raw/e489fc325ea6acb9b7327b1de2c0cc4a09172ba4/model/"
                + FILE,
                sha256="1de9dd8dee9b650ce69c74ea53e3b9a6b749222f1059a689aabf28f68ee63e29",
                git_blob="b24a0e55795dce4407e7546e1b7d728473725a33",
                size=218_515,
            ),
        ),
        trained_on=("kaist",),
    )
    whole = True
    smallest = 2
    published = ImageStyle(
        reader="luma_uint8", merge="pil_ycbcr", stretch="min_max", stretch_epsilon=1e-5, rounding="truncate"
    )

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma, each image stretched to its own range."""
        return self.net(_stretched(ir), _stretched(vis))


def _stretched(images: Tensor) -> Tensor:
    low, high = torch.amin(images, (1, 2, 3), keepdim=True), torch.amax(images, (1, 2, 3), keepdim=True)
    return (images - low) / (high - low + EPSILON)
