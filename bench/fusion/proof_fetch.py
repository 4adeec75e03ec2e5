"""Published images that may be had one by one: fetched by pinned address and checksum, once, into a cache.

The list is ``methods/_proofs/published.json``: ``{"sources": [{"below", "base", "files": [[name, SHA-256]]}]}``,
with a third entry where the address below ``base`` is not the name. A file lands at
``<cache>/reference/<below>/<name>``, the layout that ``find_references`` reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from bench.download import download
from bench.errors import BenchError
from bench.fusion.references import find_references, plain
from bench.plugin.method import Method
from bench.weights import commands
from bench.weights.find import WeightsMissing, resolve
from bench.weights.places import cache_dir

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Published:
    """One image: where it belongs below a reference folder, its address and its checksum."""

    path: str
    url: str
    sha256: str


def published_files(listed: str | None = None) -> list[Published]:
    """The images of the list.

    Args:
        listed: its JSON text; None for the one that belongs to the methods here.
    """
    text = listed or (resources.files("methods") / "_proofs" / "published.json").read_text(encoding="utf-8")
    return [
        Published(f"{source['below']}/{name}", source["base"] + (address[0] if address else name), digest)
        for source in json.loads(text)["sources"]
        for name, digest, *address in source["files"]
    ]


def fetch_references(labels: Collection[str], say: Say, files: Collection[Published] | None = None) -> Path | None:
    """Fetches the published images of some methods; what cannot be had is said, and the rest of them is not tried.

    Args:
        labels: what reference folders call the methods.
        say: told of every image, and of the first failure.
        files: the list; None for ``published_files``.

    Returns:
        The folder to compare with; None where nothing of these methods is there.
    """
    folder = cache_dir() / "reference"
    wanted = {plain(label) for label in labels}
    for file in published_files() if files is None else files:
        if not any(_names(file.path, label) for label in wanted):
            continue
        try:
            say(f"{file.path} from {file.url}")
            download(file.url, folder / file.path, sha256=file.sha256)
        except BenchError as error:
            say(f"not fetched: {error}")
            break
    try:
        find_references(folder, labels)
    except BenchError:
        return None
    return folder


def _names(path: str, label: str) -> bool:
    """Whether a file is of a method: ``x_published/carLight_LP_SR.jpg`` or ``extra/GIFNet/fused/seen.jpg``."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    parts = stem.split("_")
    endings = {plain("_".join(parts[count:])) for count in range(1, len(parts))}
    return label in endings or label in {plain(part) for part in path.split("/")[1:-1]}


def fetch_weights(methods: Collection[type[Method]], root: Path | None, say: Say) -> None:
    """Fetches the published weights that are neither below a root nor in the cache; a failure is said and ends it."""
    for method in methods:
        if not all(file.url for file in method.info.weights):
            continue
        try:
            resolve(method, root)
        except WeightsMissing:
            try:
                for line in commands.fetch([method.name]):
                    say(line)
            except BenchError as error:
                say(f"not fetched: {error}")
                return
