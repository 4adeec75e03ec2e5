"""What a run keeps on disk: the only module that knows the paths of a run folder.

Everything is written so that a kill at any moment leaves either the old state or the new one: images and tables by
rename, journals by whole lines, of which a half last one is ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.files import SAFE_NAME, write_atomic
from bench.store.journal import Journal
from bench.store.manifest import Manifest, parse_manifest
from bench.store.scores import write_table
from bench.types import SCORE_COLUMNS, PairFiles

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Store:
    """The folder of one run; its path may be given as text."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root).expanduser())

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

    @property
    def pretrained_dir(self) -> Path:
        """The one copy of each pretrained file that all workers start from."""
        return self.root / "pretrained"

    def fused_path(self, dataset: str, split: str, method: str, pair: str) -> Path:
        """A fused image: parts may use the same names, so each but ``test`` has a folder of its own."""
        return self.root / "fused" / _safe(place(dataset, split)) / _safe(method) / f"{_safe(pair)}.png"

    def fused_of(self, files: PairFiles, method: str) -> Path:
        """The fused image of a pair."""
        return self.fused_path(files.dataset, files.split, method, files.id)

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

    def read_manifest(self) -> Manifest:
        """The manifest, an empty one if there is none yet.

        Raises:
            BenchError: it is not JSON, or not a manifest.
        """
        try:
            loaded = json.loads(self.manifest_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Manifest()
        except (OSError, ValueError) as error:
            raise BenchError(
                f"{self.manifest_path}: not readable as JSON ({error}); remove it and run again"
            ) from error
        return parse_manifest(self.manifest_path, loaded)

    def write_manifest(self, manifest: Manifest) -> None:
        """Writes the manifest."""
        write_atomic(self.manifest_path, manifest.model_dump_json(indent=1).encode())

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


def place(dataset: str, split: str) -> str:
    """What the folder of one part of a data set is called: ``mfnet`` for its ``test``, ``mfnet@train`` for another."""
    return dataset if split == "test" else f"{dataset}@{split}"


def _safe(name: str) -> str:
    """A single path component, refused unless harmless."""
    if not SAFE_NAME.match(name):
        raise BenchError(
            f"name {name!r} is not usable as a file name; wanted no '/', no leading '.', at most 200 characters"
        )
    return name
