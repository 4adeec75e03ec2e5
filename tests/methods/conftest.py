"""A cache of its own for every test, and a writer of TensorFlow checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.float32]]
Writer = Callable[[Path, Arrays], list[Path]]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder, empty, and no weights root in the environment."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BENCH_CACHE", str(folder))
    monkeypatch.delenv("BENCH_WEIGHTS", raising=False)
    return folder


@pytest.fixture(scope="session")
def write_tensorflow() -> Writer:
    """Writes ``PREFIX.index`` and ``PREFIX.data-00000-of-00001`` as TensorFlow's ``Saver`` does."""
    return write_checkpoint


def write_checkpoint(prefix: Path, arrays: Arrays, block_bytes: int = 300) -> list[Path]:
    """Sorted names, prefix-compressed keys, restarts every 16 entries, blocks of about ``block_bytes``."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    data, entries = bytearray(), [(b"", b"\x08\x01\x1a\x02\x08\x01")]  # one shard, little endian, version 1
    for name in sorted(arrays):
        raw = np.ascontiguousarray(arrays[name], "<f4").tobytes()
        entries.append((name.encode(), entry_proto(arrays[name].shape, len(data), len(raw))))
        data += raw
    paths = [prefix.with_name(prefix.name + ending) for ending in (".index", ".data-00000-of-00001")]
    paths[0].write_bytes(table(entries, block_bytes))
    paths[1].write_bytes(bytes(data))
    return paths


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def entry_proto(shape: tuple[int, ...], offset: int, size: int, dtype: int = 1) -> bytes:
    dims = b"".join(message(2, b"\x08" + varint(length)) for length in shape)
    proto = b"\x08" + varint(dtype) + message(2, dims)
    if offset:
        proto += b"\x20" + varint(offset)
    return proto + b"\x28" + varint(size) + b"\x35" + b"\x00\x01\x02\x03"


def table(entries: list[tuple[bytes, bytes]], block_bytes: int) -> bytes:
    file, handles, held = bytearray(), [], []

    def put(block: bytes) -> bytes:
        handle = varint(len(file)) + varint(len(block))
        file.extend(block + b"\x00" + b"\xaa\xbb\xcc\xdd")
        return handle

    for entry in entries:
        held.append(entry)
        if len(encode_block(held)) > block_bytes:
            handles.append((entry[0], put(encode_block(held))))
            held = []
    if held:
        handles.append((held[-1][0], put(encode_block(held))))
    footer = put(encode_block([])) + put(encode_block(handles))
    return bytes(file) + footer.ljust(40, b"\x00") + bytes.fromhex("57fb808b247547db")


def encode_block(entries: list[tuple[bytes, bytes]]) -> bytes:
    out, restarts, before = bytearray(), [], b""
    for index, (key, value) in enumerate(entries):
        shared = 0
        if index % 16 == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    restarts = restarts or [0]
    return bytes(out) + b"".join(at.to_bytes(4, "little") for at in (*restarts, len(restarts)))
