"""Wavelet transform (Li, Manjunath and Mitra, 1995): the stronger coefficient at each of four scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pywt

from bench.plugin.method import Method, MethodInfo
from methods._classical.planes import Plane, per_plane, stronger

if TYPE_CHECKING:
    from torch import Tensor

WAVELET = pywt.Wavelet("db4")
LEVELS = 4


class WaveletMethod(Method):
    """Details by largest magnitude, approximation by average."""

    name = "wavelet"
    info = MethodInfo(
        title="Wavelet (DWT)",
        year=1995,
        paper="doi:10.1006/gmip.1995.1022",
        licence="Apache-2.0",
        kind="classical",
        notes="Daubechies 4, four levels, largest magnitude, averaged approximation",
    )

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses luma; sums of details may leave [0, 1] and are clipped."""
        return per_plane(_fuse, ir, vis).clamp_(0.0, 1.0)


def _fuse(ir: Plane, vis: Plane) -> Plane:
    # smaller images have fewer scales on which the filter does not see mostly border
    levels = min(LEVELS, pywt.dwt_max_level(min(ir.shape), WAVELET))
    ir_base, *ir_details = pywt.wavedec2(ir, WAVELET, level=levels)
    vis_base, *vis_details = pywt.wavedec2(vis, WAVELET, level=levels)
    details = [
        tuple(stronger(one, other) for one, other in zip(ir_level, vis_level, strict=True))
        for ir_level, vis_level in zip(ir_details, vis_details, strict=True)
    ]
    height, width = ir.shape
    return pywt.waverec2([(ir_base + vis_base) / 2, *details], WAVELET)[:height, :width]
