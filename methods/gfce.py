"""GFCE (Zhou et al., 2016): guided-filter context enhancement, then HMSD-GF."""

from __future__ import annotations

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.enhancement import fuse_gfce
from methods._classical.planes import Bytes, Plane


class GFCEMethod(ByteMethod):
    """Enhances and fuses each channel of a colour image by itself, as VIFB did."""

    name = "gfce"
    info = MethodInfo(
        title="GFCE",
        year=2016,
        paper="doi:10.1364/AO.55.006480",
        licence="own implementation; the authors' code has no licence",
        kind="classical",
        notes="the enhancement shifts colours: that is the method",
    )
    clips = True  # the enhancement overshoots

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        return fuse_gfce(ir, vis)
