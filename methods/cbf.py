"""CBF (Shreyamsha Kumar, 2015): details of cross bilateral filters, weighted by their local scatter."""

from __future__ import annotations

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.cross_bilateral import fuse_cbf
from methods._classical.planes import Bytes, Plane


class CBFMethod(ByteMethod):
    """Fuses each channel of a colour image by itself, as VIFB did."""

    name = "cbf"
    info = MethodInfo(
        title="CBF",
        year=2015,
        paper="doi:10.1007/s11760-013-0556-9",
        licence="own implementation; the author's code may be used and changed with its notice",
        kind="classical",
        notes="range weights from the other image",
    )

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        return fuse_cbf(ir, vis)
