"""PIAFusion (Tang et al., 2022): progressive fusion trained with the illumination of the scene."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from bench.plugin.method import ImageStyle, Method, MethodInfo, Variant, WeightFile
from bench.weights.tensorflow import convert_tensorflow
from bench.weights.tensors import read_state_dict, shapes
from methods._nets.blocks import load_net, pick
from methods._nets.piafusion import PIAFusion

SOURCE = "https://github.com/Linfeng-Tang/PIAFusion/raw/10b5c59ea27bfb012466a0355f082e5e6d76b557/checkpoint/PIAFusion"
PORT = "https://github.com/linklist2/PIAFusion_pytorch/raw/dc1abc3371ee8f468b306a9ed3138187e39decc4/pretrained"

SCOPES = {
    "first_ir": "encoder/conv5x5_ir", "first_vis": "encoder/conv5x5_vi", "last": "decoder/conv1x1",
    **{f"encoders.0.{at}": f"encoder/Conv{at + 1}/conv3x3" for at in range(4)},
    **{f"decoder.{at}": f"decoder/conv{at + 1}" for at in range(4)},
}  # fmt: skip
"""Our layers -> the scopes of the authors' program."""

PORT_RENAMED = (
    ("encoder.ir_conv1.", "first_ir."), ("encoder.vi_conv1.", "first_vis."), ("decoder.conv5.", "last."),
    *((f"encoder.ir_conv{at + 2}.conv.1.", f"encoders.0.{at}.") for at in range(4)),
    *((f"encoder.vi_conv{at + 2}.conv.1.", f"encoders.1.{at}.") for at in range(4)),
    *((f"decoder.conv{at + 1}.conv.1.", f"decoder.{at}.") for at in range(4)),
)  # fmt: skip
"""The port's names of tensors -> ours."""


class PIAFusionMethod(Method):
    """PIAFusion as its authors' program in TensorFlow; ``torch`` is the port that they link, another network.

    Attributes:
        port: of the port.
    """

    name = "piafusion"
    info = MethodInfo(
        title="PIAFusion",
        year=2022,
        paper="doi:10.1016/j.inffus.2022.03.007",
        licence="MIT (authors' weights: MIT)",
        weights=(
            WeightFile(
                path="PIAFusion/IAFusion.model-29.index",
                url=f"{SOURCE}/IAFusion.model-29.index",
                sha256="757d90f0837ce9d4f7caf1a5270be31442c55b67517a336809dec251a3eab799",
                git_blob="fe89e9987a33f8268f40f232b77f4c82ad7f57be",
                size=1_499,
                licence="MIT",
            ),
            WeightFile(
                path="PIAFusion/IAFusion.model-29.data-00000-of-00001",
                url=f"{SOURCE}/IAFusion.model-29.data-00000-of-00001",
                git_blob="a730a7c46d8c315e8bcefeb827d5520499e66751",
                size=5_066_380,
                licence="MIT",
            ),
        ),
        trained_on=("mfnet",),
        notes="its luminance of white is 0.982: 0.564 stands where limited-range luma has 0.504",
    )
    whole = True
    smallest = 2
    port: ClassVar[bool] = False
    published = ImageStyle(reader="luma_video", ir_reader="luma_l15", merge="video", rounding="even")
    variants = (
        Variant(
            "torch",
            "PIAFusion_pytorch",
            weights=(
                WeightFile(
                    path="PIAFusion_pytorch/fusion_model_epoch_29.pth",
                    url=f"{PORT}/fusion_model_epoch_29.pth",
                    git_blob="689e94f57e8fe3b4f29ed1f90becec4b91eb5f84",
                ),
            ),
            notes="an unofficial port that the authors link; its network and colours differ from the original's",
            settings={
                "port": True,
                "published": ImageStyle(merge="float_ycrcb", rounding="truncate", arithmetic="single"),
            },
        ),
    )

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        self.net = load_net(partial(PIAFusion, self.port), weights, device)

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma; the exchange of features takes their means over the image."""
        return self.net(ir, vis)

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' TensorFlow checkpoint, or the port's state dict; the classifier is for training only."""
        if cls.port:
            return pick(read_state_dict(paths[0]), partial(PIAFusion, True), PORT_RENAMED, paths[0])
        names = {
            f"{ours}.{kind}": f"PIAFusion/{theirs}/{stored}"
            for ours, theirs in SCOPES.items()
            for kind, stored in (("weight", "kernel"), ("bias", "bias"))
        }
        return convert_tensorflow(paths, names, shapes(PIAFusion(port=False)))
