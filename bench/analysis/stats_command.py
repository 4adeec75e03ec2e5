"""``bench stats``: all comparisons of a run, in words and diagrams, and the spread over runs of several seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.analysis.asked import run_findings
from bench.analysis.diagram import critical_difference_svg
from bench.analysis.pairwise import Comparison
from bench.analysis.questions import finding_sections, findings
from bench.analysis.ranked import unranked
from bench.analysis.sections import NO_CORRECTION, Section, Shown, compare_metrics, comparison_sections
from bench.analysis.set_level import seed_sections, task_sections
from bench.files import write_atomic
from bench.store.run_folder import Store


def stats_command(
    run_dirs: Sequence[Path],
    metrics: Sequence[str] = (),
    convention: str = "standard",
    seed: int = 0,
    differences: Shown = "best",
    diagrams: Path | None = None,
) -> Iterator[Section]:
    """A heading and rows at a time: whether fusion and learning help, metrics, tasks, then the spread over seeds.

    Metrics and tasks are those of the first run; the answers whether fusion helps are over the seeds of all.

    Args:
        run_dirs: a run; more of them are the same run with other seeds.
        metrics: which; none means all in the run.
        convention: of the metrics.
        seed: of the bootstrap.
        differences: which are shown.
        diagrams: folder for a critical-difference diagram of each metric and data set.

    Raises:
        BenchError: no finished run, no such metrics, or runs that differ in more than the seed.
    """
    stores = [Store(folder) for folder in run_dirs]
    scores = stores[0].read_scores()
    over_seeds = seed_sections(stores) if len(stores) > 1 else []
    yield from finding_sections(run_findings(stores[0]) if len(stores) == 1 else findings(stores))
    if not metrics and not (scores["task"] == "metrics").any():
        compared: Iterator[tuple[str, Comparison | None]] = iter(())  # a run of other tasks alone
    else:
        exclude = unranked(scores["method"], stores[0].read_manifest().methods)
        compared = compare_metrics(scores, metrics, convention, seed, exclude)
    tested = False
    for title, comparison in compared:
        tested = tested or comparison is not None
        yield from comparison_sections(title, comparison, differences)
        if diagrams is not None and comparison is not None and comparison.omnibus is not None:
            path = diagrams / f"{comparison.dataset}-{comparison.metric}-{comparison.convention}.svg"
            write_atomic(path, critical_difference_svg(comparison).encode())
            yield f"diagram: {path}", []
    if tested:
        yield NO_CORRECTION, []
    yield from task_sections(stores[0], seed, differences)
    yield from over_seeds


def why_silent(run_dir: Path) -> str:
    """Why a run gives no statistics, in one sentence.

    Raises:
        BenchError: no finished run.
    """
    scores = Store(run_dir).read_scores()
    good = scores[scores["status"] == "ok"]
    if good.empty:
        reasons = [reason for reason in scores["reason"].unique() if reason]
        return f"{run_dir} has no number that came out ({'; '.join(reasons[:2]) or 'no row'})"
    tasks = ", ".join(dict.fromkeys(good["task"]))
    return (
        f"{run_dir} holds {tasks} alone, of which nothing is kept that pairs could be drawn from anew; intervals need "
        "metrics per pair, or the predictions that segmentation and detection leave in the run folder"
    )
