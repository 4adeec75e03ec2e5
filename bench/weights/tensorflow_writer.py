"""Writing TensorFlow V2 checkpoints: what ``weights/tensorflow.py`` reads, with the checksums TensorFlow demands.

Sources of the formats: the LevelDB table format, ``tensor_bundle.proto`` of TensorFlow, RFC 3720 (CRC-32C).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.weights.tensorflow import TABLE_MAGIC

RESTART_EVERY = 16
"""Entries; a key shares its first bytes with the one before, except at a restart."""

BLOCK_BYTES = 1 << 18
"""A block is closed once it is this large; TensorFlow's own setting."""

HEADER = b"\x08\x01\x1a\x02\x08\x01"
"""BundleHeaderProto: one shard, little endian, version 1."""

CRC_POLYNOMIAL = 0x82F63B78
CRC_MASK = 0xA282EAD8
FLOAT32 = 1  # tensorflow/core/framework/types.proto


def encode_checkpoint(arrays: Mapping[str, NDArray[np.float32]], block_bytes: int = BLOCK_BYTES) -> tuple[bytes, bytes]:
    """A checkpoint of float32 tensors as TensorFlow's ``Saver`` writes it: names sorted, values row-major.

    Args:
        arrays: by name; kernels are HWIO in such files.
        block_bytes: size at which a block of the index is closed.

    Returns:
        The bytes of ``PREFIX.index`` and of ``PREFIX.data-00000-of-00001``.
    """
    data, entries = bytearray(), [(b"", HEADER)]
    for name, array in sorted(arrays.items(), key=lambda item: item[0].encode()):
        raw = np.ascontiguousarray(array, "<f4").tobytes()
        entries.append((name.encode(), _bundle_entry(array.shape, len(data), raw)))
        data += raw
    return _table(entries, block_bytes), bytes(data)


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (CRC_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


CRC_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli) of some bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked_crc32c(data: bytes) -> bytes:
    """CRC-32C as LevelDB stores it: rotated and shifted, so that a CRC of a CRC stays useful; four bytes."""
    crc = crc32c(data)
    masked = ((crc >> 15 | crc << 17) + CRC_MASK) & 0xFFFFFFFF
    return masked.to_bytes(4, "little")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _bundle_entry(shape: Sequence[int], offset: int, raw: bytes) -> bytes:
    """BundleEntryProto: 1 dtype, 2 shape, 4 offset, 5 size, 6 CRC; zeros are left out."""
    dims = b"".join(_message(2, b"\x08" + _varint(length)) for length in shape)
    place = b"\x20" + _varint(offset) if offset else b""
    size = b"\x28" + _varint(len(raw)) + b"\x35" + masked_crc32c(raw)
    return b"\x08" + _varint(FLOAT32) + _message(2, dims) + place + size


def _table(entries: Sequence[tuple[bytes, bytes]], block_bytes: int) -> bytes:
    file = bytearray()
    handles: list[tuple[bytes, bytes]] = []
    held: list[tuple[bytes, bytes]] = []
    for at, entry in enumerate(entries):
        held.append(entry)
        block = _block(held)
        last = at == len(entries) - 1
        if last or len(block) >= block_bytes:
            handles.append((_successor(entry[0]) if last else entry[0], _put(file, block)))
            held = []
    footer = _put(file, _block([])) + _put(file, _block(handles))
    return bytes(file) + footer.ljust(40, b"\x00") + TABLE_MAGIC


def _successor(key: bytes) -> bytes:
    """A short key not before the last one, as LevelDB stores it in the index block."""
    for at, byte in enumerate(key):
        if byte != 0xFF:
            return key[:at] + bytes([byte + 1])
    return key


def _put(file: bytearray, block: bytes) -> bytes:
    """Appends an uncompressed block with its trailer; returns its handle."""
    handle = _varint(len(file)) + _varint(len(block))
    content = block + b"\x00"
    file.extend(content + masked_crc32c(content))
    return handle


def _block(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    out, restarts, before = bytearray(), [], b""
    for at, (key, value) in enumerate(entries):
        shared = 0
        if at % RESTART_EVERY == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        out += _varint(shared) + _varint(len(key) - shared) + _varint(len(value)) + key[shared:] + value
        before = key
    places = restarts or [0]
    return bytes(out) + b"".join(place.to_bytes(4, "little") for place in (*places, len(places)))
