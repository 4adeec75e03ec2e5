"""LRRNet (Li et al., 2023): a network derived from low-rank representation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench.plugin.method import ImageStyle, Method, MethodInfo, WeightFile
from bench.weights.tensors import read_state_dict
from methods._nets.blocks import load_net, pick
from methods._nets.lrrnet import BLOCKS, LRRNet

FILE = "final_lrr_net_lam2_1.5_wir_3.0_lam3_gram_2000_epoch_4_block_4.model"

EPSILON = 1e-5 / 255
"""Added to the span of an input; the authors add 1e-5 on the scale of 0 to 255."""

RENAMED = (
    (".conv2d.", "."), ("get_ls1.", "ir."), ("get_ls2.", "vis."), (".lamj", ".threshold"), (".lamz", ".momentum"),
    (".conv_W00.", ".first."), *((f".lrrblock{block}.", f".blocks.{block}.") for block in range(BLOCKS)),
    (".conv_Wdz.", ".synthesis."), (".conv_Wdtz.", ".analysis."), ("decoder.conv_ReZx.", "ir.low."),
    ("decoder.conv_ReUx.", "ir.sparse."), ("decoder.conv_ReZy.", "vis.low."), ("decoder.conv_ReUy.", "vis.sparse."),
    ("decoder.conv_ReL.", "low."), ("decoder.conv_ReH.", "sparse."),
)  # fmt: skip


class LRRNetMethod(Method):
    """LRRNet as on a GPU, which made the published images: the script's CPU path clips before it stretches."""

    name = "lrrnet"
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

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.net = load_net(LRRNet, weights, device)

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma, each image stretched to its own range."""
        return self.net(_stretched(ir), _stretched(vis))

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' state dict."""
        return pick(read_state_dict(paths[0]), LRRNet, RENAMED, paths[0])


def _stretched(images: Tensor) -> Tensor:
    low, high = torch.amin(images, (1, 2, 3), keepdim=True), torch.amax(images, (1, 2, 3), keepdim=True)
    return (images - low) / (high - low + EPSILON)
