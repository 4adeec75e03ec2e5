"""IFEVIP (Zhang et al., 2017): infrared features above a Bezier background, added to the visible image."""

from __future__ import annotations

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.features import fuse_ifevip
from methods._classical.planes import Bytes, Plane


class IFEVIPMethod(ByteMethod):
    """Adds one infrared feature image to all channels, as VIFB did."""

    name = "ifevip"
    info = MethodInfo(
        title="IFEVIP",
        year=2017,
        paper="doi:10.1016/j.infrared.2017.05.007",
        licence="own implementation; the authors' code is for research only",
        kind="classical",
        notes="never darker than the visible image",
    )

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        return fuse_ifevip(ir, vis)
