"""TarDAL (Liu et al., 2022): fusion for detection, against discriminators of targets and of details."""

from __future__ import annotations

from typing import ClassVar

from bench.plugin.method import NOT_STATED, ImageStyle, MethodInfo, Variant, WeightFile
from methods._nets.method import NetMethod
from methods._nets.tardal import TarDAL

SOURCE = "https://github.com/JinyuanLiu-CV/TarDAL/raw/1d1d1e99b96e7de0cd4e4f57aa0d321e5b5e2727/weights"


def _stored(name: str, title: str, weights: WeightFile) -> Variant:
    return Variant(name, title, (weights,), settings={"own_statistics": False, "whole": False, "radius": 8})


class TarDALMethod(NetMethod):
    """TarDAL as its authors run each file: the first normalises by the image's own statistics, the others do not."""

    name = "tardal"
    network = TarDAL
    takes = ("own_statistics",)
    info = MethodInfo(
        title="TarDAL",
        year=2022,
        paper="https://arxiv.org/abs/2203.16220",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="TarDAL/tardal.pt", url=f"{SOURCE}/tardal.pt",
                sha256="e0fa61e25cffa9fb14ff17b47ea7ba237a6e8c6f37e1b9b115d63354ff0f13e1",
                git_blob="9da84f454dcb142d6c3076e17a40912c77c6a48f", size=1_203_451,
            ),
        ),
        trained_on=(NOT_STATED,),
        notes="tardal.pt runs with batch norms in train mode, as its authors say; in eval mode it is another method",
    )  # fmt: skip
    own_statistics: ClassVar[bool] = True
    whole = True
    layout = "contiguous"  # the authors' own; sums in the same order, and with them pixels truncated alike
    variants = (
        _stored("tt", "TarDAL-TT", WeightFile(
            path="TarDAL/tardal+.pt", url=f"{SOURCE}/tardal%2B.pt",
            sha256="cff3756548b511e3e415616debc557cdc85b3bb19393ca158cac8d08f232897c",
            git_blob="4b0a597fe329b492cca531157dd53f72506bc5d4", size=1_201_819,
        )),
        _stored("ct", "TarDAL-CT", WeightFile(
            path="TarDAL/tardal++.pt", url=f"{SOURCE}/tardal%2B%2B.pt",
            sha256="7009d125e36db043d6918d9358e10c6dca7fdf2dd08ada09c5ecd294f45f98c5",
            git_blob="2b412b9c3a1e0e40710624c4367beee33cedc90a", size=1_201_819,
        )),
    )  # fmt: skip
    clips = True  # ends in tanh: what lies below 0 is black
    published = ImageStyle(
        reader="luma_l15", ir_reader="luma_l15", merge="cv2_ycrcb", rounding="truncate", arithmetic="single"
    )
