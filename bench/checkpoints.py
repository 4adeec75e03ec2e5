"""Checkpoints read without trusting them: TensorFlow V2 without TensorFlow, PyTorch without running its pickles.

Formats: the LevelDB table format and ``tensor_bundle.proto`` of TensorFlow; PyTorch's zip archive of one pickle and
raw storages.
"""

from __future__ import annotations

import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from bench.types import BenchError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# ------------------------------------------------------------------ TensorFlow V2

TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER_BYTES = 48
BLOCK_TRAILER_BYTES = 5  # one byte of compression type, four of CRC

# tensorflow/core/framework/types.proto; half, float, double, integers, bool
TF_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "<u1", 5: "<i2", 6: "<i1", 9: "<i8", 10: "?", 19: "<f2"}


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Where one tensor of a TensorFlow checkpoint lies.

    Attributes:
        dtype: number of its type in TensorFlow's ``DataType``.
        shape: empty for a scalar.
        shard: number of the data file.
        offset: first byte in it.
        size: bytes.
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int


def read_tensorflow_index(path: Path) -> dict[str, TensorEntry]:
    """The tensors that a ``.index`` file lists, by name, in its order.

    Raises:
        BenchError: not such a file, compressed, or damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror}); fetch it again") from error
    if len(data) < FOOTER_BYTES or data[-8:] != TABLE_MAGIC:
        raise BenchError(f"{path}: does not end in a table footer, wanted the .index of a TensorFlow V2 checkpoint")
    try:
        _, at = _handle(data, len(data) - FOOTER_BYTES)
        index_block, _ = _handle(data, at)
        entries: dict[str, TensorEntry] = {}
        for _, value in _block(data, *index_block):
            handle, _ = _handle(value, 0)
            for key, encoded in _block(data, *handle):
                if key:  # the empty key holds the header
                    entries[key.decode("utf-8")] = _bundle_entry(encoded)
                else:
                    _check_header(encoded)
    except (IndexError, ValueError, struct.error) as error:
        raise BenchError(f"{path}: damaged index ({error}); fetch it again") from error
    return entries


def read_tensorflow(
    index: Path, data: Path | Sequence[Path], names: Sequence[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Tensors of a TensorFlow V2 checkpoint, row-major, in the layout TensorFlow stored (kernels are HWIO).

    Args:
        index: the ``.index`` file.
        data: the ``.data-NNNNN-of-NNNNN`` file, or all of them in order.
        names: which tensors; None for all.

    Raises:
        BenchError: a file is missing, damaged or too short, or a name is not in it.
    """
    entries = read_tensorflow_index(index)
    missing = [name for name in names or () if name not in entries]
    if missing:
        raise BenchError(f"{index}: has no tensor {missing[0]!r} ({len(entries)} others); wanted another checkpoint")
    shards = [data] if isinstance(data, Path) else list(data)
    sizes = [_size(path) for path in shards]
    tensors = {}
    for name in names if names is not None else entries:
        entry = entries[name]
        if entry.shard >= len(shards) or entry.offset + entry.size > sizes[entry.shard]:
            where = shards[entry.shard] if entry.shard < len(shards) else f"data file {entry.shard}"
            raise BenchError(
                f"{where}: too short for {name!r} (bytes {entry.offset} to {entry.offset + entry.size}); fetch it again"
            )
        tensors[name] = _read_entry(shards[entry.shard], name, entry)
    return tensors


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror}); fetch it beside its .index") from error


def _read_entry(path: Path, name: str, entry: TensorEntry) -> NDArray[Any]:
    if entry.dtype not in TF_DTYPES:
        raise BenchError(f"{path}: {name!r} is of TensorFlow type {entry.dtype}, wanted a number")
    dtype = np.dtype(TF_DTYPES[entry.dtype])
    count = math.prod(entry.shape)
    if count * dtype.itemsize != entry.size:
        raise BenchError(f"{path}: {name!r} of shape {entry.shape} takes {entry.size} bytes; damaged index")
    return np.fromfile(path, dtype, count, offset=entry.offset).reshape(entry.shape)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A base-128 integer and the position after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number longer than 64 bits")


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return (offset, size), at


