"""MetaFusion (Zhao et al., 2023): fusion that learned features from object detection."""

from __future__ import annotations

from torch import Tensor

from bench.plugin.method import ImageStyle, MethodInfo, WeightFile
from methods._nets.metafusion import RADIUS, MetaFusion
from methods._nets.method import NetMethod

RENAMED = (
    ("block1.", "blocks."), (".conv1_1.", ".body.0."), (".conv1_2.", ".body.1."), (".conv1_0_00.", ".left."),
    (".conv1_0_01.", ".right."), *((f"block2.{2 * at}.", f"weigh.{at}.") for at in range(6)),
)  # fmt: skip
"""The authors' names of tensors -> ours, applied in this order."""


class MetaFusionMethod(NetMethod):
    """MetaFusion at the image's own size; its authors bring all images to 512 x 384 and leave them so."""

    name = "metafusion"
    network = MetaFusion
    renamed = RENAMED
    info = MethodInfo(
        title="MetaFusion",
        year=2023,
        paper="https://openaccess.thecvf.com/content/CVPR2023/html/Zhao_MetaFusion_Infrared_and_Visible_Image_Fusion_"
        "via_Meta-Feature_Embedding_From_CVPR_2023_paper.html",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="MetaFusion/model_weight.pth",
                url="https://github.com/wdzhao123/MetaFusion/raw/a8c5eafc84df9399e35602a00e3651a7d3d5c7d1/"
                "weight/model_weight.pth",
                git_blob="301c00c708c4d4bae34a5146684c659c6c5445f2",
            ),
        ),
        trained_on=("m3fd",),
        notes="run at the image's own size; the authors' program makes every image 512 x 384",
    )
    space = "rgb_to_luma"
    radius = RADIUS
    clips = True
    working_size = (384, 512)
    published = ImageStyle(merge="cv2_hsv", rounding="truncate", arithmetic="single")

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Weighs the infrared image and the visible brightness; at the authors' size they are resized apart."""
        weight_ir, weight_vis = self.net(ir, vis[:, :3]).chunk(2, dim=1)
        return weight_ir * ir + weight_vis * vis[:, -3:].amax(dim=1, keepdim=True)
