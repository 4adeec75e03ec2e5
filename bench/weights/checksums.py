"""Whether a file is the one that its authors published."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bench.errors import BenchError
from bench.plugin.method import WeightFile
from bench.weights.tensors import refuse_strangers


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
        refuse_strangers(path)  # a pointer or a web page says more than its size does
        raise BenchError(f"{path}: {wrong}; fetch it again, or name the file itself if it was re-trained on purpose")
    return seen
