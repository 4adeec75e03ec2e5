"""MSVD (Naidu, 2011): singular vectors of the 2 x 2 blocks in place of a wavelet."""

from __future__ import annotations

from bench.plugin.method import MethodInfo
from methods._classical.block_svd import fuse_msvd
from methods._classical.bytes import ByteMethod
from methods._classical.planes import Bytes, Plane


class MSVDMethod(ByteMethod):
    """Fuses each channel of a colour image by itself; a grey result is stretched in the published way, as released."""

    name = "msvd"
    info = MethodInfo(
        title="MSVD",
        year=2011,
        paper="doi:10.14429/dsj.61.705",
        licence="own implementation; the author's code is BSD-2-Clause",
        kind="classical",
        notes="signs of the singular vectors by the rule that the published images follow",
    )

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        return fuse_msvd(ir, vis, stretch_grey=self.way == "published")
