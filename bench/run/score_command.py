"""``bench score``: a folder of fused images against its sources, outside any run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data.catalogue import open_dataset
from bench.data.folders import list_folders
from bench.data.names import Place, check_label
from bench.errors import BenchError
from bench.metrics.catalogue import chosen_metrics
from bench.run.score_folder import score_folder, summary_rows, write_scores


@dataclass(frozen=True, slots=True)
class ScoreOutcome:
    """What ``bench score`` prints.

    Attributes:
        summary: one row per convention and metric.
        notes: remarks on the data.
        failed: images that could not be scored, are not there, or belong to no pair.
        rows: of the table written.
    """

    summary: list[dict[str, Any]]
    notes: list[str]
    failed: list[str]
    rows: int


def score_command(
    fused: Path, out: Path, dataset: str, ir: Path | None, vis: Path | None, label: str, conventions: Sequence[str],
    metrics: Sequence[str], data_root: Path | None, datasets_file: Path | None, jobs: int,
    progress: Callable[[int, int], None], engine: str = "auto", ir_range: str = "",
) -> ScoreOutcome:  # fmt: skip
    """Scores ``fused`` against a data set, or against the folders ``ir`` and ``vis``, and writes the table.

    Raises:
        BenchError: unknown names, folders that do not exist, neither or both kinds of sources, no image that matches.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise BenchError(f"--out is {out}, wanted a file that ends in .csv or .parquet")
    if bool(dataset) == (ir is not None or vis is not None):
        raise BenchError("give the sources either as --dataset NAME or as --ir DIR --vis DIR")
    label = check_label(label or _label_of(fused), "--method")
    others: frozenset[str] = frozenset()
    if dataset:
        opened = open_dataset(dataset, data_root, datasets_file, ir_range)
        listing = opened.listing()
        others = opened.known_names() - {files.id for files in listing.pairs}
    else:
        listing = list_folders(ir, vis, ir_range)
    scores, found = score_folder(
        fused, listing.pairs, label, chosen_metrics(conventions, list(metrics) or None), jobs, progress, others, engine
    )  # fmt: skip
    write_scores(scores, out)
    problems = [*listing.problems, *found]
    return ScoreOutcome(
        summary_rows(scores),
        [f"{problem.where}: {problem.text}" for problem in problems if not problem.fault],
        list(dict.fromkeys(f"{problem.where}: {problem.text}" for problem in problems if problem.fault)),
        len(scores),
    )


def _label_of(fused: Path) -> str:
    return Place.of(fused.expanduser()).folder.resolve().name
