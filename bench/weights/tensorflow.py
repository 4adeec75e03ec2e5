"""Checkpoints of tensors, read without trusting them: TensorFlow V2 without TensorFlow, PyTorch without objects.

Formats: the LevelDB table format and ``tensor_bundle.proto`` of TensorFlow. Checkpoints that pickle whole PyTorch
modules are read by ``bench/weights/pickled_modules.py``.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.weights.tensors import expect

if TYPE_CHECKING:
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


def convert_tensorflow(
    paths: Sequence[Path], names: Mapping[str, str], wanted: Mapping[str, Sequence[int]]
) -> dict[str, Tensor]:
    """Tensors of a TensorFlow V2 checkpoint under PyTorch's names and in PyTorch's layout.

    Args:
        paths: the ``.index`` file, then the data files.
        names: our name -> theirs, for every tensor that is needed.
        wanted: our name -> shape in PyTorch; kernels (H, W, in, out) become (out, in, H, W).

    Raises:
        BenchError: a file is damaged, or a tensor is missing or of another shape.
    """
    import torch

    arrays = read_tensorflow(paths[0], list(paths[1:]), list(names.values()))
    tensors = {}
    for ours, theirs in names.items():
        array = arrays[theirs].transpose(3, 2, 0, 1) if arrays[theirs].ndim == 4 else arrays[theirs]
        tensors[ours] = torch.from_numpy(np.ascontiguousarray(array))
    expect(tensors, wanted, paths[0])
    return tensors
