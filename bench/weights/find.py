"""Weights: the authors' files are found, checked and turned into safetensors in a local cache, once.

Nothing is redistributed: a file comes from the user's own folder or from the authors' address, and stays on the
user's machine. What was made of which file is written beside the result.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import write_atomic
from bench.plugin.method import Method, Trainable, WeightFile

AUTHORS = "authors' weights"
TRAINED = "trained here"
NO_WEIGHTS = "no weights needed"
GIVEN = "file given by name"
WEIGHTS_NAME = "weights.safetensors"
TRAINING_RECORD = "training.json"


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


# ------------------------------------------------------------------ folders


def cache_dir() -> Path:
    """The cache of weights: ``BENCH_CACHE``, else ``ivif-bench/weights`` in the user's cache folder."""
    explicit = os.environ.get("BENCH_CACHE")
    if explicit:
        return Path(explicit).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("ivif-bench", appauthor=False)) / "weights"


def published_dir() -> Path:
    """Where fetched and imported files lie, under the names that their authors gave them."""
    return cache_dir() / "published"


def trained_path(name: str) -> Path:
    """Where ``bench train NAME`` leaves its result for later runs."""
    return cache_dir() / "trained" / name / WEIGHTS_NAME


# ------------------------------------------------------------------ checksums


def digests(path: Path) -> dict[str, str]:
    """Size in bytes, SHA-256 and git blob id of one file, as text.

    Raises:
        BenchError: not readable.
    """
    try:
        size = path.stat().st_size
        sha256, blob = hashlib.sha256(), hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                sha256.update(chunk)
                blob.update(chunk)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    return {"size": str(size), "sha256": sha256.hexdigest(), "git_blob": blob.hexdigest()}


def difference(seen: dict[str, str], wanted: WeightFile) -> str:
    """What tells a file from the published one, in words; empty where nothing does.

    Args:
        seen: of ``digests``.
        wanted: empty fields of it are not compared.
    """
    expected = {"size": str(wanted.size or ""), "sha256": wanted.sha256, "git_blob": wanted.git_blob}
    return next(
        (f"{key} is {seen[key]}, wanted {value}" for key, value in expected.items() if value and seen[key] != value), ""
    )


def check_file(path: Path, wanted: WeightFile) -> dict[str, str]:
    """The digests of a file that is what its authors published.

    Raises:
        BenchError: it differs, or cannot be read.
    """
    seen = digests(path)
    wrong = difference(seen, wanted)
    if wrong:
        raise BenchError(f"{path}: {wrong}; fetch it again, or name the file itself if it was re-trained on purpose")
    return seen


# ------------------------------------------------------------------ finding


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
    for path in _trained_candidates(_owner(method), given, search):
        if found is None and path.is_file() and _record_fits(method, path):
            found = _from_safetensors(path)
    if found is None:
        raise WeightsMissing(_missing(method, given))
    return found


def _owner(method: type[Method]) -> str:
    """Whose weights a method loads: a variant without files of its own takes those of its method."""
    base: Any = method.__mro__[1]  # of a variant: its method
    return str(base.name) if method.variant and base.info.weights is method.info.weights else method.name


def imported_path(name: str) -> Path:
    """Where weights lie that were recognised by their tensors, without being the published file."""
    return cache_dir() / "imported" / name / WEIGHTS_NAME


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
        owner = _record(given).get("method", _owner(method))
        if owner not in (method.name, _owner(method)):
            raise BenchError(f"{given}: its record says {owner!r}, wanted {_owner(method)!r}")
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


# ------------------------------------------------------------------ records


def record_path(path: Path) -> Path:
    """The JSON beside a safetensors file that says what it was made of."""
    return path.with_suffix(".json")


def _record(path: Path) -> dict[str, Any]:
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


def _record_fits(method: type[Method], path: Path) -> bool:
    """Whether a found file is this method's: its record says so, or without one the folder's name does."""
    return bool(_record(path).get("method", path.parent.name) == _owner(method))


def _from_safetensors(path: Path) -> Resolved:
    record = _record(path)
    seen = digests(path)
    origin = TRAINED if record and "conversion" not in record else GIVEN
    entry = {"path": path.name, "sha256": seen["sha256"], "licence": "", "url": "", "check": "no checksum known"}
    return Resolved(path, origin, (entry,), record if origin == TRAINED else None)


# ------------------------------------------------------------------ conversion


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
    source = _converter_digest(method)
    key = hashlib.sha256("\n".join([source, *(file["sha256"] for file in files)]).encode()).hexdigest()[:16]
    target = cache_dir() / "converted" / f"{method.name}-{key}.safetensors"
    if not (target.is_file() and _record(target).get("sha256") == digests(target)["sha256"]):
        save_converted(method, paths, target, {"files": files, "converter_sha256": source})
    return Resolved(target, AUTHORS if genuine else GIVEN, tuple(files))


