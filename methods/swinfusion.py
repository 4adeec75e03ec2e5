"""SwinFusion (Ma et al., 2022): long-range dependencies in and between images by shifted windows."""

from __future__ import annotations

from bench.plugin.method import ImageStyle, MethodInfo, Padding, WeightFile
from methods._nets.method import NetMethod
from methods._nets.swinfusion import WINDOW, SwinFusion

RENAMED = (
    ("conv_first1_A.", "first.0."), ("conv_first2_A.", "first.1."), ("conv_after_body_Fusion.", "join."),
    ("conv_last1.", "last.0."), ("conv_last2.", "last.1."), ("conv_last3.", "last.2."), ("patch_embed.norm.", "norm."),
    ("norm_Ex_A.", "norm_extract_ir."), ("norm_Ex_B.", "norm_extract_vis."), ("norm_Fusion_A.", "norm_fusion_ir."),
    ("norm_Fusion_B.", "norm_fusion_vis."), ("norm_Re.", "norm_reconstruct."),
    ("layers_Ex_A.0.residual_group.blocks.", "extract_ir."), ("layers_Ex_B.0.residual_group.blocks.", "extract_vis."),
    ("layers_Re.0.residual_group.blocks.", "reconstruct."), ("layers_Fusion.", "stages."),
    ("residual_group_A.blocks.", "ir."), ("residual_group_B.blocks.", "vis."), ("residual_group.blocks.", "cross."),
    (".norm1.", ".streams.0.norm1."), (".norm2.", ".streams.0.norm2."), (".attn.", ".streams.0.attention."),
    (".mlp.", ".streams.0.mlp."), (".norm1_A.", ".streams.0.norm1."), (".norm1_B.", ".streams.1.norm1."),
    (".norm2_A.", ".streams.0.norm2."), (".norm2_B.", ".streams.1.norm2."), (".attn_A.", ".streams.0.attention."),
    (".attn_B.", ".streams.1.attention."), (".mlp_A.", ".streams.0.mlp."), (".mlp_B.", ".streams.1.mlp."),
    (".q.", ".inputs.0."), (".kv.", ".inputs.1."), (".qkv.", ".inputs.0."), (".proj.", ".project."),
    (".relative_position_bias_table", ".table"), (".fc1.", ".0."), (".fc2.", ".2."),
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""


class SwinFusionMethod(NetMethod):
    """SwinFusion for infrared and visible images; the first convolutions of the visible branch act in neither."""

    name = "swinfusion"
    network = SwinFusion
    renamed = RENAMED
    info = MethodInfo(
        title="SwinFusion",
        year=2022,
        paper="doi:10.1109/JAS.2022.105686",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="SwinFusion/10000_E.pth",
                url="https://github.com/Linfeng-Tang/SwinFusion/raw/ceeec3fe935630b4d1f2f545984a7a6cb5133f62/"
                "Model/Infrared_Visible_Fusion/Infrared_Visible_Fusion/models/10000_E.pth",
                git_blob="67788c10509e2e63b81190ad56c206de5eb514c5",
            ),
        ),
        trained_on=("mfnet",),
    )
    whole = True
    padding = Padding(WINDOW, mode="symmetric", always=True)
    clips = True  # the last layer is linear
    published = ImageStyle(
        reader="luma_l15", ir_reader="luma_l15", merge="pil_ycbcr", rounding="even", arithmetic="single"
    )
