"""Downloads against a real server on this machine: checksums, resuming, limits, and what is said when it fails."""

from __future__ import annotations

import hashlib
import http.server
import os
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.download import GitSource, clone_at, download
from bench.errors import BenchError

CONTENT = bytes(range(256)) * 4000
SHA = hashlib.sha256(CONTENT).hexdigest()
BLOB = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT, usedforsecurity=False).hexdigest()


@dataclass
class Site:
    """What the server serves and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: {"/a.bin": CONTENT})
    asked: list[str] = field(default_factory=list)
    ranges: bool = True
    cut_after: int | None = None
    declare: bool = True
    status: int = 200


class Handler(http.server.BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site = self.site
        site.asked.append(self.headers.get("Range", ""))
        data = site.files.get(self.path)
        if data is None or site.status != 200:
            self.send_error(404 if data is None else site.status)
            return
        start, total = 0, len(data)
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if match and site.ranges:
            start = int(match[1])
            if start >= total:
                self.send_error(416)
                return
        data = data[start:]
        self.send_response(206 if start else 200)
        if site.declare:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if site.cut_after is not None:
            data, site.cut_after = data[: site.cut_after], None
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    handler = type("Bound", (Handler,), {"site": site})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}/a.bin"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


@pytest.mark.parametrize("checksum", [{"sha256": SHA}, {"git_blob": BLOB}, {"sha256": SHA.upper(), "git_blob": BLOB}])
def test_a_file_arrives_whole(site: Site, tmp_path: Path, checksum: dict[str, str]) -> None:
    seen: list[tuple[int, int]] = []
    target = download(
        site.url, tmp_path / "deep/a.bin", **checksum, progress=lambda _, done, total: seen.append((done, total))
    )
    assert target.read_bytes() == CONTENT
    assert leftovers(target.parent) == ["a.bin"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_a_file_that_is_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    for _ in range(2):
        download(site.url, tmp_path / "a.bin", sha256=SHA)
    assert len(site.asked) == 1


def test_a_wrong_file_at_the_target_is_replaced(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")
    assert download(site.url, tmp_path / "a.bin", sha256=SHA).read_bytes() == CONTENT


def test_an_interrupted_download_goes_on(site: Site, tmp_path: Path) -> None:
    site.cut_after = 300_000
    with pytest.raises(BenchError, match=r"broken off \(IncompleteRead.*what is there is kept"):
        download(site.url, tmp_path / "a.bin", sha256=SHA)
    assert not (tmp_path / "a.bin").exists()
    kept = (tmp_path / ".a.bin.part").stat().st_size
    assert 0 < kept <= 300_000
    assert download(site.url, tmp_path / "a.bin", sha256=SHA).read_bytes() == CONTENT
    assert site.asked[-1] == f"bytes={kept}-"


def test_a_server_without_ranges_starts_over(site: Site, tmp_path: Path) -> None:
    site.ranges = False
    (tmp_path / ".a.bin.part").write_bytes(CONTENT[:1000])
    assert download(site.url, tmp_path / "a.bin", sha256=SHA).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "left", [b"of another file" * 10, CONTENT + b"more", CONTENT], ids=["other", "longer", "whole"]
)
def test_what_is_left_of_another_attempt_does_no_harm(site: Site, tmp_path: Path, left: bytes) -> None:
    (tmp_path / ".a.bin.part").write_bytes(left)
    assert download(site.url, tmp_path / "a.bin", sha256=SHA).read_bytes() == CONTENT


@pytest.mark.parametrize("checksum", [{"sha256": "0" * 64}, {"git_blob": "0" * 40}])
def test_a_wrong_checksum_keeps_nothing(site: Site, tmp_path: Path, checksum: dict[str, str]) -> None:
    with pytest.raises(BenchError, match=r"its (sha256|git blob id) is [0-9a-f]+, wanted 0+; .* nothing was kept"):
        download(site.url, tmp_path / "a.bin", **checksum)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("declare", [True, False])
@pytest.mark.parametrize("bound", [{"limit": 100_000}, {"size": 100_000}])
def test_too_large_a_file_is_refused(site: Site, tmp_path: Path, declare: bool, bound: dict[str, int]) -> None:
    site.declare = declare
    with pytest.raises(BenchError, match=r"bytes, wanted"):
        download(site.url, tmp_path / "a.bin", sha256=SHA, **bound)
    assert leftovers(tmp_path) == []


def test_too_small_a_file_is_refused(site: Site, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=f"{len(CONTENT)} bytes, wanted {len(CONTENT) + 1}"):
        download(site.url, tmp_path / "a.bin", sha256=SHA, size=len(CONTENT) + 1)


def test_nothing_is_fetched_unchecked(site: Site, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="has no checksum"):
        download(site.url, tmp_path / "a.bin")
    with pytest.raises(BenchError, match="wanted an http or https address"):
        download("ftp://example.org/a", tmp_path / "a.bin", sha256=SHA)
    assert site.asked == []


def test_a_missing_file_is_said(site: Site, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"404 Client Error.*b\.bin; the file may have moved"):
        download(site.url.replace("a.bin", "b.bin"), tmp_path / "b.bin", sha256=SHA)
    assert leftovers(tmp_path) == []


def test_being_offline_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(BenchError, match=r"no connection, or broken off .*refused.*go online and try again") as caught:
        download(f"http://127.0.0.1:{port}/a.bin", tmp_path / "a.bin", sha256=SHA)
    assert "\n" not in str(caught.value)


def test_an_unwritable_folder_is_said(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BenchError, match="cannot be written"):
        download(site.url, tmp_path / "file" / "a.bin", sha256=SHA)


def test_two_at_once_fetch_once(site: Site, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(download, site.url, tmp_path / "a.bin", sha256=SHA) for _ in range(4)]
        assert {job.result().read_bytes() for job in jobs} == {CONTENT}
    assert len(site.asked) == 1


# ------------------------------------------------------------------ repositories


def git(folder: Path, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    identity = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, env=environment | identity, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Callable[[], GitSource]:
    folder = tmp_path / "upstream"
    (folder / "ir").mkdir(parents=True)
    (folder / "ir/01.png").write_bytes(CONTENT)
    (folder / "link").symlink_to("/etc/hostname")
    git(tmp_path, "init", "-q", str(folder))
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return lambda: GitSource(url=f"file://{folder}", commit=git(folder, "rev-parse", "HEAD"), unpack_to="SET")


def test_a_repository_comes_at_its_commit(repository: Callable[[], GitSource], tmp_path: Path) -> None:
    source = repository()
    upstream = Path(source.url.removeprefix("file://"))
    (upstream / "ir/01.png").write_bytes(b"changed later")
    git(upstream, "commit", "-qam", "second")
    target = clone_at(source, tmp_path / "data/SET")
    assert (target / "ir/01.png").read_bytes() == CONTENT
    assert not (target / ".git").exists()
    assert not (target / "link").is_symlink()
    assert leftovers(target.parent) == ["SET"]


def test_an_unknown_commit_is_refused(repository: Callable[[], GitSource], tmp_path: Path) -> None:
    source = repository().model_copy(update={"commit": "0" * 40})
    with pytest.raises(BenchError, match="git could not fetch commit 000000000000"):
        clone_at(source, tmp_path / "data/SET")
    assert leftovers(tmp_path / "data") == []


def test_a_folder_that_is_there_is_not_touched(repository: Callable[[], GitSource], tmp_path: Path) -> None:
    (tmp_path / "data/SET").mkdir(parents=True)
    with pytest.raises(BenchError, match="exists already"):
        clone_at(repository(), tmp_path / "data/SET")


def test_without_git_it_is_said(
    repository: Callable[[], GitSource], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = repository()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BenchError, match="git is not installed"):
        clone_at(source, tmp_path / "data/SET")
