"""VSMWLS (Ma et al., 2017): rolling guidance, visual saliency maps, weighted least squares."""

from __future__ import annotations

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.planes import Bytes, Plane
from methods._classical.saliency import fuse_vsmwls


class VSMWLSMethod(ByteMethod):
    """Fuses each channel of a colour image by itself, as VIFB did."""

    name = "vsmwls"
    info = MethodInfo(
        title="VSMWLS",
        year=2017,
        paper="doi:10.1016/j.infrared.2017.02.005",
        licence="own implementation; the authors' code is for research only",
        kind="classical",
        notes="the released least squares, which have no smoothness term",
    )

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        return fuse_vsmwls(ir, vis)
