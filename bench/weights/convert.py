"""The authors' files turned into safetensors, with a record of what was made of which file."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import write_atomic
from bench.plugin.method import Method
from bench.weights.places import TRAINING_RECORD


def record_path(path: Path) -> Path:
    """The JSON beside a safetensors file that says what it was made of."""
    return path.with_suffix(".json")


def read_record(path: Path) -> dict[str, Any]:
    """What is known of a safetensors file: of its conversion, or of its training; empty if nothing is."""
    for place in (record_path(path), path.with_name(TRAINING_RECORD)):
        try:
            record = json.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict):
            # settings that a training was asked for count as facts of it
            return {**record.get("signature", {}), **record} if place.name == TRAINING_RECORD else record
    return {}


def save_converted(
    method: type[Method], paths: Sequence[Path], target: Path, facts: Mapping[str, Any] | None = None
) -> Path:
    """Converts an authors' files to a safetensors file with a record beside it, and returns its path.

    Raises:
        BenchError: a file is not what the method can read, or the target cannot be written.
    """
    from safetensors.torch import save

    tensors = {name: tensor.contiguous() for name, tensor in method.convert(paths).items()}
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise BenchError(f"{paths[0]}: tensor {name} holds values that are no numbers; fetch or train it again")
    data = save(tensors, metadata={"method": method.name})
    record = {
        "method": method.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "conversion": f"{method.__module__}.{method.__qualname__}.convert",
        "paper": method.info.paper,
        "trained_on": list(method.info.trained_on),
        **(facts or {}),
    }
    try:
        write_atomic(target, data)
        write_atomic(record_path(target), json.dumps(record, indent=1).encode())
    except OSError as error:
        raise BenchError(
            f"{target.parent}: cannot be written ({error.strerror}); point BENCH_CACHE at a writable folder"
        ) from error
    return target


def converter_digest(method: type[Method]) -> str:
    """Digest of the code that reads and renames the tensors: a mended converter is not shadowed by old files.

    It is in the method's modules, in its bases', and in modules of its package that it takes names from.
    """
    modules = ["bench.weights.tensorflow", *(base.__module__ for base in method.__mro__ if issubclass(base, Method))]
    package = method.__module__.rpartition(".")[0]
    values = vars(sys.modules[method.__module__]).values() if package else ()
    taken = {str(getattr(value, "__module__", "")) for value in values}
    modules += sorted(name for name in taken - set(modules) if name.startswith(f"{package}."))
    digest = hashlib.sha256()
    for name in modules:
        source = getattr(sys.modules.get(name), "__file__", None)
        if source and Path(source).is_file():
            digest.update(Path(source).read_bytes())
    return digest.hexdigest()
