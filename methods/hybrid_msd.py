"""Hybrid-MSD (Zhou et al., 2016): hybrid multi-scale decomposition with Gaussian and bilateral filters."""

from __future__ import annotations

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.hybrid import fuse_hybrid_msd
from methods._classical.planes import Bytes, Plane


class HybridMSDMethod(ByteMethod):
    """Fuses each channel of a colour image by itself, as VIFB did."""

    name = "hybrid_msd"
    info = MethodInfo(
        title="Hybrid-MSD",
        year=2016,
        paper="doi:10.1016/j.inffus.2015.11.003",
        licence="own implementation; the authors' code is for testing only",
        kind="classical",
        notes="the bilateral grid of Paris and Durand, not the exact bilateral filter",
    )

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        return fuse_hybrid_msd(ir, vis)
