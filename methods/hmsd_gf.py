"""HMSD-GF (Zhou et al., 2016): hybrid multi-scale decomposition with guided filters."""

from __future__ import annotations

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.hybrid import fuse_hmsd_gf
from methods._classical.planes import Bytes, Plane


class HMSDGFMethod(ByteMethod):
    """Fuses each channel of a colour image by itself, as VIFB did."""

    name = "hmsd_gf"
    info = MethodInfo(
        title="HMSD-GF",
        year=2016,
        paper="doi:10.1364/AO.55.006480",
        licence="own implementation; the authors' code has no licence",
        kind="classical",
        notes="brightens by 8 percent (275 in place of 255), as released",
    )
    clips = True  # amplified details overshoot

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        return fuse_hmsd_gf(ir, vis)
