"""TIF (Bavirisetti and Dhuli, 2016): two scales, details weighted by the distance of mean and median."""

from __future__ import annotations

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.planes import Bytes, Plane
from methods._classical.saliency import fuse_tif


class TIFMethod(ByteMethod):
    """Fuses each channel of a colour image by itself, as VIFB did."""

    name = "tif"
    info = MethodInfo(
        title="TIF",
        year=2016,
        paper="doi:10.1016/j.infrared.2016.01.009",
        licence="own implementation; the authors' code has no licence",
        kind="classical",
        notes="the mean wraps around the border, as released",
    )

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        return fuse_tif(ir, vis)
