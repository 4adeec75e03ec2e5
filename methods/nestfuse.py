"""NestFuse (Li et al., 2020): a nested auto-encoder whose features are fused by spatial and channel attention."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from bench.plugin.method import ImageStyle, MethodInfo, Variant, WeightFile
from methods._nets.method import NetMethod
from methods._nets.nestfuse import NestFuse
from methods._nets.rfn_nest import NEST_NAMES, SMALLEST, in_tiles


class NestFuseMethod(NetMethod):
    """NestFuse with the mean, the maximum or the nuclear norm of a channel in its channel attention.

    Attributes:
        pooling: which of them; the authors' program writes an image with each.
    """

    name = "nestfuse"
    network = NestFuse
    takes = ("pooling",)
    renamed = NEST_NAMES
    info = MethodInfo(
        title="NestFuse",
        year=2020,
        paper="doi:10.1109/TIM.2020.3005230",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="NestFuse/nestfuse_1e2.model",
                url="https://github.com/hli1221/imagefusion-nestfuse/raw/a8ac170ad6ae7037c9da33ccf511c88893d0c31b/"
                "models/nestfuse_1e2.model",
                git_blob="ed97064f42408b832ba04c09c2b0f0b883de666e",
            ),
        ),
        trained_on=("coco2014",),
    )
    whole = True
    smallest = SMALLEST
    pooling: ClassVar[str] = "avg"
    variants = (
        Variant("max", "NestFuse (max)", settings={"pooling": "max"}),
        Variant("nuclear", "NestFuse (nuclear)", settings={"pooling": "nuclear"}),
    )
    published = ImageStyle(
        reader="luma_uint8", merge="pil_ycbcr", stretch="min_max", rounding="truncate", arithmetic="single"
    )

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma, in four tiles where the image is large."""
        return in_tiles(self.net, ir * 255, vis * 255) / 255
