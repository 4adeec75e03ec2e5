"""Files: written whole or not at all, and known by their digest."""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path

from bench.errors import BenchError


def write_atomic(path: Path, data: bytes) -> None:
    """Writes a file so that it is absent, old or whole at every moment, also if two machines write it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sweep(root: Path) -> int:
    """Removes half-written files of killed runs below a folder; only for the holder of its lock. Returns how many."""
    stale = [path for path in root.rglob(".*.part") if PARTIAL.match(path.name) and path.is_file()]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


SAFE_NAME = re.compile(r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,199}$")
"""One path component: no separator, no control character, not hidden, not too long for a file system."""

PARTIAL = re.compile(r"^\..+\.[0-9a-f]+\.part$")
"""What ``write_atomic`` calls a file until it is whole."""


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