def _block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each entry of a table block; a key shares its first bytes with the one before."""
    end = offset + size
    if end + BLOCK_TRAILER_BYTES > len(data) or size < 4:
        raise ValueError("a block reaches past the end of the file")
    if data[end] != 0:
        raise ValueError("a compressed block")
    n_restarts = int.from_bytes(data[end - 4 : end], "little")
    at, stop = offset, end - 4 - 4 * n_restarts
    key = b""
    while at < stop:
        shared, at = _varint(data, at)
        unshared, at = _varint(data, at)
        length, at = _varint(data, at)
        if shared > len(key) or at + unshared + length > stop:
            raise ValueError("an entry reaches past its block")
        key = key[:shared] + data[at : at + unshared]
        at += unshared
        yield key, data[at : at + length]
        at += length


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protocol buffer message."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(data, at)
        else:
            length = {1: 8, 5: 4}.get(kind)
            if kind == 2:
                length, at = _varint(data, at)
            if length is None or at + length > len(data):
                raise ValueError("a broken protocol buffer")
            value, at = data[at : at + length], at + length
        yield tag >> 3, value


def _check_header(encoded: bytes) -> None:
    """BundleHeaderProto: field 2 is the byte order, 0 little."""
    if dict(_fields(encoded)).get(2, 0) != 0:
        raise ValueError("big-endian tensors")


def _bundle_entry(encoded: bytes) -> TensorEntry:
    """BundleEntryProto: 1 dtype, 2 shape, 3 shard, 4 offset, 5 size, 6 CRC, 7 slices of a divided tensor."""
    numbers = {1: 0, 3: 0, 4: 0, 5: 0}
    shape: tuple[int, ...] = ()
    for number, value in _fields(encoded):
        if number == 2 and isinstance(value, bytes):
            shape = _shape(value)
        elif number == 7:
            raise ValueError("a tensor divided into slices")
        elif number in numbers and isinstance(value, int):
            numbers[number] = value
    return TensorEntry(numbers[1], shape, numbers[3], numbers[4], numbers[5])


def _shape(encoded: bytes) -> tuple[int, ...]:
    """TensorShapeProto: field 2 is a dimension, whose field 1 is its size."""
    dims = [value for number, value in _fields(encoded) if number == 2 and isinstance(value, bytes)]
    return tuple(int(dict(_fields(dim)).get(1, 0)) for dim in dims)


def conv_kernel(array: NDArray[Any]) -> Tensor:
    """A TensorFlow convolution kernel (H, W, in, out) as PyTorch's (out, in, H, W)."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(array.transpose(3, 2, 0, 1)))


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


# ------------------------------------------------------------------ PyTorch: pickled modules, as inert stubs


class ModuleStub:
    """Stands for an object of a class that is not imported: it holds state and can do nothing.

    Attributes:
        class_path: dotted name of the class that was pickled.
    """

    class_path = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__["arguments"] = args

    def __setstate__(self, state: Any) -> None:
        parts = state if isinstance(state, tuple) else (state,)
        for part in parts:
            if isinstance(part, dict):
                self.__dict__.update({str(key): value for key, value in part.items()})

    def __repr__(self) -> str:
        return f"<stub of {self.class_path}>"

    def children(self) -> dict[str, ModuleStub]:
        """Sub-modules by name, if it stands for a torch module."""
        held = self.__dict__.get("_modules") or {}
        return {name: value for name, value in held.items() if isinstance(value, ModuleStub)}

    def tensors(self) -> dict[str, Tensor]:
        """All parameters and buffers below this module, named as in a state dict."""
        return dict(_walk(self, "", set()))


def _walk(stub: ModuleStub, prefix: str, above: set[int]) -> Iterator[tuple[str, Tensor]]:
    import torch

    if id(stub) in above or len(above) > 100:
        raise BenchError(f"module {prefix or 'root'} holds itself; wanted a tree of modules")
    for held in ("_parameters", "_buffers"):
        for name, value in (stub.__dict__.get(held) or {}).items():
            if isinstance(value, torch.Tensor):
                yield prefix + name, value
    for name, child in stub.children().items():
        yield from _walk(child, f"{prefix}{name}.", above | {id(stub)})


