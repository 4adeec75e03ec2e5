"""``bench score``: a folder of fused images against its sources, outside any run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data.catalogue import open_dataset
from bench.errors import BenchError
from bench.fuse.ready import EXTENSIONS
from bench.run.score_folder import score_folder, summary_rows, write_scores
from bench.types import PairFiles, Problem


@dataclass(frozen=True, slots=True)
class ScoreOutcome:
    """What ``bench score`` prints.

    Attributes:
        summary: one row per convention and metric.
        notes: absent and surplus files.
        failed: images that could not be scored.
        rows: of the table written.
    """

    summary: list[dict[str, Any]]
    notes: list[str]
    failed: list[str]
    rows: int


def score_command(
    fused: Path, out: Path, dataset: str, ir: Path | None, vis: Path | None, label: str, conventions: Sequence[str],
    metrics: Sequence[str], data_root: Path | None, datasets_file: Path | None, jobs: int,
    progress: Callable[[int, int], None],
) -> ScoreOutcome:  # fmt: skip
    """Scores ``fused`` against a data set, or against the folders ``ir`` and ``vis``, and writes the table.

    Raises:
        BenchError: unknown names, folders that do not exist, neither or both kinds of sources, no image that matches.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise BenchError(f"--out is {out}, wanted a file that ends in .csv or .parquet")
    if bool(dataset) == (ir is not None or vis is not None):
        raise BenchError("give the sources either as --dataset NAME or as --ir DIR --vis DIR")
    notes: list[Problem] = []
    if dataset:
        opened = open_dataset(dataset, data_root, datasets_file)
        listing = opened.listing()
        sources, name, split = listing.pairs, opened.name, str(opened.split)
        notes += listing.problems
    else:
        sources, name, split = folder_pairs(ir, vis), "folder", "test"
    scores, problems = score_folder(
        fused, sources, label or fused.resolve().name, name, split, conventions, list(metrics) or None, jobs, progress
    )
    write_scores(scores, out)
    broken = sorted({f"{score.pair}: {score.reason}" for score in scores if score.status == "failed"})
    scored = {score.pair for score in scores}
    absent = [files.id for files in sources if files.id not in scored]
    notes += [problem for problem in problems if problem.where not in scored and problem.where not in absent]
    lines = [f"{note.where}: {note.text}" for note in notes]
    if absent:
        lines.append(f"{len(absent)} of {len(sources)} pairs have no image in {fused}: {', '.join(absent)}")
    return ScoreOutcome(summary_rows(scores), lines, broken, len(scores))


def folder_pairs(ir: Path | None, vis: Path | None) -> tuple[PairFiles, ...]:
    """The pairs of two folders, matched by stem.

    Raises:
        BenchError: a folder is missing, or they share no name.
    """
    folders: list[dict[str, Path]] = []
    for option, folder in (("--ir", ir), ("--vis", vis)):
        if folder is None or not folder.is_dir():
            raise BenchError(f"{option} is {folder}, wanted a folder of images; give both --ir and --vis")
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in EXTENSIONS)
        folders.append({path.stem: path for path in files})
    infrared, visible = folders
    names = [name for name in visible if name in infrared]
    if not names:
        raise BenchError(f"{ir} and {vis} share no image name, wanted equal names in both folders")
    return tuple(PairFiles("folder", "test", name, infrared[name], visible[name]) for name in names)
