"""Files of PyTorch tensors, read without trust and checked against what is expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError

if TYPE_CHECKING:
    from torch import Tensor, nn


def shapes(net: nn.Module) -> dict[str, tuple[int, ...]]:
    """Name and shape of each tensor in a network's state."""
    return {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}


# ------------------------------------------------------------------ PyTorch: tensors only


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a PyTorch checkpoint that holds a flat dict of them, on the CPU; no other object is rebuilt.

    Raises:
        BenchError: missing, not such a file, or holding anything but tensors.
    """
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise BenchError(f"{path}: no such file; check the weights root") from error
    except Exception as error:  # torch raises whatever the damaged bytes led to
        text = " ".join(str(error).split())[:200]
        raise BenchError(f"{path}: not a readable PyTorch checkpoint of tensors ({text}); fetch it again") from error
    if not isinstance(content, dict):
        raise BenchError(f"{path}: holds a {type(content).__name__}, wanted a dict of tensors")
    for name, value in content.items():
        if not (isinstance(name, str) and isinstance(value, torch.Tensor)):
            raise BenchError(f"{path}: {name!r} is a {type(value).__name__}, wanted a tensor")
    return dict(content)


def expect(tensors: Mapping[str, Any], wanted: Mapping[str, Sequence[int]], where: Path) -> None:
    """Makes sure that all wanted tensors are there in their shapes; others are allowed.

    Raises:
        BenchError: names the first one that is not.
    """
    for name, shape in wanted.items():
        if name not in tensors:
            raise BenchError(f"{where}: has no tensor {name!r}, wanted one of shape {tuple(shape)}")
        if tuple(tensors[name].shape) != tuple(shape):
            raise BenchError(f"{where}: {name!r} is of shape {tuple(tensors[name].shape)}, wanted {tuple(shape)}")
