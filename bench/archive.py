"""Opens zip archives from strangers: names, links and sizes are checked before anything is unpacked or read."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench.errors import BenchError

CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold.

    Attributes:
        total: bytes unpacked, in all.
        files: number of entries.
        ratio: unpacked over packed size of the whole; images hardly shrink, so a large one is a bomb.
        slack: bytes that may be unpacked whatever the ratio is.
    """

    total: int = 32 << 30
    files: int = 200_000
    ratio: float = 100.0
    slack: int = 16 << 20


@contextmanager
def open_zip(path: Path, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Opens an archive whose table of contents is within the limits.

    Raises:
        BenchError: no archive, damaged, encrypted, too large, or with names that lead elsewhere, links or duplicates.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_contents(path, archive.infolist(), limits)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise BenchError(f"{path}: not a whole zip archive ({text}); fetch it again") from error
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error


def _check_contents(path: Path, entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(entries) > limits.files:
        raise BenchError(f"{path}: {len(entries)} entries, wanted at most {limits.files}")
    seen: set[str] = set()
    for entry in entries:
        wrong = _wrong_entry(entry)
        if not wrong and entry.filename.lower() in seen:
            wrong = "is there twice"
        if wrong:
            raise BenchError(f"{path}: entry {entry.filename[:80]!a} {wrong}; the archive is not used")
        seen.add(entry.filename.lower())
    total = sum(entry.file_size for entry in entries)
    if total > limits.total:
        raise BenchError(f"{path}: unpacks to {total} bytes, wanted at most {limits.total}; the archive is not used")
    packed = max(1, sum(entry.compress_size for entry in entries))
    if total > limits.slack and total / packed > limits.ratio:
        raise BenchError(
            f"{path}: unpacks to {total / packed:.0f} times its size, wanted at most {limits.ratio:g} times; "
            "the archive is not used"
        )


def _wrong_entry(entry: zipfile.ZipInfo) -> str:
    name, mode = entry.filename, entry.external_attr >> 16
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in name or not name.isprintable():
        return "is no plain relative name"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    return ""


def unpack_zip(path: Path, target: Path, limits: Limits | None = None) -> Path:
    """Unpacks an archive; ``target`` appears only when everything is there.

    Args:
        path: the archive.
        target: folder to make; it must not exist.
        limits: None takes the defaults.

    Raises:
        BenchError: see ``open_zip``; also when ``target`` exists or cannot be written, or a content is damaged.
    """
    limits = limits or Limits()
    if target.exists():
        raise BenchError(f"{target}: exists already; remove it to unpack anew")
    work = target.with_name(f".{target.name}.unpack")
    shutil.rmtree(work, ignore_errors=True)
    try:
        with open_zip(path, limits) as archive:
            work.mkdir(parents=True)
            left = limits.total
            for entry in archive.infolist():
                left -= _unpack_entry(archive, entry, work / entry.filename, left)
        work.replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _unpack_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Writes one entry and returns its size; what the table of contents says of it is not trusted."""
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(entry) as source, target.open("xb") as file:
        while chunk := source.read(CHUNK):
            written += len(chunk)
            if written > left:
                raise BenchError(f"{archive.filename}: unpacks to more than it says; the archive is not used")
            file.write(chunk)
    return written


def read_entry(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """The bytes of one entry.

    Raises:
        BenchError: no such entry, or more than ``limit`` bytes.
    """
    try:
        with archive.open(name) as source:
            data = source.read(limit + 1)
    except KeyError as error:
        raise BenchError(f"{archive.filename}: has no entry {name}; it is not whole") from error
    if len(data) > limit:
        raise BenchError(f"{archive.filename}: entry {name} has more than {limit} bytes; the archive is not used")
    return data
