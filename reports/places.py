"""Folders of the machine that made a run, by what they are: pages hold no absolute path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bench.files import without_folders


@dataclass(frozen=True, slots=True)
class Places:
    """Names of folders.

    Attributes:
        names: (absolute path, what it is called), the longest path first.
    """

    names: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, root: Path, data_root: str | None, weights_root: str | None) -> Places:
        """Those of a run."""
        known = [(str(root), "RUN"), (data_root or "", "DATA"), (weights_root or "", "WEIGHTS"), (_home(), "~")]
        absolute = [(path.rstrip("/\\"), name) for path, name in known if len(path) > 1 and Path(path).is_absolute()]
        return cls(tuple(sorted(absolute, key=lambda item: -len(item[0]))))

    def short(self, text: str) -> str:
        """The text with known folders by name, and of any other absolute path its last part only."""
        for path, name in self.names:
            text = re.sub(rf"{re.escape(path)}(?=[/\\]|$|[\s'\"),;:])", name, text)
        return without_folders(text)


def _home() -> str:
    try:
        return str(Path.home())
    except RuntimeError:
        return ""
