"""Files: written whole or not at all, and known by their digest."""

from __future__ import annotations

import hashlib
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.errors import BenchError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write, so that ``path`` is absent, old or whole at every moment, also if two machines write it at once.

    What the block wrote becomes the file when it ends well, and is removed otherwise.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_atomic(path: Path, data: bytes) -> None:
    """Writes a file, see ``whole_file``."""
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not TOML.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    return tomllib.loads(path.read_text(encoding="utf-8"))


def sweep(root: Path) -> int:
    """Removes half-written files of killed runs below a folder; only for the holder of its lock. Returns how many."""
    stale = [path for path in root.rglob(".*.part") if PARTIAL.match(path.name) and path.is_file()]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


SAFE_NAME = re.compile(r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,199}$")
"""One path component: no separator, no control character, not hidden, not too long for a file system."""

PARTIAL = re.compile(r"^\..+\.[0-9a-f]+\.part$")
"""What ``whole_file`` calls a file until it is whole."""


def digest(*parts: bytes | str) -> str:
    """A 128-bit hexadecimal digest of the parts, in order, unambiguous about where one ends."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part  # any name of a file
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()


def file_digest(path: Path) -> str:
    """Digest of a file's bytes.

    Raises:
        BenchError: it cannot be read.
    """
    try:
        return digest(path.read_bytes())
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error


VERSION = "0.1.0"
"""Of this program; a part of every fingerprint, so that nothing made by another version is taken for its own."""

PROTOCOL = "2026.1"
"""Of what numbers mean: conventions, ways of tasks, parts of data sets. Numbers of two protocols share no table."""

PROJECT_ROOT = Path(__file__).resolve().parent.parent
"""Where the four packages stand: the checkout, or the folder that the wheel was installed into."""
