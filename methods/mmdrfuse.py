"""MMDRFuse (Deng et al., 2024): two convolutions distilled from a large network."""

from __future__ import annotations

from bench.plugin.method import ImageStyle, MethodInfo, WeightFile
from methods._nets.method import NetMethod
from methods._nets.mmdrfuse import MMDRFuse


class MMDRFuseMethod(NetMethod):
    """MMDRFuse's student network."""

    name = "mmdrfuse"
    network = MMDRFuse
    renamed = (("conv1.1.", "first."), ("conv2.1.", "last."))
    info = MethodInfo(
        title="MMDRFuse",
        year=2024,
        paper="https://arxiv.org/abs/2408.15641",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="MMDRFuse/student.model",
                url="https://github.com/yanglinDeng/MMDRFuse/raw/c9e5014493a7322a87cc24a58b66052123ac5bbe/pretrained_models/student.model",
                sha256="e5ad5bab796f4480dbbc35a8f6f63e69ba3ccd1842476d2c2453ca1aca6eb17c",
                git_blob="e9d810b34cf75c566a0c44a254629415ddc07ad6",
                size=2_207,
            ),
        ),
        trained_on=("llvip",),
    )
    radius = 2
    smallest = 2
    layout = "contiguous"  # sums in the order of its authors
    published = ImageStyle(reader="luma_uint8", merge="pil_ycbcr", stretch="min_max")
