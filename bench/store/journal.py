"""Journals: files of whole JSON lines, of which a half last one is ignored."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError


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
