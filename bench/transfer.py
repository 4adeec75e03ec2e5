"""Values on their way from the host to a device, without the host waiting for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_KEPT: dict[tuple[object, torch.dtype, torch.device], Tensor] = {}


def to_device(values: Tensor | NDArray[Any], device: torch.device | str) -> Tensor:
    """A tensor of the host, or an array, on a device.

    From pageable memory such a copy would first wait for all that the device has still to do.
    """
    tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
    kind = torch.device(device).type
    if kind == "cpu":
        return tensor
    if kind == "cuda" and torch.cuda.is_available():
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def constant(values: tuple[Any, ...], like: Tensor) -> Tensor:
    """Numbers as a tensor of the type and on the device of another one; sent there once.

    Args:
        values: numbers, or tuples of them.
        like: the other tensor.
    """
    key = values, like.dtype, like.device
    if key not in _KEPT:
        with torch.inference_mode(False):  # it may serve a training next
            made = to_device(torch.tensor(values, dtype=like.dtype), like.device)
        if type(made) is not Tensor:  # of a mode that only pretends
            return made
        _KEPT[key] = made
    return _KEPT[key]
