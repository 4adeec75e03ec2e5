"""SAGE (Wu et al., 2025): a small network distilled from one that knows the segments of SAM."""

from __future__ import annotations

from bench.plugin.method import ImageStyle, MethodInfo, WeightFile
from methods._nets.method import NetMethod
from methods._nets.sage import SAGE

RENAMED = [
    *(
        (f"module{block}.{3 * layer + index}.", f"{ours}.{layer}.{index}.")
        for block, ours in enumerate(("down.0", "down.1", "down.2", "up.0", "up.1"), 1)
        for layer in range(3)
        for index in range(2)
    ),
    ("adjust_channels4.", "joins.0."),
    ("adjust_channels5.", "joins.1."),
    ("final_decoder.0.", "last."),
]
"""The authors' names -> ours."""


class SAGEMethod(NetMethod):
    """SAGE's sub-network, the part that is published and that fuses."""

    name = "sage"
    network = SAGE
    renamed = RENAMED
    info = MethodInfo(
        title="SAGE",
        year=2025,
        paper="https://arxiv.org/abs/2503.01210",
        licence="Apache-2.0 (authors' weights: MIT)",
        weights=(
            WeightFile(
                path="SAGE/checkpoints.pt",
                url="https://github.com/RollingPlain/SAGE_IVIF/raw/377fdbef6b8b6ccbd1139358ad66bb41ea084dc1/"
                "checkpoints/checkpoints.pt",
                sha256="ecfde477ca4cd65401f207d5dc91ce6c475a49891d768dbdb7a66366255ee836",
                git_blob="2c8c8ef807025f6899f7fc4264b8e6c12f91bec8",
                size=579_020,
                licence="MIT",
            ),
        ),
        trained_on=("fmb",),
        notes="the published way tints grey images by up to a level, as its program does",
    )
    smallest = 4
    layout = "contiguous"  # the authors' own; sums in the same order, and with them pixels rounded alike
    published = ImageStyle(reader="luma_y14", ir_reader="luma_l15", merge="cv2_crcb_float")
