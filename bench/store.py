"""What a run keeps on disk: the only module that knows the paths of a run folder.

Everything is written so that a kill at any moment leaves either the old state or the new one: images and tables by
rename, journals by whole lines, of which a half last one is ignored.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.images import encode_png, write_atomic
from bench.types import FATAL_ERRNO, SCORE_COLUMNS, BenchError, Image, PairFiles, Score, StoppedError

if TYPE_CHECKING:
    import pandas as pd

SAFE_NAME = re.compile(r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,199}$")
"""One path component: no separator, no control character, not hidden, not too long for a file system."""

PARTIAL = re.compile(r"^\..+\.[0-9a-f]+\.part$")
"""What ``write_atomic`` calls a file until it is whole."""


def digest(*parts: bytes | str) -> str:
    """A 128-bit hexadecimal digest of the parts, in order, unambiguous about where one ends."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
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


@dataclass(frozen=True, slots=True)
class Store:
    """The folder of one run."""

    root: Path

    @property
    def manifest_path(self) -> Path:
        """What was run, with what, on what."""
        return self.root / "manifest.json"

    @property
    def scores_parquet(self) -> Path:
        """The score table."""
        return self.root / "scores.parquet"

    @property
    def scores_csv(self) -> Path:
        """The score table as text."""
        return self.root / "scores.csv"

    @property
    def report_dir(self) -> Path:
        """The HTML report."""
        return self.root / "report"

    @property
    def report_stamp(self) -> Path:
        """Digest of all that the report was built from."""
        return self.report_dir / ".built-from"

    @property
    def lock_path(self) -> Path:
        """Held by the process that writes here."""
        return self.root / ".lock"

    @property
    def trained_dir(self) -> Path:
        """Weights trained in this run, one folder per method."""
        return self.root / "trained"

    def fused_path(self, dataset: str, method: str, pair: str) -> Path:
        """A fused image."""
        return self.root / "fused" / _safe(dataset) / _safe(method) / f"{_safe(pair)}.png"

    def work_dir(self, task: str, dataset: str, method: str) -> Path:
        """Where a task keeps predictions, matrices and checkpoints of one method and data set."""
        return self.root / "tasks" / _safe(task) / _safe(dataset) / _safe(method)

    def journal(self, kind: str, dataset: str, name: str) -> Journal:
        """An append-only journal; one writer at a time."""
        return Journal(self.root / "parts" / _safe(kind) / _safe(dataset) / f"{_safe(name)}.jsonl")

    def journals(self, kind: str, dataset: str) -> Iterator[Journal]:
        """All journals of one kind and data set, oldest first."""
        folder = self.root / "parts" / _safe(kind) / _safe(dataset)
        for path in sorted(folder.glob("*.jsonl"), key=lambda path: (path.stat().st_mtime_ns, path.name)):
            yield Journal(path)

    def sweep(self) -> int:
        """Removes half-written files of killed runs; only for the holder of the lock. Returns how many."""
        stale = [path for path in self.root.rglob(".*.part") if PARTIAL.match(path.name) and path.is_file()]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def write_fused(self, files: PairFiles, method: str, image: Image) -> dict[str, Any]:
        """Writes a fused image; returns what the journal must remember to trust it later."""
        path = self.fused_path(files.dataset, method, files.id)
        data = encode_png(image)
        write_atomic(path, data)
        return {"pair": files.id, "digest": digest(data), "size": len(data), "mtime": path.stat().st_mtime_ns}

    def fused_is_whole(self, dataset: str, method: str, line: Mapping[str, Any]) -> bool:
        """True if the image a journal line speaks of is still the one that was written."""
        path = self.fused_path(dataset, method, str(line["pair"]))
        try:
            status = path.stat()
        except OSError:
            return False
        if status.st_size != line.get("size"):
            return False
        return status.st_mtime_ns == line.get("mtime") or file_digest(path) == line.get("digest")

    def read_manifest(self) -> dict[str, Any]:
        """The manifest, empty if there is none yet.

        Raises:
            BenchError: it is not JSON.
        """
        try:
            loaded = json.loads(self.manifest_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise BenchError(
                f"{self.manifest_path}: not readable as JSON ({error}); remove it and run again"
            ) from error
        if not isinstance(loaded, dict):
            raise BenchError(f"{self.manifest_path}: holds a {type(loaded).__name__}, wanted an object")
        return loaded

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Writes the manifest."""
        write_atomic(self.manifest_path, json.dumps(manifest, indent=1, default=str).encode())

    def write_scores(self, scores: pd.DataFrame) -> None:
        """Writes ``scores.csv`` and ``scores.parquet``, both sorted the same way.

        The parquet file comes last: it is what a later run compares with, so it never speaks for an older CSV.
        """
        write_table(scores, self.scores_csv)
        write_table(scores, self.scores_parquet)

    def read_scores(self) -> pd.DataFrame:
        """The score table.

        Raises:
            BenchError: the folder holds no finished run, or the table is damaged.
        """
        import pandas as pd

        if not self.scores_parquet.is_file():
            raise BenchError(f"{self.root}: no scores.parquet, so not a finished run; give the --out of a bench run")
        try:
            scores = pd.read_parquet(self.scores_parquet)
        except Exception as error:
            raise BenchError(f"{self.scores_parquet}: damaged ({error}); run bench run again to rebuild it") from error
        missing = [column for column in SCORE_COLUMNS if column not in scores.columns]
        if missing:
            raise BenchError(
                f"{self.scores_parquet}: columns {', '.join(missing)} are missing; written by another program?"
            )
        return scores


@dataclass(frozen=True, slots=True)
class Journal:
    """JSON lines, appended one at a time; a line counts once it is whole."""

    path: Path

    def append(self, line: Mapping[str, Any]) -> None:
        """Adds one line and hands it to the operating system before returning."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            end = os.lseek(handle, 0, os.SEEK_END)
            if end and os.pread(handle, 1, end - 1) != b"\n":
                data = b"\n" + data
            written = os.write(handle, data)
            if written != len(data):
                raise OSError(errno.ENOSPC, "No space left on device")
        finally:
            os.close(handle)

    def lines(self, *keys: str) -> Iterator[dict[str, Any]]:
        """All whole lines that have these keys, oldest first; damaged ones are passed over.

        Raises:
            BenchError: the file cannot be read.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise BenchError(f"{self.path}: cannot be read ({error.strerror}); mend or remove it") from error
        for raw in data.split(b"\n"):
            try:
                line = json.loads(raw)
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict) and all(key in line for key in keys):
                yield line


def scores_frame(scores: Iterable[Score]) -> pd.DataFrame:
    """Scores as a table with the contract's columns, sorted, the later of two equal rows kept."""
    import pandas as pd

    frame = pd.DataFrame([asdict(score) for score in scores], columns=list(SCORE_COLUMNS))
    return tidy(frame)


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Fixed types and order; of rows that speak of the same number the last is kept."""
    keys = [column for column in SCORE_COLUMNS if column not in ("value", "status", "reason")]
    text = [column for column in SCORE_COLUMNS if column != "value"]
    frame = frame.astype({**dict.fromkeys(text, "object"), "value": "float64"})
    frame = frame.drop_duplicates(keys, keep="last").sort_values(keys, kind="stable")
    return frame[list(SCORE_COLUMNS)].reset_index(drop=True)


def write_table(scores: pd.DataFrame, path: Path) -> None:
    """Writes a score table as ``.parquet`` or ``.csv`` (full precision), atomically.

    Raises:
        BenchError: another extension, or it may not be written there.
        StoppedError: the disk is full.
    """
    import io

    if path.suffix == ".parquet":
        buffer = io.BytesIO()
        scores.to_parquet(buffer, index=False)
        data = buffer.getvalue()
    elif path.suffix == ".csv":
        data = scores.to_csv(index=False, float_format="%.17g").encode()
    else:
        raise BenchError(f"{path}: extension {path.suffix!r}, wanted .csv or .parquet")
    try:
        write_atomic(path, data)
    except OSError as error:
        kind = StoppedError if error.errno in FATAL_ERRNO else BenchError
        raise kind(f"{path}: cannot be written ({error.strerror}); free space or choose another folder") from error


def _safe(name: str) -> str:
    """A single path component, refused unless harmless."""
    if not SAFE_NAME.match(name):
        raise BenchError(
            f"name {name!r} is not usable as a file name; wanted no '/', no leading '.', at most 200 characters"
        )
    return name
