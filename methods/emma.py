"""EMMA (Zhao et al., 2024): a U-Fuser trained so that fusing commutes with shifts, turns and flips."""

from __future__ import annotations

from bench.plugin.method import ImageStyle, MethodInfo, WeightFile
from methods._nets.emma import MULTIPLE, UFuser
from methods._nets.method import NetMethod
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


class EMMAMethod(NetMethod):
    """EMMA; a side that is no multiple of 32 is covered by two windows, as in the released test code."""

    name = "emma"
    network = UFuser
    renamed = RENAMED
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
