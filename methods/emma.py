"""EMMA (Zhao et al., 2024): a U-Fuser trained so that fusing commutes with shifts, turns and flips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from bench.plugin.method import ImageStyle, Method, MethodInfo, WeightFile
from bench.weights.tensors import read_state_dict
from methods._nets.blocks import load_net, pick
from methods._nets.emma import MULTIPLE, UFuser
from methods._nets.transformer import CHANNEL_BLOCK_NAMES

SCALES = (1, 2, 3, 4)

RENAMED = (
    *((f"I_en_{scale}.", f"ir.blocks.{scale - 1}.") for scale in SCALES),
    *((f"V_en_{scale}.", f"vis.blocks.{scale - 1}.") for scale in SCALES),
    *((f"I_down{scale}.", f"ir.down.{scale - 1}.") for scale in SCALES),
    *((f"V_down{scale}.", f"vis.down.{scale - 1}.") for scale in SCALES),
    *((f"up{scale}.0.", f"up.{scale - 2}.") for scale in SCALES),
    *((f"de_{scale}.", f"decoder.{scale - 1}.") for scale in SCALES),
    *((f"f_{scale}.", f"fusions.{scale - 1}.") for scale in SCALES),
    ("last.0.", "last."), (".GlobalFeature.", ".transformer."), (".LocalFeature.Extraction.", ".local."),
    (".conv.0.", ".first."), (".conv.2.", ".second."), (".FFN.", ".join."), *CHANNEL_BLOCK_NAMES,
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""


class EMMAMethod(Method):
    """EMMA; a side that is no multiple of 32 is covered by two windows, as in the released test code."""

    name = "emma"
    info = MethodInfo(
        title="EMMA",
        year=2024,
        paper="https://arxiv.org/abs/2305.11443",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="EMMA/EMMA.pth",
                url="https://github.com/Zhaozixiang1228/MMIF-EMMA/raw/9983ca2f627588cd001ed08e21eadf1ab5c48beb/"
                "model/EMMA.pth",
                git_blob="46f382475767323b83f3f7f52dc2bed0ac6b7476",
            ),
        ),
        trained_on=("mfnet",),
    )
    whole = True
    smallest = MULTIPLE
    published = ImageStyle(
        reader="luma_rint", ir_reader="luma_rint", merge="pil_ycbcr", stretch="min_max", rounding="nearest_down"
    )

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.net = load_net(UFuser, weights, device)

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma in up to four windows."""
        return self.net.in_windows(ir, vis)

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' state dict."""
        return pick(read_state_dict(paths[0]), UFuser, RENAMED, paths[0])
