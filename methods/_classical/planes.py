"""Lets NumPy and OpenCV functions of single grey images serve batches of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Plane = NDArray[Any]
"""float32 or float64 (H, W)."""
Bytes = NDArray[np.uint8]
"""Grey values 0..255, (H, W) or channels first."""


def per_plane(fuse: Callable[[Plane, Plane], Plane], ir: Tensor, vis: Tensor) -> Tensor:
    """Gives ``fuse`` each channel of each image, (H, W) and (H, W), and puts the results together as (B, C, H, W)."""
    fused = [fuse(one, other) for one, other in zip(_planes(ir), _planes(vis), strict=True)]
    return torch.from_numpy(np.stack(fused)).to(ir).reshape(ir.shape)


def _planes(images: Tensor) -> Plane:
    return images.detach().cpu().contiguous().flatten(0, 1).numpy()


def stronger(one: Plane, other: Plane) -> Plane:
    """Of two coefficients the one of larger magnitude; the first where they tie."""
    return np.where(np.abs(one) >= np.abs(other), one, other)
