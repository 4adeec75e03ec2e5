"""Formula weights: every tensor of an authors' network filled by one rule, to prove a port without their files.

A value follows from the tensor's name and the position in it, not from a framework: whoever has the authors' code can
fill it alike, run it, and compare. The tensors of a title, with their offsets and amplitudes, stand in
``methods/_formula/<title>.json``.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.files import write_atomic
from bench.weights.tensorflow_writer import encode_checkpoint

Floats = NDArray[np.float32]
Computed = Callable[["Buffer"], NDArray[Any]]
"""Makes a tensor that the authors' code computes itself."""

STEP = np.uint32(2654435761)
MURMUR_FIRST, MURMUR_SECOND = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
"""Constants of MurmurHash3's 32-bit finaliser (Appleby, public domain)."""


def fill(name: str, shape: Sequence[int], offset: float, amplitude: float, salt: str = "") -> Floats:
    """A tensor whose values are even in (offset - amplitude, offset + amplitude), fixed by its name alone.

    Value ``i`` in C order is ``offset + amplitude * u``, ``u = (h + 0.5) / 2^31 - 1``, where ``h`` is the finaliser of
    MurmurHash3 on ``CRC-32(salt + name) + i * 2654435761 mod 2^32``; the sum is in float64 and rounded once.

    Args:
        name: as in the authors' file.
        shape: as stored there; empty for a scalar.
        offset: middle of the values.
        amplitude: half of their range.
        salt: of the title, put in front of the name.
    """
    seed = np.uint32(zlib.crc32((salt + name).encode()))
    hashed = seed + np.arange(math.prod(shape), dtype=np.uint32) * STEP
    hashed ^= hashed >> np.uint32(16)
    hashed *= MURMUR_FIRST
    hashed ^= hashed >> np.uint32(13)
    hashed *= MURMUR_SECOND
    hashed ^= hashed >> np.uint32(16)
    unit = (hashed.astype(np.float64) + 0.5) / 2.0**31 - 1.0
    return (offset + amplitude * unit).astype(np.float32).reshape(tuple(shape))


@dataclass(frozen=True, slots=True)
class Row:
    """One filled tensor of an authors' file."""

    name: str
    shape: tuple[int, ...]
    offset: float
    amplitude: float


@dataclass(frozen=True, slots=True)
class Buffer:
    """A tensor that stands in an authors' file but that their code computes itself; no rule fills it."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Formula:
    """The tensors of one title.

    Attributes:
        title: of the folder of reference outputs.
        layout: of the shapes, ``OIHW`` (PyTorch) or ``HWIO`` (a TensorFlow V2 checkpoint).
        salt: in front of every name.
        values: how many are filled, over all files.
        sha256: of their little-endian float32 bytes, in the order of the rows and files.
        files: file name -> rows, in the authors' order. A name with a slash in a PyTorch file is ``entry/name`` of a
            dictionary of state dicts.
        buffers: file name -> tensors that are not filled.
    """

    title: str
    layout: str
    salt: str
    values: int
    sha256: str
    files: Mapping[str, tuple[Row, ...]]
    buffers: Mapping[str, tuple[Buffer, ...]] = field(default_factory=dict)


def read_formula(title: str, folder: Path | None = None) -> Formula:
    """The tensors of a title.

    Args:
        title: the list's file name without ending, e.g. ``cddfuse``.
        folder: where ``<title>.json`` lies; None for the lists that belong to the methods here.

    Raises:
        BenchError: no such list, or not in this form.
    """
    place = (folder or resources.files("methods") / "_formula") / f"{title}.json"
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
        files = {name: tuple(_row(row) for row in rows) for name, rows in content["files"].items()}
        return Formula(
            **{key: content[key] for key in ("title", "layout", "salt", "values", "sha256")},
            files={name: tuple(row for row in rows if isinstance(row, Row)) for name, rows in files.items()},
            buffers={name: tuple(row for row in rows if isinstance(row, Buffer)) for name, rows in files.items()},
        )
    except FileNotFoundError as error:
        raise BenchError(f"{place}: no such list of tensors; give the title of one, e.g. cddfuse") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchError(f"{place}: not a list of tensors ({error}); see methods/_formula for the form") from error


def _row(row: list[Any]) -> Row | Buffer:
    name, shape, offset, amplitude = row
    if isinstance(offset, str):
        return Buffer(name, tuple(shape), offset)
    return Row(name, tuple(shape), float(offset), float(amplitude))


def fill_files(formula: Formula) -> dict[str, dict[str, Floats]]:
    """The filled tensors of each file, by the authors' names, in their order.

    Raises:
        BenchError: number or SHA-256 of the values are not what the list says.
    """
    filled = {
        file: {row.name: fill(row.name, row.shape, row.offset, row.amplitude, formula.salt) for row in rows}
        for file, rows in formula.files.items()
    }
    digest, count = hashlib.sha256(), 0
    for array in (array for tensors in filled.values() for array in tensors.values()):
        digest.update(array.astype("<f4", copy=False).tobytes())
        count += array.size
    if (count, digest.hexdigest()) != (formula.values, formula.sha256):
        raise BenchError(
            f"{formula.title}: {count} values filled with SHA-256 {digest.hexdigest()}, wanted {formula.values} with "
            f"{formula.sha256}; mend the list of tensors"
        )
    return filled


def write_files(formula: Formula, folder: Path, computed: Computed | None = None) -> list[Path]:
    """Writes a title's tensors as its authors' files, under their names.

    Args:
        formula: of the title.
        folder: made if absent.
        computed: makes the tensors that the rule does not fill; None leaves them out.

    Returns:
        The files in the order in which ``Method.convert`` takes them: of a TensorFlow checkpoint the index first.

    Raises:
        BenchError: the list is wrong, or the folder cannot be written.
    """
    paths: list[Path] = []
    try:
        for file, tensors in fill_files(formula).items():
            if formula.layout == "HWIO":
                paths += _write_tensorflow(folder / file, tensors)
            else:
                buffers = {} if computed is None else {row.name: computed(row) for row in formula.buffers.get(file, ())}
                paths.append(_write_torch(folder / file, tensors | buffers))
    except OSError as error:
        raise BenchError(f"{folder}: cannot be written ({error.strerror}); give another folder") from error
    return paths


def _write_tensorflow(data: Path, tensors: Mapping[str, Floats]) -> list[Path]:
    index = data.with_name(data.name.partition(".data-")[0] + ".index")
    for path, content in zip((index, data), encode_checkpoint(tensors), strict=True):
        write_atomic(path, content)
    return [index, data]


def _write_torch(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Path:
    """A state dict, or a dictionary of them where names have the form ``entry/name``."""
    import io

    import torch

    content: dict[str, Any] = {}
    for name, array in arrays.items():
        entry, slash, rest = name.partition("/")
        place = content.setdefault(entry, {}) if slash else content
        place[rest or entry] = torch.from_numpy(array)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomic(path, buffer.getvalue())
    return path
