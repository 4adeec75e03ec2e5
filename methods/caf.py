"""CAF (Liu et al., 2024): a compact network whose loss was searched for with a task behind it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from bench.errors import BenchError
from bench.plugin.method import NOT_STATED, ImageStyle, MethodInfo, Variant, WeightFile
from bench.weights.pickled_modules import Inert, module_tensors, read_module_checkpoint
from methods._nets.caf import CAF
from methods._nets.method import NetMethod

SOURCE = "https://github.com/RollingPlain/CAF_IVIF/raw/bf12f26e131cc6cea5c065301098ce34d69e7b7a/cache"


class CAFMethod(NetMethod):
    """CAF with the weights searched for detection, the default of its script; ``seg`` for segmentation."""

    name = "caf"
    network = CAF
    info = MethodInfo(
        title="CAF",
        year=2024,
        paper="https://www.ijcai.org/proceedings/2024/0123.pdf",
        licence="Apache-2.0 (authors' weights: no licence given, not redistributed)",
        weights=(
            WeightFile(
                path="CAF/Det_final.pth", url=f"{SOURCE}/Det_final.pth",
                sha256="b99ef24efea89cb9e91e13c470195618507c5557c9fdd469ce48cdbc00db16d0",
                git_blob="43672978f8d29e1628b3bb7463bacd88bfd11eac", size=612_123,
            ),
        ),
        trained_on=(NOT_STATED,),
        notes="the published way wraps values below 0 to white, as its program does",
    )  # fmt: skip
    radius = 6
    layout = "contiguous"  # the authors' own; sums in the same order, and with them pixels that wrap alike
    variants = (
        Variant(
            "seg", "CAF-Seg",
            (
                WeightFile(
                    path="CAF/Seg_final.pth", url=f"{SOURCE}/Seg_final.pth",
                    sha256="63cda4acd1afa4e31fa0ad293767c62109c566e2d1081348e1d4a93eaa8bf948",
                    git_blob="d389060cba0984550e0bbe54335b3c0d238d1acb", size=612_123,
                ),
            ),
        ),
    )  # fmt: skip
    published = ImageStyle(reader="luma", merge="cv2_ycrcb", rounding="wrap", arithmetic="single")

    @classmethod
    def read(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' pickled module without its code."""
        module = read_module_checkpoint(paths[0], ("models",)).get("fuse")
        if not isinstance(module, Inert):
            raise BenchError(f"{paths[0]}: has no network 'fuse'; fetch it again")
        return module_tensors(module)
