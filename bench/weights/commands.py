"""What ``bench weights`` does: fetch, import and list the authors' files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.files import write_atomic
from bench.plugin.method import Method, WeightFile
from bench.weights.checksums import check_file, difference, digests
from bench.weights.find import TRAINED, find_files, owner_of, resolve
from bench.weights.places import WEIGHTS_NAME, published_dir, trained_path


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
    return found if names else [method for method in found if owner_of(method) == method.name]