class _Callable:
    """A function that a pickle may call but not alter."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setstate__(self, state: Any) -> NoReturn:
        raise pickle.UnpicklingError("a function has no state")


@dataclass(frozen=True, slots=True)
class _StorageType:
    dtype: torch.dtype

    def __setstate__(self, state: Any) -> NoReturn:
        raise pickle.UnpicklingError("a storage type has no state")


_STORAGES = {
    "FloatStorage": "float32", "HalfStorage": "float16", "DoubleStorage": "float64", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool",
}  # fmt: skip

STUBBED = ("models.", "utils.", "torch.nn.modules.")
"""Packages whose classes become stubs: YOLOv5's own, and torch's layers."""


class _SafeUnpickler(pickle.Unpickler):
    """Rebuilds tensors, plain containers and stubs; refuses every other name before anything is called."""

    def __init__(self, stream: Any, storage: Callable[[str, torch.dtype, int], Tensor], stubbed: Sequence[str]) -> None:
        super().__init__(stream)
        self._storage, self._stubbed = storage, tuple(stubbed)
        self._stubs: dict[str, type[ModuleStub]] = {}

    def find_class(self, module: str, name: str) -> Any:
        import torch

        full = f"{module}.{name}"
        if full in ("collections.OrderedDict", "builtins.set", "__builtin__.set"):
            return OrderedDict if name == "OrderedDict" else set
        if full in _REBUILDERS:
            return _Callable(_REBUILDERS[full])
        if module == "torch" and name in _STORAGES:
            return _StorageType(getattr(torch, _STORAGES[name]))
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        if full == "torch.Size":
            return _Callable(tuple)
        if full.startswith(self._stubbed) and "." not in name:
            return self._stubs.setdefault(full, type(name, (ModuleStub,), {"class_path": full}))
        raise pickle.UnpicklingError(f"it asks for {full}, which is not allowed")

    def persistent_load(self, pid: Any) -> Tensor:
        match pid:
            case ("storage", _StorageType() as kind, str() as key, str(), int() as count):
                return self._storage(key, kind.dtype, count)
        raise pickle.UnpicklingError("a reference to something other than a storage")


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    """A view of a flat storage; one that would repeat values (and could claim endless memory) is refused."""
    import torch

    shape, strides = tuple(shape), tuple(strides)
    if not isinstance(storage, torch.Tensor) or math.prod(shape) > max(storage.numel(), 1):
        raise pickle.UnpicklingError(f"a tensor of shape {shape} larger than its storage")
    return storage.as_strided(shape, strides, offset)


def _rebuild_parameter(data: Any, *_: Any) -> Tensor:
    import torch

    if not isinstance(data, torch.Tensor):
        raise pickle.UnpicklingError("a parameter that is not a tensor")
    return data


_REBUILDERS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
}


def read_module_checkpoint(path: Path, stubbed: Sequence[str] = STUBBED) -> Any:
    """The content of a PyTorch checkpoint that pickles whole modules, with every module as a ``ModuleStub``.

    Nothing of the file is executed: only tensors, plain containers and stubs are made. Of a stub, ``tensors()`` gives
    the state dict and ``__dict__`` the attributes, such as ``yaml``, ``names`` and ``stride`` of a YOLOv5 model.

    Args:
        path: a zip archive as ``torch.save`` writes it since PyTorch 1.6.
        stubbed: starts of the dotted names of classes that become stubs.

    Raises:
        BenchError: missing, damaged, or asking for anything that is not allowed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist()}
            pickles = [name for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
            if len(pickles) != 1:
                raise BenchError(f"{path}: holds {len(pickles)} pickles, wanted a checkpoint written by torch.save")
            reader = _ArchiveReader(archive, pickles[0].removesuffix("data.pkl"), members)
            with reader.open("data.pkl") as stream:
                return _SafeUnpickler(stream, reader.storage, stubbed).load()
    except FileNotFoundError as error:
        raise BenchError(f"{path}: no such file; check the weights root") from error
    except BenchError:
        raise
    except Exception as error:  # damaged or hostile bytes can raise anything; nothing has been executed
        text = " ".join(str(error).split())[:200]
        raise BenchError(f"{path}: refused, {text or type(error).__name__}; fetch a checkpoint you trust") from error


class _ArchiveReader:
    """The members of one torch archive."""

    def __init__(self, archive: zipfile.ZipFile, prefix: str, members: Mapping[str, zipfile.ZipInfo]) -> None:
        self._archive, self._prefix, self._members = archive, prefix, members
        self._storages: dict[str, Tensor] = {}
        order = self._prefix + "byteorder"
        if order in members and archive.read(order) != b"little":
            raise ValueError("big-endian tensors")

    def open(self, name: str) -> Any:
        info = self._members[self._prefix + name]
        # torch.save never compresses; a compressed member could unpack to endless memory
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"compressed member {name}")
        return self._archive.open(info)

    def storage(self, key: str, dtype: torch.dtype, count: int) -> Tensor:
        """A flat tensor over one storage; the same key gives the same memory."""
        import torch

        if key not in self._storages:
            with self.open(f"data/{key}") as stream:
                data = bytearray(stream.read())
            size = torch.empty(0, dtype=dtype).element_size() * count
            if len(data) < size:
                raise ValueError(f"storage {key} is {len(data)} bytes, wanted {size}")
            self._storages[key] = (
                torch.frombuffer(data, dtype=dtype, count=count) if count else torch.empty(0, dtype=dtype)
            )
        return self._storages[key]
