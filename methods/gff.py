"""GFF (Li, Kang and Hu, 2013): two scales, weighted by saliency that follows the image's edges."""

from __future__ import annotations

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.guided_fusion import fuse_gff
from methods._classical.matlab import recode_jpeg
from methods._classical.planes import Bytes


class GFFMethod(ByteMethod):
    """Weighs all channels of a colour image alike, as the authors' code for colour images does."""

    name = "gff"
    info = MethodInfo(
        title="GFF",
        year=2013,
        paper="doi:10.1109/TIP.2013.2244222",
        licence="own implementation; the authors' code is for research only",
        kind="classical",
        notes="published: both sources are first stored as JPEG, as VIFB fed it; ties go to the visible image",
        agreement="",
    )

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Bytes:
        """See ``ByteMethod.fuse_bytes``."""
        ir = ir[None]
        if self.way == "published":
            ir, vis = recode_jpeg(ir), recode_jpeg(vis)
        return fuse_gff(ir, vis)
