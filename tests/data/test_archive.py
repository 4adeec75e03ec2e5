"""Zip archives from strangers: what is refused, and why."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.archive import Limits, open_zip, read_entry, unpack_zip
from bench.errors import BenchError


def make(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def with_mode(path: Path, mode: int) -> Path:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = mode << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    return path


def twice(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "1")
        archive.writestr("A", "2")
    return path


def encrypted(path: Path) -> Path:
    data = bytearray(make(path, {"a": b"1"}).read_bytes())
    start = data.index(b"PK\x01\x02") + 8
    data[start] |= 1
    path.write_bytes(data)
    return path


def lying(path: Path) -> Path:
    """Says 10 bytes in its table of contents, and holds a million."""
    data = bytearray(make(path, {"a": bytes(1_000_000)}).read_bytes())
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = data.index(signature) + offset
        data[start : start + 4] = struct.pack("<I", 10)
    path.write_bytes(data)
    return path


def damaged(path: Path) -> Path:
    data = bytearray(make(path, {"a": b"1234567890" * 10}, zipfile.ZIP_STORED).read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
    return path


HOSTILE: list[tuple[str, Callable[[Path], Path], str]] = [
    ("parent", lambda p: make(p, {"../evil": b"1"}), "is no plain relative name"),
    ("inner parent", lambda p: make(p, {"a/../../evil": b"1"}), "is no plain relative name"),
    ("absolute", lambda p: make(p, {"/evil": b"1"}), "is no plain relative name"),
    ("drive", lambda p: make(p, {"C:evil": b"1"}), "is no plain relative name"),
    ("backslash", lambda p: make(p, {"..\\evil": b"1"}), "is no plain relative name"),
    ("control", lambda p: make(p, {"a\x1b[2Jb": b"1"}), "is no plain relative name"),
    ("link", lambda p: with_mode(p, stat.S_IFLNK | 0o777), "is a link or a device"),
    ("device", lambda p: with_mode(p, stat.S_IFCHR | 0o666), "is a link or a device"),
    ("twice", twice, "is there twice"),
    ("encrypted", encrypted, "is encrypted"),
    ("bomb", lambda p: make(p, {"a": bytes(4_000_000)}), "times its size"),
    ("large", lambda p: make(p, {"a": bytes(5_000_001)}, zipfile.ZIP_STORED), "unpacks to 5000001 bytes"),
    ("many", lambda p: make(p, {str(n): b"" for n in range(51)}), "51 entries, wanted at most 50"),
    ("lying", lying, "not a whole zip archive"),
    ("damaged", damaged, "not a whole zip archive"),
    ("text", lambda p: p.write_bytes(b"hello") and p, "not a whole zip archive"),
    ("empty", lambda p: p.write_bytes(b"") or p, "not a whole zip archive"),
    ("absent", lambda p: p, "cannot be read"),
]
SMALL = Limits(total=5_000_000, files=50, ratio=100.0, slack=100_000)


@pytest.mark.parametrize(("maker", "message"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_hostile_archives_leave_nothing(tmp_path: Path, maker: Callable[[Path], Path], message: str) -> None:
    (tmp_path / "out").mkdir()
    archive = maker(tmp_path / "a.zip")
    with pytest.raises(BenchError, match=message) as caught:
        unpack_zip(archive, tmp_path / "out/SET", SMALL)
    assert str(caught.value).isprintable()
    assert list((tmp_path / "out").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} <= {"a.zip", "out"}


def test_an_honest_archive_unpacks_whole(tmp_path: Path) -> None:
    entries = {"SET/ir/01.png": b"1" * 1000, "SET/vi/01.png": b"", "readme.txt": b"hello"}
    target = unpack_zip(make(tmp_path / "a.zip", entries), tmp_path / "out", SMALL)
    assert {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()} == entries


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(BenchError, match="exists already"):
        unpack_zip(make(tmp_path / "a.zip", {"a": b"1"}), tmp_path / "out")


def test_entries_are_read_within_a_limit(tmp_path: Path) -> None:
    with open_zip(make(tmp_path / "a.zip", {"a": b"12345"}), SMALL) as archive:
        assert read_entry(archive, "a", 5) == b"12345"
        with pytest.raises(BenchError, match="more than 4 bytes"):
            read_entry(archive, "a", 4)
        with pytest.raises(BenchError, match="has no entry b"):
            read_entry(archive, "b", 4)
