"""PIAFusion (Tang et al., 2022): progressive fusion trained with the illumination of the scene."""

from __future__ import annotations

from typing import ClassVar

from bench.plugin.method import ImageStyle, MethodInfo, Variant, WeightFile
from methods._nets.method import NetMethod
from methods._nets.piafusion import NAMES, PORT_RENAMED, PIAFusion

SOURCE = "https://github.com/Linfeng-Tang/PIAFusion/raw/10b5c59ea27bfb012466a0355f082e5e6d76b557/checkpoint/PIAFusion"
PORT = "https://github.com/linklist2/PIAFusion_pytorch/raw/dc1abc3371ee8f468b306a9ed3138187e39decc4/pretrained"


class PIAFusionMethod(NetMethod):
    """PIAFusion as its authors' program in TensorFlow; ``torch`` is the port that they link, another network."""

    name = "piafusion"
    network = PIAFusion
    takes = ("port",)
    names = NAMES
    info = MethodInfo(
        title="PIAFusion",
        year=2022,
        paper="doi:10.1016/j.inffus.2022.03.007",
        licence="MIT (authors' weights: MIT)",
        weights=(
            WeightFile(
                path="PIAFusion/IAFusion.model-29.index", url=f"{SOURCE}/IAFusion.model-29.index",
                sha256="757d90f0837ce9d4f7caf1a5270be31442c55b67517a336809dec251a3eab799",
                git_blob="fe89e9987a33f8268f40f232b77f4c82ad7f57be", size=1_499, licence="MIT",
            ),
            WeightFile(
                path="PIAFusion/IAFusion.model-29.data-00000-of-00001",
                url=f"{SOURCE}/IAFusion.model-29.data-00000-of-00001",
                git_blob="a730a7c46d8c315e8bcefeb827d5520499e66751", size=5_066_380, licence="MIT",
            ),
        ),
        trained_on=("mfnet",),
        notes="its luminance of white is 0.982: 0.564 stands where limited-range luma has 0.504",
    )  # fmt: skip
    whole = True
    smallest = 2
    port: ClassVar[bool] = False
    published = ImageStyle(reader="luma_video", ir_reader="luma_l15", merge="video", rounding="even")
    variants = (
        Variant(
            "torch", "PIAFusion_pytorch",
            weights=(
                WeightFile(
                    path="PIAFusion_pytorch/fusion_model_epoch_29.pth", url=f"{PORT}/fusion_model_epoch_29.pth",
                    git_blob="689e94f57e8fe3b4f29ed1f90becec4b91eb5f84",
                ),
            ),
            notes="an unofficial port that the authors link; its network and colours differ from the original's",
            settings={
                "port": True, "names": {}, "renamed": PORT_RENAMED,
                "published": ImageStyle(merge="float_ycrcb", rounding="truncate", arithmetic="single"),
            },
        ),
    )  # fmt: skip
