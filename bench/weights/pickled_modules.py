"""Reads PyTorch checkpoints that pickle whole modules, without running any code they name.

``torch.load(weights_only=True)`` refuses such files and ``weights_only=False`` runs whatever they say. Here every class
of a module becomes an inert stand-in that only receives state, tensors are rebuilt from the file's own bytes, and every
other name in the pickle is refused before it is looked up.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.errors import BenchError

MAX_BYTES = 4 << 30
"""Larger files are refused; the largest YOLOv5 checkpoint has 0.3 GB."""

STORAGE_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
"""The storage classes of ``torch``'s zip format and what their bytes are."""


class Inert:
    """What became of an object in the pickle: its class by name, the arguments it was made with and its state.

    Attributes:
        path: ``module.Class`` as the file names it.
        arguments: what the pickle would have called it with.
        state: the attributes the pickle gave it; empty if none.
    """

    path = ""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.state = dict(state) if isinstance(state, dict) else {"state": state}


def read_module_checkpoint(path: Path, modules: Sequence[str]) -> dict[str, Any]:
    """Reads a checkpoint that ``torch.save`` wrote in its zip format (torch 1.6 and later).

    Args:
        path: the ``.pt`` file.
        modules: packages whose classes become ``Inert``, e.g. ``("models", "utils")`` for YOLOv5; those of
            ``torch.nn.modules`` always do.

    Returns:
        The dictionary that was saved, with ``Inert`` objects for modules; tensors on the CPU.

    Raises:
        BenchError: missing, not such a file, or it names something else than tensors, containers and those modules.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            loaded = _Reader(archive, tuple(modules), path).load()
    except FileNotFoundError as error:
        raise BenchError(f"{path}: no such file; check the weights root") from error
    except BenchError:
        raise
    except Exception as error:  # a broken or hostile pickle can fail in any way
        text = " ".join(str(error).split())[:200]
        raise BenchError(
            f"{path}: not a readable PyTorch checkpoint ({type(error).__name__}: {text}); fetch it again"
        ) from error
    if not isinstance(loaded, dict):
        raise BenchError(f"{path}: holds {type(loaded).__name__}, wanted a dictionary with a model; fetch it again")
    return loaded


def module_tensors(module: Inert) -> dict[str, Tensor]:
    """Parameters and buffers of a module that was read, by the names ``state_dict`` would give them."""
    found: dict[str, Tensor] = {}
    _collect(module, "", found)
    return found


def _collect(module: Inert, prefix: str, found: dict[str, Tensor]) -> None:
    unsaved = module.state.get("_non_persistent_buffers_set") or set()
    for kind in ("_parameters", "_buffers"):
        for name, value in (module.state.get(kind) or {}).items():
            if isinstance(value, Tensor) and name not in unsaved:
                found[prefix + name] = value
    for name, child in (module.state.get("_modules") or {}).items():
        if isinstance(child, Inert):
            _collect(child, f"{prefix}{name}.", found)


class _Reader(pickle.Unpickler):
    """One archive being read; ``find_class`` is the only door through which a pickle reaches names."""

    def __init__(self, archive: zipfile.ZipFile, modules: tuple[str, ...], path: Path) -> None:
        records = {info.filename: info for info in archive.infolist()}
        names = [name for name in records if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(names) != 1 or any(name.endswith("/constants.pkl") for name in records):
            raise BenchError(f"{path}: not a checkpoint of torch.save (no single data.pkl); fetch it again")
        if sum(info.file_size for info in records.values()) > MAX_BYTES:
            raise BenchError(f"{path}: unpacks to more than {MAX_BYTES >> 30} GiB; fetch it again")
        super().__init__(io.BytesIO(archive.read(names[0])), encoding="utf-8")
        self.archive, self.modules, self.path = archive, modules, path
        self.folder = names[0].partition("/")[0]
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in or the harmless builder of one name.

        Raises:
            BenchError: any other name.
        """
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module in ("builtins", "__builtin__") and name == "set":
            return set
        if module == "torch" and name in STORAGE_DTYPES:
            return STORAGE_DTYPES[name]
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        if module == "torch" and name == "Size":
            return torch.Size
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
            return _builders()[name]
        if any(
            module == package or module.startswith(f"{package}.") for package in (*self.modules, "torch.nn.modules")
        ):
            return type("Inert", (Inert,), {"path": f"{module}.{name}"})
        raise BenchError(
            f"{self.path}: names {module}.{name}, which no checkpoint of {', '.join(self.modules)} modules needs; "
            "refused, nothing was run. Fetch the file from its authors"
        )

    def persistent_load(self, pid: Any) -> Tensor:
        """One storage as a flat tensor over the file's bytes.

        Raises:
            BenchError: it is not described as torch describes storages.
        """
        kind, dtype, key = pid[:3]
        if kind != "storage" or not isinstance(dtype, torch.dtype) or not isinstance(key, str):
            raise BenchError(f"{self.path}: a storage is described as {str(pid)[:80]}; fetch the file again")
        if key not in self.storages:
            data = bytearray(self.archive.read(f"{self.folder}/data/{key}"))
            self.storages[key] = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        return self.storages[key]


def _builders() -> dict[str, Callable[..., Tensor]]:
    # made anew for each name: a pickle may hang attributes on a function, which must not outlive the reading
    def rebuild_tensor(storage: Tensor, offset: int, size: Sequence[int], stride: Sequence[int], *_: Any) -> Tensor:
        # as_strided refuses what reaches outside the storage; repeated elements could still ask for any amount
        if math.prod(size) > storage.numel():
            raise BenchError(f"a tensor of shape {tuple(size)} is stored in {storage.numel()} numbers; fetch it again")
        return storage.as_strided(tuple(size), tuple(stride), offset).clone()

    def rebuild_parameter(data: Tensor, *_: Any) -> Tensor:
        return data

    return {"_rebuild_tensor_v2": rebuild_tensor, "_rebuild_parameter": rebuild_parameter}
