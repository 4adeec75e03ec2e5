"""Files of PyTorch tensors, read without trust and checked against what is expected."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.files import stranger

if TYPE_CHECKING:
    from torch import Tensor, nn


def shapes(net: nn.Module) -> dict[str, tuple[int, ...]]:
    """Name and shape of each tensor in a network's state."""
    return {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}


# ------------------------------------------------------------------ PyTorch: tensors only


def read_state_dict(path: Path, nested: bool = False) -> dict[str, Tensor]:
    """The tensors of a PyTorch checkpoint, on the CPU; no other object is rebuilt.

    A dictionary of tensors that lies below one entry (``state_dict``, ``params``...) is taken from there, at any
    depth; the prefixes ``module.`` and ``_orig_mod.`` that ``DataParallel`` and ``torch.compile`` leave are dropped
    where every name has them. A safetensors file is read whatever it is called.

    Args:
        path: the file.
        nested: the file holds several dictionaries of tensors: names become ``entry/name``.

    Raises:
        BenchError: missing, not such a file, or holding anything but tensors.
    """
    content = _inner(_load(path))
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


def _inner(content: dict[Any, Any]) -> dict[Any, Any]:
    """The dictionary that the dictionaries of tensors stand in, below entries that hold nothing else of the kind."""
    while not any(_is_tensor(value) or _is_state_dict(value) for value in content.values()):
        deeper = [value for value in content.values() if isinstance(value, dict) and value]
        if len(deeper) != 1:
            break
        (content,) = deeper
    return content


def _load(path: Path) -> dict[Any, Any]:
    import torch

    refuse_strangers(path)
    try:
        if _is_safetensors(path):
            return _load_safetensors(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a file that is refused one line says why
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
        BenchError: an empty file, a git-lfs pointer, a web page, or a file of another kind.
    """
    if seen := stranger(path, KINDS):
        raise BenchError(f"{path}: {seen}")


KINDS = (
    (rb"\x1f\x8b", "a gzip archive, wanted the file inside it; unpack it first"),
    (rb"Rar!", "a RAR archive, wanted the file inside it; unpack it first"),
    (rb"7z\xbc\xaf", "a 7-Zip archive, wanted the file inside it; unpack it first"),
    (rb"\x89HDF", "an HDF5 file (Keras), wanted tensors of PyTorch or safetensors; no method here was published so"),
    (rb"\x89PNG|\xff\xd8\xff", "an image, wanted a file of weights; fetch it again"),
    (rb"%PDF", "a PDF, wanted a file of weights; fetch it again"),
    (rb"\{", "a text (JSON), perhaps a server's error message, wanted a file of weights; fetch it again"),
)
"""How files begin that are no weights, and what they are."""


def _is_safetensors(path: Path) -> bool:
    """True if a file begins with the length of a JSON header and that header."""
    with path.open("rb") as stream:
        head = stream.read(9)
    return len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size


def _load_safetensors(path: Path) -> dict[Any, Any]:
    from safetensors.torch import load_file

    return dict(load_file(path))


def _in_words(error: Exception) -> str:
    text = " ".join(str(error).split())
    names = re.findall(r"GLOBAL ([\w.]+)", text)
    if names:
        return f"holds a pickled object ({names[0]}), which is not loaded, wanted tensors; save its state_dict()"
    if "TorchScript" in text:
        return "a TorchScript archive, which is a program, wanted tensors; save its state_dict()"
    if "not in a subdirectory" in text:
        return "a zip archive, wanted the file inside it; unpack it first"
    # of PyTorch's own words only the fault: the rest is advice to load the file without care
    fault = text.rpartition("error: ")[2] if "weights_only" in text else text
    return (
        f"not a readable PyTorch checkpoint of tensors ({_first_words(fault) or type(error).__name__}); fetch it again"
    )


def _first_words(text: str, most: int = 120) -> str:
    """The first sentence of a text, cut between words."""
    sentence = text.partition(" Check the documentation")[0].partition(". ")[0].rstrip(".")
    return sentence if len(sentence) <= most else sentence[:most].rpartition(" ")[0] + " ..."


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _is_state_dict(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(_is_tensor(item) for item in value.values())


def _bare(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for prefix in WRAPPERS:
        if tensors and all(name.startswith(prefix) for name in tensors):
            return _bare({name.removeprefix(prefix): value for name, value in tensors.items()})
    return dict(tensors)


WRAPPERS = ("module.", "_orig_mod.")
"""What ``DataParallel`` and ``torch.compile`` put before every name."""


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
