"""``bench weights import FILE``: whose weights a file holds, by its digest or else by its tensors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.files import write_atomic
from bench.plugin.method import Method
from bench.weights.checksums import difference, digests
from bench.weights.commands import methods_with_files
from bench.weights.convert import save_converted
from bench.weights.find import resolve
from bench.weights.places import imported_path, published_dir
from bench.weights.tensors import refuse_strangers

MOST_BESIDE = 8
"""Files beside the given one that are tried as the other parts of a method's weights."""


def import_file(path: Path, method: str = "") -> list[str]:
    """Keeps one file of weights, and those beside it that belong to it, where runs look for them.

    A published file is known by its digest and kept under its published name. Any other is known by names and shapes of
    its tensors, converted, and kept as the method's imported weights.

    Args:
        path: the file; of a checkpoint of several files any of them.
        method: whose it is, where its tensors fit more than one.

    Returns:
        One line: whose it is, and where the result lies.

    Raises:
        BenchError: unreadable, no weights at all, or of no method or more than one.
    """
    if not path.is_file():
        raise BenchError(f"weights {path} do not exist; give an existing file or folder")
    refuse_strangers(path)
    classes = [cls for cls in methods_with_files() if not method or cls.name == method.replace(":", "-")]
    if not classes:
        raise BenchError(f"{method!r} has no published weights; see bench weights list")
    seen = digests(path)
    for cls in classes:
        for file in cls.info.weights:
            if (file.sha256 or file.git_blob) and not difference(seen, file):
                return [_keep_published(cls, path, file.path)]
    return [_keep_recognised(path, classes)]


def _keep_published(cls: type[Method], path: Path, name: str) -> str:
    """Copies a published file, and those of the same method that lie beside it."""
    for file in cls.info.weights:
        beside = path if file.path == name else path.with_name(Path(file.path).name)
        if beside.is_file() and not difference(digests(beside), file):
            write_atomic(published_dir() / file.path, beside.read_bytes())
    missing = [file.path for file in cls.info.weights if not (published_dir() / file.path).is_file()]
    if missing:
        return f"{cls.name}: {published_dir() / name}; {', '.join(missing)} still missing, import it too"
    return f"{cls.name}: {resolve(cls, published_dir()).path} (as published)"


def _keep_recognised(path: Path, classes: Sequence[type[Method]]) -> str:
    fitting: list[tuple[type[Method], tuple[Path, ...]]] = []
    reasons: list[str] = []
    for cls in classes:
        for paths in _arrangements(path, len(cls.info.weights)):
            try:
                cls.convert(paths)
            except Exception as error:  # what an adapter makes of a strange file is its own affair
                reasons.append(str(error))
                continue
            fitting.append((cls, paths))
            break
    if not fitting:
        raise BenchError(
            _fault_of(path, reasons) or f"{path}: its tensors are no known method's; bench weights list names the files"
        )
    named = [found for found in fitting if path.name in {Path(file.path).name for file in found[0].info.weights}]
    chosen = named if len(named) == 1 else fitting
    if len(chosen) > 1:
        names = ", ".join(cls.name.replace("-", ":", 1) for cls, _ in chosen)
        raise BenchError(f"{path}: its tensors fit {names}; say which with --method")
    cls, paths = chosen[0]
    target = save_converted(cls, paths, imported_path(cls.name), {"files": [{"path": one.name} for one in paths]})
    return f"{cls.name}: {target} (recognised by its tensors; not the published file)"


def _fault_of(path: Path, reasons: Sequence[str]) -> str:
    """Why this very file could not be read; empty for TensorFlow's files, or where other files were at fault."""
    if path.name.endswith(".index") or ".data-" in path.name:
        return ""
    own = [reason for reason in reasons if reason.startswith(f"{path}:")]
    return next((reason for reason in own if any(words in reason for words in UNREADABLE)), "")


UNREADABLE = (
    "pickled object", "not a readable PyTorch checkpoint", "a TorchScript archive", "a zip archive", "dicts (",
    "wanted a dict of tensors",
)  # fmt: skip


def _arrangements(path: Path, count: int) -> Iterator[tuple[Path, ...]]:
    """The file with those beside it in every order; a TensorFlow index with its data first."""
    stem = path.name.partition(".data-")[0].removesuffix(".index")
    index = path.with_name(f"{stem}.index")
    if index.is_file():
        data = sorted(path.parent.glob(f"{stem}.data-*"))
        if len(data) + 1 == count:
            yield (index, *data)
        return
    if count == 1:
        yield (path,)
        return
    beside = [one for one in sorted(path.parent.iterdir()) if one.is_file() and one != path][:MOST_BESIDE]
    for others in itertools.permutations(beside, count - 1):
        for place in range(count):
            yield (*others[:place], path, *others[place:])
