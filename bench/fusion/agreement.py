"""How far a fused image is from a published file, which may be a JPEG."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from bench.errors import BenchError
from bench.images import as_rgb, is_grey, read_image
from bench.types import Image


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """How far one fused image is from the published one, over its three channels.

    Attributes:
        psnr: decibels, with 255 as peak; infinite where they are equal.
        max_difference: grey levels.
        identical: share of pixels with all channels equal, 0 to 1.
        near: share of pixels with all channels within one level.
        undecided: pixels that a cast that wraps sends elsewhere by the last bits of the arithmetic, taken as published.
    """

    pair: str
    psnr: float
    max_difference: int
    identical: float
    near: float = 1.0
    undecided: int = 0


def compare(pair: str, fused: Image, published: Path) -> PairAgreement:
    """Compares a fused image with a published file; for a JPEG it is first encoded the same way.

    Args:
        pair: its name, for the result.
        fused: uint8 (H, W) or (H, W, 3).
        published: its quantisation tables and chroma sampling are those that ours is encoded with.

    Raises:
        BenchError: the file is unreadable or of another size.
    """
    wanted = as_rgb(read_image(published))
    if wanted.shape != as_rgb(fused).shape:
        raise BenchError(
            f"{published}: {wanted.shape[1]}x{wanted.shape[0]} pixels, wanted {fused.shape[1]}x{fused.shape[0]} "
            "as the sources; is it of another data set?"
        )
    seen = as_rgb(_encoded_like(published, fused))
    difference = np.abs(seen.astype(np.int16) - wanted)
    error = float(np.square(difference, dtype=np.float64).mean())
    psnr = math.inf if error == 0 else 10 * math.log10(255**2 / error)
    equal, near = (float((difference <= levels).all(axis=2).mean()) for levels in (0, 1))
    return PairAgreement(pair, psnr, int(difference.max()), equal, near)


def _encoded_like(published: Path, fused: Image) -> Image:
    from PIL import JpegImagePlugin

    with PillowImage.open(published) as file:
        if not isinstance(file, JpegImagePlugin.JpegImageFile):
            return fused
        tables, sampling, grey = file.quantization, JpegImagePlugin.get_sampling(file), file.mode == "L"
    if grey and is_grey(fused):
        image = PillowImage.fromarray(fused if fused.ndim == 2 else np.ascontiguousarray(fused[..., 0]))
        options: dict[str, Any] = {"qtables": tables}
    else:
        image = PillowImage.fromarray(np.ascontiguousarray(as_rgb(fused)))
        options = {"qtables": tables, "subsampling": max(sampling, 0)}
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return np.asarray(PillowImage.open(buffer))
