"""ADF (Bavirisetti and Dhuli, 2016): anisotropic diffusion, details weighted by their principal axis."""

from __future__ import annotations

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.planes import Bytes, Plane
from methods._classical.two_scale import fuse_adf


class ADFMethod(ByteMethod):
    """Fuses each channel of a colour image by itself, as VIFB did."""

    name = "adf"
    info = MethodInfo(
        title="ADF",
        year=2016,
        paper="doi:10.1109/JSEN.2015.2478655",
        licence="own implementation; the authors' code has no licence",
        kind="classical",
        notes="the border darkens: outside the image the diffusion meets 0, as released",
    )

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        return fuse_adf(ir, vis)