def _verdict(seen: dict[str, str], wanted: WeightFile) -> str:
    if difference(seen, wanted):
        return "differs from the published file"
    return "as published" if wanted.sha256 or wanted.git_blob else "no checksum known"


def save_converted(
    method: type[Method], paths: Sequence[Path], target: Path, facts: Mapping[str, Any] | None = None
) -> Path:
    """Converts an authors' files to a safetensors file with a record beside it, and returns its path.

    Raises:
        BenchError: a file is not what the method can read, or the target cannot be written.
    """
    from safetensors.torch import save

    tensors = {name: tensor.contiguous() for name, tensor in method.convert(paths).items()}
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


def _converter_digest(method: type[Method]) -> str:
    """Digest of the code that reads and renames the tensors: a mended converter is not shadowed by old files."""
    modules = ["bench.weights.tensorflow", *(base.__module__ for base in method.__mro__ if issubclass(base, Method))]
    digest = hashlib.sha256()
    for name in modules:
        source = getattr(sys.modules.get(name), "__file__", None)
        if source and Path(source).is_file():
            digest.update(Path(source).read_bytes())
    return digest.hexdigest()


# ------------------------------------------------------------------ commands


def fetch(names: Iterable[str] = (), root: Path | None = None) -> list[str]:
    """Downloads the authors' files of the named methods, with checksum, into ``root`` (default: the cache).

    Args:
        names: method names; none means every method with an address.
        root: a weights root.

    Returns:
        One line for each file: where it lies and under which terms.

    Raises:
        BenchError: a method has no address, or a download failed or differs.
    """
    from bench.download import download

    asked = list(names)
    target = root or published_dir()
    lines = []
    for method in _methods(asked):
        for file in method.info.weights:
            if not file.url:
                if asked:
                    raise BenchError(
                        f"{method.name}: {file.path} has no address; ask its authors, then `bench weights import DIR`"
                    )
                continue
            path = target / file.path
            if not (path.is_file() and not difference(digests(path), file)):
                download(file.url, path, sha256=file.sha256, git_blob=file.git_blob, size=file.size)
            lines.append(f"{method.name}: {path} ({file.licence or 'no licence given: for your own use only'})")
    return lines


def import_folder(root: Path) -> list[str]:
    """Checks the authors' files of a folder and keeps copies in the cache, converted and ready.

    Returns:
        One line for each method whose files are there.

    Raises:
        BenchError: no method's files are there, or one differs from what was published.
    """
    if not root.is_dir():
        raise BenchError(f"weights folder {root} does not exist; give the folder that holds <Method>/<file>")
    lines = []
    for method in _methods(()):
        paths = find_files(method.info.weights, root)
        if not paths:
            continue
        files = list(zip(paths, method.info.weights, strict=True))
        for path, file in files:
            check_file(path, file)
        for path, file in files:
            write_atomic(published_dir() / file.path, path.read_bytes())
        resolved = resolve(method, published_dir())
        lines.append(f"{method.name}: {resolved.path}")
    if not lines:
        raise BenchError(f"{root}: holds no method's published files; `bench weights list` names them")
    return lines


def status_rows(root: Path | None = None) -> list[dict[str, str]]:
    """One row for each published file and each training done here, for ``bench weights list``.

    Returns:
        Rows with ``method, file, state, place, licence, url``; ``state`` is ``ready``, ``differs``, ``missing`` or
        ``trained here``.
    """
    if root is None and os.environ.get("BENCH_WEIGHTS"):
        root = Path(os.environ["BENCH_WEIGHTS"])
    places = [place for place in (root, published_dir()) if place is not None]
    rows = []
    for method in _methods(()):
        rows += [_status(method, file, places) for file in method.info.weights]
        own = trained_path(method.name)
        if own.is_file():
            rows.append(_row(method, WEIGHTS_NAME, TRAINED, str(own), "", ""))
    return rows


def _status(method: type[Method], file: WeightFile, places: Sequence[Path]) -> dict[str, str]:
    for place in places:
        for path in (place / file.path, place / Path(file.path).name):
            if path.is_file():
                state = "differs" if difference(digests(path), file) else "ready"
                return _row(method, file.path, state, str(path), file.licence, file.url)
    return _row(method, file.path, "missing", "", file.licence, file.url)


def _row(method: type[Method], file: str, state: str, place: str, licence: str, url: str) -> dict[str, str]:
    return {"method": method.name, "file": file, "state": state, "place": place, "licence": licence, "url": url}


def methods_with_files() -> list[type[Method]]:
    """Methods and variants that have published files of their own."""
    return [method for method in _methods(()) if method.info.weights]


def _methods(names: Sequence[str]) -> list[type[Method]]:
    """The named ones; none means all, with those variants that do not take their method's files."""
    from bench.plugin.kinds import METHODS

    found = [METHODS.get(name) for name in (names or METHODS.everything())]
    return found if names else [method for method in found if _owner(method) == method.name]
