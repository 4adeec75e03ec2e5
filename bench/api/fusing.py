"""``bench.fuse``: one pair through one method, as in a run."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.api.pictures import Picture, to_image
from bench.types import Image, Way

if TYPE_CHECKING:
    from bench.fusion.harness import Fuser


def fuse(
    method: str,
    ir: Picture,
    vis: Picture,
    *,
    weights: Path | str | None = None,
    device: str = "cpu",
    way: Way = "published",
    data_range: float | None = None,
) -> Image:
    """Fuses one pair; colour, padding and rounding are as in a run.

    The method stays loaded for the next call with the same arguments.

    Args:
        method: as in ``bench list methods``, e.g. ``seafusion`` or ``tardal:tt``.
        ir: the infrared image: a file, Pillow image, array or tensor, see ``bench.evaluate``.
        vis: the visible image, of the same height and width.
        weights: a weights root, a published or converted file, or None to look where ``bench run`` looks.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        way: ``published`` reads and writes images as the method's authors did, ``plain`` the same for all methods.
        data_range: of float input: the value that is white, 1 or 255.

    Returns:
        uint8 RGB (H, W, 3).

    Raises:
        BenchError: unknown name, weights that are missing, images that are not what is wanted.

    Example:
        >>> import numpy as np
        >>> ir = np.full((8, 8), 100, np.uint8)
        >>> fuse("average", ir, np.zeros((8, 8), np.uint8))[0, 0].tolist()
        [50, 50, 50]
    """
    fuser = _fuser(method, None if weights is None else str(weights), device, way)
    return fuser.fuse_pair(to_image(ir, "ir", data_range), to_image(vis, "vis", data_range))


@lru_cache(maxsize=2)
def _fuser(method: str, weights: str | None, device: str, way: Way) -> Fuser:
    from methods import create

    return create(method, weights, device, way)
