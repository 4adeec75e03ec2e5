"""FPDE (Bavirisetti, Xiao and Liu, 2017): fourth-order diffusion, details weighted by their principal axis."""

from __future__ import annotations

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.planes import Bytes, Plane
from methods._classical.two_scale import fuse_fpde


class FPDEMethod(ByteMethod):
    """Fuses each channel of a colour image by itself, as VIFB did."""

    name = "fpde"
    info = MethodInfo(
        title="FPDE",
        year=2017,
        paper="doi:10.23919/ICIF.2017.8009719",
        licence="own implementation; the authors' code has no licence",
        kind="classical",
        notes="bases are rounded to 8 bits, as released",
    )

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        return fuse_fpde(ir, vis)
