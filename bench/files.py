"""Files: written whole or not at all, and known by their digest."""

from __future__ import annotations

import hashlib
import re
import secrets
import sys
from collections.abc import Iterator, Sequence
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

_PART = r"[^\s/\\'\"<>|:;,()\[\]{}]"
ABSOLUTE = re.compile(rf"(?<![\w:/.~\]>-])(?:[A-Za-z]:[\\/]|/)(?:{_PART}+[/\\])+{_PART}*")


def without_folders(text: str) -> str:
    """A text with the last part alone of every absolute path in it, so that it tells nothing of a machine.

    >>> without_folders("no file /home/me/data/a.png; see bench data check")
    'no file …/a.png; see bench data check'
    """
    return ABSOLUTE.sub(lambda found: "…/" + re.split(r"[/\\]", found[0].rstrip("/\\"))[-1], text)


PARTIAL = re.compile(r"^\..+\.[0-9a-f]+\.part$")
"""What ``whole_file`` calls a file until it is whole."""


PLACEHOLDERS = (
    (rb"version https://git-lfs", "a git-lfs pointer, not the file it stands for; `git lfs pull` or fetch it"),
    (rb"<(!doctype|html|\?xml)", "a web page saved in the place of the file; fetch the file by its raw address"),
    (rb"/annex/|.*\.git/annex/", "a git-annex pointer, not the file it stands for; `git annex get` or fetch it"),
)
"""Expressions for the beginning of texts, in lower case, that lie in the place of a binary file; and what they are."""


PICTURES = tuple(
    (begin, f"{kind}, which is not read here; convert it to PNG, or TIFF if it has more than 8 bits")
    for begin, kind in (
        (rb"GIF8[79]a", "a GIF image"), (rb"....jP  \r\n|\xff\x4f\xff\x51", "a JPEG 2000 image"),
        (rb"....ftypavi[fs]", "an AVIF image"), (rb"....ftyp(hei|hev|mif1|msf1)", "a HEIC image"),
        (rb"\xff\x0a|....JXL ", "a JPEG XL image"), (rb"8BPS", "a Photoshop file"), (rb"v/1\x01", "an OpenEXR image"),
        (rb"#\?RADIANCE", "a Radiance HDR image"), (rb"\x93NUMPY", "a NumPy array"), (rb"MATLAB 5", "a MATLAB file"),
        (rb"P[Ff]\s", "a PFM image"), (rb"%PDF", "a PDF"), (rb"....ftyp|RIFF....AVI ", "a video"),
    )
)  # fmt: skip
"""Expressions for how files begin that hold pictures, or what is taken for such, of kinds that are not read here."""


def stranger(path: Path, kinds: Sequence[tuple[bytes, str]] = ()) -> str:
    """What lies in the place of the file that is wanted, and how to mend that, by its first bytes; empty if not known.

    Args:
        path: of the file.
        kinds: expressions for how further kinds begin, and what to say of them.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(256)
    except OSError:
        return ""  # the reader itself says so
    if not head:
        return "an empty file; fetch it again"
    texts = [text for begin, text in PLACEHOLDERS if re.match(begin, head.lstrip().lower())]
    return next(iter(texts + [text for begin, text in kinds if re.match(begin, head, re.DOTALL)]), "")


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
