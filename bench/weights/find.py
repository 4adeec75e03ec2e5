"""Weights: the authors' files are found, checked and turned into safetensors in a local cache, once.

Nothing is redistributed: a file comes from the user's own folder or from the authors' address, and stays on the
user's machine. What was made of which file is written beside the result.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.plugin.method import Method, Trainable, WeightFile
from bench.weights.checksums import check_file, difference, digests
from bench.weights.convert import converter_digest, read_record, save_converted
from bench.weights.places import WEIGHTS_NAME, cache_dir, imported_path, published_dir, trained_path

AUTHORS = "authors' weights"
TRAINED = "trained here"
NO_WEIGHTS = "no weights needed"
GIVEN = "file given by name"


class WeightsMissing(BenchError):  # noqa: N818 - named for what it says
    """A method's weights are nowhere to be found; the text says how to get them."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a method loads, and where that came from.

    Attributes:
        path: the safetensors file for the constructor; None for a method without weights.
        origin: ``authors' weights``, ``trained here``, ``file given by name`` or ``no weights needed``.
        files: of each source file ``path`` (published name), ``sha256``, ``licence``, ``url`` and ``check`` (``as
            published``, ``differs from the published file`` or ``no checksum known``).
        training: the record of a training done here, else None.
    """

    path: Path | None
    origin: str
    files: tuple[dict[str, str], ...] = ()
    training: dict[str, Any] | None = None


def resolve(method: type[Method], given: Path | None = None, search: Sequence[Path] = ()) -> Resolved:
    """Finds, checks and if needed converts the weights of one method.

    Looked through in this order: ``given`` (else ``BENCH_WEIGHTS``), files fetched or imported before, a training
    done here earlier, the folders of ``search``.

    Args:
        method: the adapter class.
        given: a weights root with ``<Method>/<file>``, a folder that holds the files themselves, one published file, or
            a ``.safetensors`` file. Only a file named itself may differ from what was published.
        search: folders with ``<name>/weights.safetensors``, e.g. ``RUN/trained``.

    Raises:
        WeightsMissing: nowhere to be found.
        BenchError: ``given`` does not exist, or a file there is not what its authors published.
    """
    info = method.info
    if not info.weights and info.kind != "learned":
        return Resolved(None, NO_WEIGHTS)
    if given is None and os.environ.get("BENCH_WEIGHTS"):
        given = Path(os.environ["BENCH_WEIGHTS"])
    if given is not None:
        given = given.expanduser()
        if not given.exists():
            raise BenchError(f"weights {given} do not exist; give an existing folder or file with --weights-root")
        if given.is_file():
            return _from_file(method, given)
    found = (given and _from_folder(method, given)) or _from_folder(method, published_dir())
    for path in _trained_candidates(owner_of(method), given, search):
        if found is None and path.is_file() and _record_fits(method, path):
            found = _from_safetensors(path)
    if found is None:
        raise WeightsMissing(_missing(method, given))
    return found


def is_here(method: type[Method], given: Path | None = None) -> bool:
    """True where ``resolve`` would find weights, or none are needed; no file is read."""
    if not method.info.weights and method.info.kind != "learned":
        return True
    if given is None and os.environ.get("BENCH_WEIGHTS"):
        given = Path(os.environ["BENCH_WEIGHTS"])
    given = given.expanduser() if given is not None else None
    if given is not None and given.is_file():
        return True
    if any(find_files(method.info.weights, folder) for folder in (given, published_dir()) if folder is not None):
        return True
    candidates = _trained_candidates(owner_of(method), given, ())
    return any(path.is_file() and _record_fits(method, path) for path in candidates)


def owner_of(method: type[Method]) -> str:
    """Whose weights a method loads: a variant without files of its own takes those of its method."""
    base: Any = method.__mro__[1]  # of a variant: its method
    return str(base.name) if method.variant and base.info.weights is method.info.weights else method.name


def _trained_candidates(name: str, given: Path | None, search: Sequence[Path]) -> Iterator[Path]:
    if given is not None:
        yield given / name / WEIGHTS_NAME
        yield given / WEIGHTS_NAME
    yield imported_path(name)
    yield trained_path(name)
    yield from (folder / name / WEIGHTS_NAME for folder in search)


def find_files(weights: Sequence[WeightFile], folder: Path) -> list[Path]:
    """The published files below a weights root, or directly in a folder; empty unless all of them are there."""
    for paths in ([folder / file.path for file in weights], [folder / Path(file.path).name for file in weights]):
        if paths and all(path.is_file() for path in paths):
            return paths
    return []


def _from_folder(method: type[Method], folder: Path) -> Resolved | None:
    paths = find_files(method.info.weights, folder)
    if not paths:
        return None
    return _converted(method, paths, [check_file(*pair) for pair in zip(paths, method.info.weights, strict=True)])


def _from_file(method: type[Method], given: Path) -> Resolved:
    if given.suffix == ".safetensors":
        owner = read_record(given).get("method", owner_of(method))
        if owner not in (method.name, owner_of(method)):
            raise BenchError(f"{given}: its record says {owner!r}, wanted {owner_of(method)!r}")
        return _from_safetensors(given)
    paths = _siblings(method, given)
    return _converted(method, paths, [digests(path) for path in paths])


def _siblings(method: type[Method], given: Path) -> list[Path]:
    """All files of a method when one was named: those beside it with the published names' own endings."""
    names = [Path(file.path).name for file in method.info.weights]
    if not names:
        raise BenchError(f"{given}: {method.name} has no published files, wanted a .safetensors file")
    if len(names) == 1:
        return [given]
    stem = _common_start(names)
    if given.name in names:
        stem_given = stem
    else:
        endings = sorted((name[len(stem) :] for name in names), key=len, reverse=True)
        ending = next((ending for ending in endings if stem and given.name.endswith(ending)), None)
        if ending is None:
            raise BenchError(f"{given}: its name is none of {', '.join(names)}; name it so, or give its folder")
        stem_given = given.name.removesuffix(ending)
    paths = [given.with_name(stem_given + name[len(stem) :]) for name in names]
    for path in paths:
        if not path.is_file():
            raise WeightsMissing(f"{method.name}: {path} is missing beside {given.name}; put it there")
    return paths


