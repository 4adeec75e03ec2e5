"""Files of PyTorch tensors, read without trust and checked against what is expected."""

from __future__ import annotations

import re
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


def read_state_dict(path: Path, nested: bool = False) -> dict[str, Tensor]:
    """The tensors of a PyTorch checkpoint, on the CPU; no other object is rebuilt.

    A dictionary of tensors that lies below one entry (``state_dict``, ``params``, ``weight``...) is taken from there;
    the prefix ``module.`` that ``DataParallel`` leaves is dropped where every name has it.

    Args:
        path: the file.
        nested: the file holds several dictionaries of tensors: names become ``entry/name``.

    Raises:
        BenchError: missing, not such a file, or holding anything but tensors.
    """
    content = _load(path)
    below = {key: value for key, value in content.items() if _is_state_dict(value)}
    if nested and below:
        return {f"{entry}/{name}": value for entry, one in below.items() for name, value in _bare(one).items()}
    if len(below) == 1 and not any(_is_tensor(value) for value in content.values()):
        (content,) = below.values()
    elif below:
        raise BenchError(f"{path}: holds {len(below)} dicts ({', '.join(map(str, below))}), wanted one of tensors")
    for name, value in content.items():
        if not (isinstance(name, str) and _is_tensor(value)):
            raise BenchError(f"{path}: {name!r} is a {type(value).__name__}, wanted a tensor")
    return _bare(content)


def _load(path: Path) -> dict[Any, Any]:
    import torch

    refuse_strangers(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise BenchError(f"{path}: no such file; check the weights root") from error
    except Exception as error:  # torch raises whatever the damaged bytes led to
        raise BenchError(f"{path}: {_in_words(error)}") from error
    if not isinstance(content, dict):
        raise BenchError(f"{path}: holds a {type(content).__name__}, wanted a dict of tensors")
    return content


def refuse_strangers(path: Path) -> None:
    """Names what is often saved in the place of weights.

    Raises:
        BenchError: a git-lfs pointer, or a web page.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(256).lstrip().lower()
    except OSError:
        return  # the reader itself says so
    if start.startswith(b"version https://git-lfs"):
        raise BenchError(f"{path}: a git-lfs pointer, not the file it stands for; `git lfs pull` or fetch it")
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise BenchError(f"{path}: a web page saved in the place of the file; fetch the file by its raw address")


def _in_words(error: Exception) -> str:
    text = " ".join(str(error).split())
    names = re.findall(r"GLOBAL ([\w.]+)", text)
    if names:
        return f"holds a pickled object ({names[0]}), which is not loaded, wanted tensors; save its state_dict()"
    return f"not a readable PyTorch checkpoint of tensors ({text[:200]}); fetch it again"


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _is_state_dict(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(_is_tensor(item) for item in value.values())


def _bare(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if tensors and all(name.startswith("module.") for name in tensors):
        return {name.removeprefix("module."): value for name, value in tensors.items()}
    return dict(tensors)


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
