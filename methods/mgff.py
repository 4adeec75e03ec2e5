"""MGFF (Bavirisetti et al., 2019): guided filters at four scales, each source guided by itself and fed the other."""

from __future__ import annotations

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.multi_guided import fuse_mgff
from methods._classical.planes import Bytes, Plane


class MGFFMethod(ByteMethod):
    """Fuses each channel of a colour image by itself, as VIFB did."""

    name = "mgff"
    info = MethodInfo(
        title="MGFF",
        year=2019,
        paper="doi:10.1007/s00034-019-01131-z",
        licence="own implementation; the authors' code has no licence",
        kind="classical",
        notes="where both details vanish the detail is 0; the released code divides 0 by 0 there",
    )

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        return fuse_mgff(ir, vis)