def _common_start(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    return first[
        : next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    ]


def _missing(method: type[Method], given: Path | None) -> str:
    wanted = ", ".join(file.path for file in method.info.weights) or "trained weights"
    ways = []
    if method.info.weights and all(file.url for file in method.info.weights):
        ways.append(f"`bench weights fetch {method.name}`")
    if method.info.weights:
        ways.append("`--weights-root DIR` with the authors' files")
    if isinstance(method, Trainable):
        ways.append(f"`bench train {method.name}`")
    where = f"under {given} or " if given is not None else ""
    hint = "mend with " + " or ".join(ways) if ways else "declare info.weights, or kind='classical'"
    return f"{method.name}: {wanted} not found {where}in the cache; {hint}"


def _record_fits(method: type[Method], path: Path) -> bool:
    """Whether a found file is this method's: its record says so, or without one the folder's name does."""
    return bool(read_record(path).get("method", path.parent.name) == owner_of(method))


def _from_safetensors(path: Path) -> Resolved:
    record = read_record(path)
    seen = digests(path)
    origin = TRAINED if record and "conversion" not in record else GIVEN
    entry = {"path": path.name, "sha256": seen["sha256"], "licence": "", "url": "", "check": "no checksum known"}
    return Resolved(path, origin, (entry,), record if origin == TRAINED else None)


def _converted(method: type[Method], paths: Sequence[Path], seen: Sequence[dict[str, str]]) -> Resolved:
    """The safetensors file made of these files, from the cache where it is there and whole."""
    files = [
        {
            "path": wanted.path,
            "sha256": digest["sha256"],
            "licence": wanted.licence,
            "url": wanted.url,
            "check": _verdict(digest, wanted),
        }
        for wanted, digest in zip(method.info.weights, seen, strict=True)
    ]
    genuine = all(file["check"] != "differs from the published file" for file in files)
    source = converter_digest(method)
    key = hashlib.sha256("\n".join([source, *(file["sha256"] for file in files)]).encode()).hexdigest()[:16]
    target = cache_dir() / "converted" / f"{method.name}-{key}.safetensors"
    if not (target.is_file() and read_record(target).get("sha256") == digests(target)["sha256"]):
        save_converted(method, paths, target, {"files": files, "converter_sha256": source})
    return Resolved(target, AUTHORS if genuine else GIVEN, tuple(files))


def _verdict(seen: dict[str, str], wanted: WeightFile) -> str:
    if difference(seen, wanted):
        return "differs from the published file"
    return "as published" if wanted.sha256 or wanted.git_blob else "no checksum known"
