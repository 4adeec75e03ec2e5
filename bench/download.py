"""Downloads: one file with its checksum, or a repository at one commit."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bench.errors import BenchError
from bench.strict import RelativePath, Strict

if TYPE_CHECKING:
    import requests


class Download(Strict):
    """A direct file: address, checksum, where it is unpacked below the data root."""

    url: Annotated[str, Field(pattern=r"^(https?|file)://")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    unpack_to: RelativePath
    size: int = Field(default=0, ge=0)


class GitSource(Strict):
    """A public repository at one commit, whose id is the checksum of everything in it."""

    url: Annotated[str, Field(pattern=r"^(https|file)://")]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    unpack_to: RelativePath


Progress = Callable[[str, int, int], None]
"""Called with (what, bytes done, bytes in all or 0)."""

CHUNK = 1 << 18
DEFAULT_LIMIT = 16 << 30
"""Bytes that a download without a known size may have."""
TIMEOUT_S = (15.0, 60.0)
"""Seconds to connect, and between two pieces of an answer."""


def download(
    url: str,
    target: Path,
    *,
    sha256: str = "",
    git_blob: str = "",
    size: int = 0,
    limit: int = DEFAULT_LIMIT,
    progress: Progress | None = None,
) -> Path:
    r"""Downloads one file; it stands at ``target`` only once it is whole and has the right checksum.

    An interrupted download goes on where it stopped. Two processes may ask for the same file: the second waits.

    Args:
        url: http or https.
        target: file to write; its folder is made.
        sha256: hexadecimal digest; this or ``git_blob`` must be given.
        git_blob: git blob id, ``sha1("blob <size>\0" + bytes)``.
        size: bytes it must have; 0 where unknown.
        limit: refuse more bytes than this.
        progress: told of every piece.

    Returns:
        ``target``.

    Raises:
        BenchError: no connection, a refusal of the server, too large, or not what the checksum says.
    """
    if not (sha256 or git_blob):
        raise BenchError(f"{url}: has no checksum, wanted sha256 or git blob id; nothing is fetched unchecked")
    if not url.startswith(("http://", "https://")):
        raise BenchError(f"{url}: wanted an http or https address")
    wanted = _Wanted(url, sha256.lower(), git_blob.lower(), size, min(limit, size) if size else limit)
    part = target.with_name(f".{target.name}.part")
    with locked(target):
        if target.is_file() and not wanted.difference(target):
            return target
        fresh = not part.exists()
        _stream(wanted, part, progress)
        wrong = wanted.difference(part)
        if wrong and not fresh:  # what was left of an earlier attempt may have been of another file
            part.unlink()
            _stream(wanted, part, progress)
            wrong = wanted.difference(part)
        if wrong:
            part.unlink()
            raise BenchError(f"{url}: {wrong}; the file has changed or was damaged on the way, nothing was kept")
        part.replace(target)
    return target


@dataclass(frozen=True, slots=True)
class _Wanted:
    url: str
    sha256: str
    git_blob: str
    size: int
    limit: int

    def difference(self, path: Path) -> str:
        """What tells a file from the wanted one; empty where nothing does."""
        size = path.stat().st_size
        if self.size and size != self.size:
            return f"{size} bytes, wanted {self.size}"
        sha256, blob = hashlib.sha256(), hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                sha256.update(chunk)
                blob.update(chunk)
        for name, want, seen in (("sha256", self.sha256, sha256), ("git blob id", self.git_blob, blob)):
            if want and seen.hexdigest() != want:
                return f"its {name} is {seen.hexdigest()}, wanted {want}"
        return ""


def _stream(wanted: _Wanted, part: Path, progress: Progress | None) -> None:
    """Appends to ``part`` what is missing of it."""
    import requests

    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with _session() as session, session.get(wanted.url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
            if have and answer.status_code == 416:  # nothing after what is there: whole, or left of another file
                return
            answer.raise_for_status()
            _write(answer, part, have if answer.status_code == 206 else 0, wanted, progress)
    except BenchError:
        part.unlink(missing_ok=True)
        raise
    except requests.HTTPError as error:
        raise BenchError(f"{error}; the file may have moved, fetch it by hand") from error
    except requests.RequestException as error:
        raise BenchError(
            f"{wanted.url}: no connection, or broken off ({_reason(error)}); go online and try again (what is there is "
            f"kept), or fetch the file by hand"
        ) from error
    except OSError as error:
        raise _unwritable(part.parent, error) from error


def _write(answer: requests.Response, part: Path, have: int, wanted: _Wanted, progress: Progress | None) -> None:
    length = int(answer.headers.get("Content-Length") or 0)
    total = have + length if length else 0
    if total > wanted.limit:
        raise BenchError(f"{wanted.url}: {total} bytes, wanted at most {wanted.limit}; nothing was kept")
    with part.open("ab" if have else "wb") as file:
        for chunk in answer.iter_content(CHUNK):
            have += len(chunk)
            if have > wanted.limit:
                raise BenchError(f"{wanted.url}: more than {wanted.limit} bytes, wanted no more; nothing was kept")
            file.write(chunk)
            if progress:
                progress(wanted.url, have, total)


def _session() -> requests.Session:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    session = requests.Session()
    retry = Retry(total=3, connect=1, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504), raise_on_status=False)
    session.mount("http://", HTTPAdapter(max_retries=retry))
    session.mount("https://", HTTPAdapter(max_retries=retry))
    return session


def _unwritable(folder: Path, error: OSError) -> BenchError:
    return BenchError(f"{folder}: cannot be written ({error.strerror or error}); free some space or permit it")


def _reason(error: Exception) -> str:
    """The innermost cause in a few words, without the nest of retries around it."""
    cause: BaseException = error
    while inner := (cause.__cause__ or cause.__context__):
        cause = inner
    return " ".join(str(cause).split())[:200] or type(cause).__name__


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Holds what is being made at ``target`` against other processes.

    Raises:
        BenchError: the folder cannot be written.
    """
    from filelock import FileLock

    lock = target.with_name(f".{target.name}.lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            yield
    except OSError as error:
        raise _unwritable(target.parent, error) from error


def clone_at(source: GitSource, target: Path) -> Path:
    """Fetches one commit of a repository, without its history; the commit id is the checksum.

    ``target`` appears only when everything is there. Links of the repository become plain files.

    Raises:
        BenchError: ``target`` exists, git is missing, no connection, or the repository has no such commit.
    """
    git = shutil.which("git")
    if git is None:
        raise BenchError(f"{source.url}: git is not installed, wanted to fetch the repository; install git")
    with locked(target):
        if target.exists():
            raise BenchError(f"{target}: exists already; remove it to fetch it anew")
        work = target.with_name(f".{target.name}.fetch")
        shutil.rmtree(work, ignore_errors=True)
        try:
            _git(git, source, "init", "-q", str(work))
            _git(git, source, "-C", str(work), "fetch", "-q", "--depth", "1", "--no-tags", source.url, source.commit)
            settings = ("core.symlinks=false", "core.autocrlf=false", "core.hooksPath=/dev/null")
            options = [word for setting in settings for word in ("-c", setting)]
            _git(git, source, "-C", str(work), *options, "checkout", "-q", "--detach", source.commit)
            shutil.rmtree(work / ".git")
            work.replace(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return target


def _git(git: str, source: GitSource, *arguments: str) -> None:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set where a git hook runs this program
        environment.pop(name, None)
    done = subprocess.run([git, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        text = " ".join(done.stderr.split())[-300:]
        raise BenchError(
            f"{source.url}: git could not fetch commit {source.commit[:12]} ({text}); go online and try again"
        )
