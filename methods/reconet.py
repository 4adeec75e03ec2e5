"""ReCoNet (Huang et al., 2022): recurrent fusion by attention and dilated convolutions."""

from __future__ import annotations

from bench.plugin.method import NOT_STATED, ImageStyle, MethodInfo, WeightFile
from methods._nets.method import NetMethod
from methods._nets.reconet import ReCoNet

RENAMED = (
    ("att_a_conv.", "ir_attention."), ("att_b_conv.", "vis_attention."), ("dil_conv_1.", "branches.0."),
    ("dil_conv_2.", "branches.1."), ("dil_conv_3.", "branches.2."), ("fus_conv.", "last."),
)  # fmt: skip


class ReCoNetMethod(NetMethod):
    """ReCoNet's fusion network; no registration, whose published weights were trained on digits."""

    name = "reconet"
    network = ReCoNet
    renamed = RENAMED
    info = MethodInfo(
        title="ReCoNet",
        year=2022,
        paper="doi:10.1007/978-3-031-19797-0_31",
        licence="Apache-2.0 (authors' weights: MIT, (c) 2022 Zhanbo Huang)",
        weights=(
            WeightFile(
                path="ReCoNet/params.pth",
                url="https://github.com/dlut-dimt/ReCoNet/raw/0870f5f37852ace85850d9fd2d4570eb57682d22/archive/params.pth",
                sha256="d4f013c85e48d10d4f6c8b6574f16e4fe9cb5df48c77fc17c1e524f04bb3c290",
                git_blob="891fab61dbd23199f86faf3f1962f40689221d99",
                size=40_395,
                licence="MIT",
            ),
        ),
        trained_on=(NOT_STATED,),
        notes="fusion only; night images are largely black, in its authors' program too",
    )
    radius = 15
    layout = "contiguous"  # the authors' own; sums in the same order, and with them pixels rounded alike
    published = ImageStyle(reader="luma_png15", ir_reader="luma_png15", rounding="even", arithmetic="single")
