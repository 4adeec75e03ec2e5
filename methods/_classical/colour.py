"""Which channels a solver is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from bench.types import Way


def by_way(fuse: Callable[[Tensor, Tensor], Tensor], ir: Tensor, vis: Tensor, way: Way) -> Tensor:
    """Gives one pair to ``fuse``: all channels, or one where one says it all.

    Grey content is one channel, and so is everything in the plain way: there the luma is fused and the visible chroma
    put back.

    Args:
        fuse: takes and gives (C, H, W), C = 1 or 3.
        ir: (3, H, W).
        vis: (3, H, W).
        way: ``published`` or ``plain``.

    Returns:
        (3, H, W).
    """
    if is_grey(ir) and is_grey(vis):
        return fuse(ir[:1], vis[:1]).expand_as(vis)
    if way == "published":
        return fuse(ir, vis)
    luma = _luma(vis)
    return vis + (fuse(_luma(ir), luma) - luma)


def is_grey(image: Tensor) -> bool:
    """Whether all channels of (C, H, W) are equal."""
    return bool((image == image[:1]).all())


def _luma(image: Tensor) -> Tensor:
    red, green, blue = (image[channel : channel + 1] for channel in range(3))
    # BT.601, written so that equal channels give their own value without a rounding residue
    return green + 0.299 * (red - green) + 0.114 * (blue - green)
