"""Scores a folder of fused images against the sources of a data set, one pair per worker at a time."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pebble import ProcessExpired

from bench.errors import BenchError
from bench.fusion.ready import find_ready
from bench.metrics.catalogue import CONVENTIONS, METRICS
from bench.metrics.choice import ready_engine
from bench.metrics.facts import CAPPED
from bench.run.pool import open_pool
from bench.types import PairFiles, Problem, Score

Chosen = dict[str, tuple[str, ...]]
_PAIRS_PER_EXTRA_WORKER = 8  # starting a process costs about as much as scoring this many pairs


@dataclass(frozen=True, slots=True)
class _Work:
    """One pair to score: its sources, its fused image and what becomes of the numbers."""

    files: PairFiles
    fused_path: Path
    method: str
    chosen: Chosen
    engine: str


def score_folder(
    fused_dir: Path,
    sources: Sequence[PairFiles],
    method: str,
    chosen: Chosen,
    jobs: int = 0,
    progress: Callable[[int, int], None] | None = None,
    others: Collection[str] = (),
    engine: str = "auto",
) -> tuple[list[Score], list[Problem]]:
    """Scores every pair whose fused image is in a folder, matched by name, whatever its ending or case.

    Args:
        fused_dir: holds one image per pair; grey and colour files may be mixed. Or ``FOLDER/PATTERN``.
        sources: the pairs wanted.
        method: label of the ``method`` column.
        chosen: convention -> metrics, see :func:`bench.metrics.catalogue.chosen_metrics`.
        jobs: worker processes, each with one computing thread; 0: one per core.
        progress: called with (pairs done, pairs to do).
        others: names of pairs that are not wanted but may have images there.
        engine: ``auto``, ``numpy`` or ``numba``, see :func:`bench.metrics.choice.choose_engine`.

    Returns:
        The scores, in the order of ``sources``; a pair that cannot be read has failed rows. The problems: pairs without
        a fused image, files that match no pair, names of two files, images that cannot be read or differ in size.

    Raises:
        BenchError: no such folder, no file of it matches any pair, or in two ways.
    """
    images = find_ready(fused_dir, [files.id for files in sources], others)
    matches, problems = images.files, list(images.problems)
    found = [files for files in sources if files.id in matches]
    workers = min(jobs or os.cpu_count() or 1, 1 + len(found) // _PAIRS_PER_EXTRA_WORKER)
    each = len(found) * len(chosen) // workers
    ready = ready_engine(engine, each, lambda text: print(text, file=sys.stderr))  # noqa: T201
    works = [_Work(files, matches[files.id], method, chosen, ready) for files in found]
    scores: list[Score] = []
    for work, rows in zip(works, _run(works, workers, progress), strict=True):
        scores += rows
        failed = next((row.reason for row in rows if row.status == "failed"), "")
        if failed:
            problems.append(Problem(work.files.id, failed))
    return scores, problems


def _run(
    works: Sequence[_Work], workers: int, progress: Callable[[int, int], None] | None
) -> Iterator[list[Score]] | list[list[Score]]:
    report = progress or (lambda _done, _total: None)
    if workers > 1:
        return _run_parallel(works, workers, report)
    return _run_here(works, report)


def _run_here(works: Sequence[_Work], report: Callable[[int, int], None]) -> Iterator[list[Score]]:
    for done, work in enumerate(works, start=1):
        yield _score_one(work)
        report(done, len(works))


def _run_parallel(works: Sequence[_Work], workers: int, report: Callable[[int, int], None]) -> list[list[Score]]:
    results: dict[int, list[Score]] = {}
    try:
        with open_pool(workers, 1) as pool:
            futures = {pool.schedule(_score_one, args=(work,)): index for index, work in enumerate(works)}
            for done, future in enumerate(as_completed(futures), start=1):
                results[futures[future]] = future.result()
                report(done, len(works))
    except (BrokenProcessPool, ProcessExpired) as error:
        raise BenchError(
            f"a scoring process was ended by the system after {len(results)} of {len(works)} pairs, most often for "
            "want of memory; use fewer --jobs"
        ) from error
    return [results[index] for index in range(len(works))]


def _score_one(work: _Work) -> list[Score]:
    from bench.data.pairs import read_pair
    from bench.images import read_image
    from bench.metrics.engine import PairScorer

    try:
        pair = read_pair(work.files)
        scorer = PairScorer(pair.ir, pair.vis, work.chosen, engine=work.engine)
        try:
            values = scorer.score(read_image(work.fused_path))
        except BenchError as error:
            named = str(work.fused_path)
            raise BenchError(str(error) if named in str(error) else f"{named}: {error}") from error
    except BenchError as error:
        return [
            _row(work, convention, metric, None, status="failed", reason=str(error))
            for convention, metrics in work.chosen.items()
            for metric in metrics
        ]
    return [
        _row(work, value.convention, value.metric, value.value, status=value.status, reason=value.reason)
        for value in values
    ]


def _row(work: _Work, convention: str, metric: str, value: float | None, **state: Any) -> Score:
    return Score(
        "metrics", work.files.dataset, work.files.split, work.method, metric, value,
        pair=work.files.id, convention=convention, **state,
    )  # fmt: skip


def write_scores(scores: Iterable[Score], path: Path) -> None:
    """Writes scores with the columns of a run's table, as ``.csv`` (full precision) or ``.parquet``, atomically.

    Raises:
        BenchError: another extension, or the disk does not take it.
    """
    from bench.store.scores import scores_frame, write_table

    write_table(scores_frame(scores), path)


def summary_rows(scores: Iterable[Score]) -> list[dict[str, Any]]:
    """The screen table: one row per convention and metric with mean, sample standard deviation and count.

    Conventions never share a row or column: their numbers are of different things.
    """
    groups: dict[tuple[str, str], list[float | None]] = {}
    for score in scores:
        value = None if score.reason == CAPPED else score.value  # a cap is no measurement
        groups.setdefault((score.convention, score.metric), []).append(value)
    return [_summary(convention, metric, values) for (convention, metric), values in groups.items()]


def _summary(convention: str, metric: str, values: Sequence[float | None]) -> dict[str, Any]:
    present = [value for value in values if value is not None]
    mean = math.fsum(present) / len(present) if present else None
    spread = None
    if mean is not None and len(present) > 1:
        spread = math.sqrt(math.fsum((value - mean) ** 2 for value in present) / (len(present) - 1))
    use = CONVENTIONS[convention].uses[metric]
    return {
        "convention": convention, "metric": metric, "mean": mean, "sd": spread, "pairs": len(present),
        "left out": len(values) - len(present), "unit": use.unit, "better": METRICS[metric].better,
    }  # fmt: skip
