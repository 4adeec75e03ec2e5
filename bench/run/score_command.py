"""``bench score``: a folder of fused images against its sources, outside any run."""

from __future__ import annotations

from collections.abc import Callable
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


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """What ``bench score`` was asked for.

    Attributes:
        fused: folder of fused images, or ``FOLDER/PATTERN``.
        out: the table, ``.csv`` or ``.parquet``.
        dataset: of the sources; empty for the folders ``ir`` and ``vis``.
        label: of the ``method`` column; empty for the folder's name.
        conventions: names.
        metrics: names, or ``all``; none: each convention's default.
        jobs: worker processes; 0: one per core.
        engine: ``auto``, ``numpy`` or ``numba``.
        ir_range: how deep infrared images become 8 bits; empty for the data set's own rule.
    """

    fused: Path
    out: Path
    dataset: str = ""
    ir: Path | None = None
    vis: Path | None = None
    label: str = ""
    conventions: tuple[str, ...] = ("standard", "seafusion2022")
    metrics: tuple[str, ...] = ()
    data_root: Path | None = None
    datasets_file: Path | None = None
    jobs: int = 0
    engine: str = "auto"
    ir_range: str = ""


def score_command(request: ScoreRequest, progress: Callable[[int, int], None]) -> ScoreOutcome:
    """Scores ``fused`` against a data set, or against the folders ``ir`` and ``vis``, and writes the table.

    Raises:
        BenchError: unknown names, folders that do not exist, neither or both kinds of sources, no image that matches.
    """
    if request.out.suffix not in (".csv", ".parquet"):
        raise BenchError(f"--out is {request.out}, wanted a file that ends in .csv or .parquet")
    if bool(request.dataset) == (request.ir is not None or request.vis is not None):
        raise BenchError("give the sources either as --dataset NAME or as --ir DIR --vis DIR")
    label = check_label(request.label or _label_of(request.fused), "--method")
    others: frozenset[str] = frozenset()
    if request.dataset:
        opened = open_dataset(request.dataset, request.data_root, request.datasets_file, request.ir_range)
        listing = opened.listing()
        others = opened.known_names() - {files.id for files in listing.pairs}
    else:
        listing = list_folders(request.ir, request.vis, request.ir_range)
    scores, found = score_folder(
        request.fused, listing.pairs, label, chosen_metrics(request.conventions, list(request.metrics) or None),
        request.jobs, progress, others, request.engine,
    )  # fmt: skip
    write_scores(scores, request.out)
    problems = [*listing.problems, *found]
    return ScoreOutcome(
        summary_rows(scores),
        [f"{problem.where}: {problem.text}" for problem in problems if not problem.fault],
        list(dict.fromkeys(f"{problem.where}: {problem.text}" for problem in problems if problem.fault)),
        len(scores),
    )


def _label_of(fused: Path) -> str:
    return Place.of(fused.expanduser()).folder.resolve().name
