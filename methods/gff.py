"""GFF (Li, Kang and Hu, 2013): two scales, weighted by saliency that follows the image's edges."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bench.plugin.method import MethodInfo
from methods._classical.bytes import ByteMethod
from methods._classical.guided_fusion import fuse_gff
from methods._classical.matlab import recode_jpeg
from methods._classical.planes import Bytes, Plane


class GFFMethod(ByteMethod):
    """Weighs all channels of a colour image alike, as the authors' code for colour images does.

    Attributes:
        ties: who wins where both sources are flat; the published images show the one or the other.
        infrared_as_green: VIFB's loader put infrared files of a single channel into the visible image's green channel
            and left the infrared image black; for comparison with those images only.
    """

    name = "gff"
    info = MethodInfo(
        title="GFF",
        year=2013,
        paper="doi:10.1109/TIP.2013.2244222",
        licence="own implementation; the authors' code is for research only",
        kind="classical",
        notes="published: both sources are first stored as JPEG, as VIFB fed it; ties go to the visible image",
    )
    ties: ClassVar[Literal["ir", "vis"]] = "vis"
    infrared_as_green: ClassVar[bool] = False

    def fuse_bytes(self, ir: Bytes, vis: Bytes) -> Plane:
        """See ``ByteMethod.fuse_bytes``."""
        ir = ir[None]
        if self.way == "published":
            ir, vis = recode_jpeg(ir), recode_jpeg(vis)
        if self.infrared_as_green and len(vis) == 3:
            ir, vis = np.zeros_like(ir), np.stack([vis[0], ir[0], vis[2]])
        return fuse_gff(ir, vis, self.ties)
