"""Whatever a notebook holds of an image -> uint8 as a file would store it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from PIL import Image as PillowImage

from bench.errors import BenchError
from bench.images import read_image
from bench.types import Image

if TYPE_CHECKING:
    from torch import Tensor

Picture: TypeAlias = "Path | str | PillowImage.Image | np.ndarray[Any, Any] | Tensor"
"""A file; a Pillow image of mode L or RGB; an array (H, W) or (H, W, 3); a tensor (H, W), (1, H, W) or (3, H, W)."""


Pictures: TypeAlias = "Picture | Sequence[Picture]"
"""One image, or several: a list, a tensor (N, C, H, W) or an array (N, H, W, 3)."""


def to_image(picture: Picture, name: str, data_range: float | None = None) -> Image:
    """One image as a file of 8 bits would store it.

    Args:
        picture: a file, Pillow image, array or tensor (of any device); integers must be uint8.
        name: how messages call it.
        data_range: of float input: the value that is white, 1 or 255; rounded to the nearest of 256 levels.

    Returns:
        uint8 (H, W), or (H, W, 3) RGB.

    Raises:
        BenchError: another type, shape or mode; float input without ``data_range``, not finite, or outside of it.
    """
    if isinstance(picture, (str, Path)):
        return read_image(Path(picture).expanduser())
    if isinstance(picture, PillowImage.Image):
        if picture.mode not in ("L", "RGB"):
            raise BenchError(f"{name} is a Pillow image of mode {picture.mode}, wanted L or RGB; convert it")
        return np.asarray(picture)
    array, planes_first = _array(picture, name)
    if planes_first and array.ndim == 3:
        array = np.moveaxis(array, 0, -1)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] != 3) or 0 in array.shape:
        wanted = "(H, W), (1, H, W) or (3, H, W)" if planes_first else "(H, W) or (H, W, 3)"
        raise BenchError(f"{name} has shape {_shape(picture)}, wanted {wanted}")
    return np.ascontiguousarray(_levels(array, name, data_range))


def split_batch(pictures: Pictures, name: str) -> list[Picture] | None:
    """The images of a list, of a tensor (N, C, H, W) or of an array (N, H, W, 3); None if it is one image.

    Raises:
        BenchError: an empty batch.
    """
    if isinstance(pictures, (list, tuple)):
        batch: list[Picture] = list(pictures)
    elif getattr(pictures, "ndim", 0) == 4:
        batch = list(pictures)  # type: ignore[arg-type]  # an array or tensor gives its first axis
    else:
        return None
    if not batch:
        raise BenchError(f"{name} is an empty batch, wanted at least one image")
    return batch


def _array(picture: Any, name: str) -> tuple[np.ndarray[Any, Any], bool]:
    """The values, and whether the planes of colour come first, as tensors have them."""
    if isinstance(picture, np.ndarray):
        return picture, False
    if hasattr(picture, "detach"):
        tensor = picture.detach().cpu()
        return (tensor.float() if tensor.is_floating_point() else tensor).numpy(), True
    raise BenchError(f"{name} is a {type(picture).__name__}, wanted a path, Pillow image, array or tensor")


def _levels(array: np.ndarray[Any, Any], name: str, data_range: float | None) -> Image:
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise BenchError(f"{name} has values of type {array.dtype}, wanted uint8, or floats with data_range=")
    if data_range is None:
        raise BenchError(f"{name} has float values; say with data_range=1.0 or data_range=255 which one is white")
    if not data_range > 0:
        raise BenchError(f"data_range is {data_range}, wanted the value that is white, such as 1.0 or 255")
    values = array.astype(np.float64) * (255.0 / data_range)
    if not np.isfinite(values).all():
        raise BenchError(f"{name} has values that are not finite")
    if values.min() < -0.5 or values.max() > 255.5:
        low, high = float(array.min()), float(array.max())
        raise BenchError(
            f"{name} has values from {low:.4g} to {high:.4g}, wanted 0 to {data_range:g} (data_range); clip it, or "
            "give another data_range"
        )
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _shape(picture: Any) -> tuple[int, ...]:
    return tuple(picture.shape)
