"""The last screen of a run: means with intervals, and who can be told from whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.analysis.bootstrap import Interval, bootstrap_images, weighted_means
from bench.analysis.captions import caption, described, heading, left_out_words, marks, notes, remark
from bench.analysis.means import Layout, mean_table
from bench.analysis.numbers import FUSION, Numbers
from bench.analysis.pairwise import Comparison, Settings, compare
from bench.analysis.ranked import unranked
from bench.analysis.sections import Section
from bench.analysis.set_draws import DRAWS
from bench.analysis.set_level import SetComparison, compare_task
from bench.analysis.table import Cell, Row, Table, pair_values, select
from bench.data.spec import recorded_spec
from bench.errors import BenchError
from bench.plugin.kinds import TASKS
from bench.store.manifest import Manifest
from bench.store.run_folder import Store
from bench.types import UNDER_LOAD

if TYPE_CHECKING:
    import pandas as pd

PLAIN = "average"
"""The plainest fusion there is: what any other should at least beat."""


def summary_sections(store: Store, convention: str = "") -> Iterator[Section]:
    """A heading and the rows of a table at a time: metrics of each data set, tasks, and times taken under load.

    Args:
        store: a run.
        convention: of the metrics; empty takes the first that the run was asked for.

    Raises:
        BenchError: no finished run.
    """
    scores, manifest = store.read_scores(), store.read_manifest()
    chosen = convention or next(iter(manifest.config.conventions), "standard")
    for dataset in dict.fromkeys(scores["dataset"]):
        yield from _metric_sections(scores, dataset, chosen, manifest)
    yield from _task_sections(store, scores, manifest)
    yield from _disturbed(scores, Numbers.of(manifest))


# ------------------------------------------------------------------ metrics


def _metric_sections(scores: pd.DataFrame, dataset: str, convention: str, manifest: Manifest) -> Iterator[Section]:
    others = unranked(scores["method"], manifest.methods)
    table = mean_table(scores, dataset, convention, unranked=others, layout=Layout(ties=False))
    if not table.columns:
        return
    table = described(table, manifest.methods)
    rows = select(scores, FUSION, dataset, convention)
    values = {column.metric: pair_values(rows, column.metric) for column in table.columns}
    yield f"{caption(table, dataset)}; 95 % intervals", [_line(table, row, values) for row in table.rows]
    if said := notes(table):
        yield "; ".join(said), []
    told = [_told(scores, dataset, column.metric, convention, others) for column in table.columns if column.better]
    if any(told):
        yield f"{dataset}: who is told from whom (Wilcoxon, Holm; references left out)", [row for row in told if row]


def _line(table: Table, row: Row, values: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """A row as printed; a remark that all its numbers share stands once, behind the method."""
    shared = {remark(cell) for cell in row.cells if cell.mean is not None}
    common = next(iter(shared)) if len(shared) == 1 else ""
    line = {"method": row.method + marks(table, row.method) + (f" ({common})" if common else "")}
    for column, cell in zip(table.columns, row.cells, strict=True):
        own = remark(cell) if not common else ""
        line[heading(column)] = _mean(values[column.metric], row.method, cell) + (f" ({own})" if own else "")
    return line


def _mean(values: pd.DataFrame, method: str, cell: Cell) -> str:
    if cell.mean is None:
        return ""
    numbers = values[method].dropna().to_numpy(dtype=np.float64)
    found = bootstrap_images(
        numbers.size, weighted_means(numbers[None]), resamples=DRAWS.resamples, seed=DRAWS.seed, method=DRAWS.interval
    )
    return shown(found.intervals[0])


def shown(interval: Interval) -> str:
    """A number with its interval, e.g. ``6.71 [6.65, 6.78]``.

    Example:
        >>> shown(Interval(0.4512, 0.4333, 0.4671))
        '0.451 [0.433, 0.467]'
    """
    digits = 3 if abs(interval.value) < 1 else 2 if abs(interval.value) < 100 else 1
    if not np.isfinite(interval.low):
        return f"{interval.value:.{digits}f}"
    return f"{interval.value:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def _told(
    scores: pd.DataFrame, dataset: str, metric: str, convention: str, others: Sequence[str] | frozenset[str]
) -> dict[str, Any]:
    settings = Settings(DRAWS.resamples, interval=DRAWS.interval)
    try:
        comparison = compare(scores, dataset, metric, convention, exclude=others, settings=settings)
    except BenchError:  # one method, or one pair: nothing to tell apart
        return {}
    sign = 1.0 if comparison.better == "higher" else -1.0
    best = max(comparison.standings, key=lambda entry: sign * entry.mean.value).method
    return {
        "metric": metric, "pairs": comparison.pairs, "best mean": best,
        "not told from it": _some(comparison.ties(best)),
        f"better than {PLAIN}": _some(_against(comparison, True)),
        f"worse than {PLAIN}": _some(_against(comparison, False)),
        **({"left out": _some(list(comparison.left_out))} if comparison.left_out else {}),
    }  # fmt: skip


def _against(comparison: Comparison, better: bool) -> list[str]:
    """The methods that are told from the plain average, on one side of it."""
    pairs = [entry for entry in comparison.differences if PLAIN in (entry.first, entry.second) and entry.better]
    names = [entry.second if entry.first == PLAIN else entry.first for entry in pairs]
    return [name for name, entry in zip(names, pairs, strict=True) if (entry.better != PLAIN) == better]


def _some(names: Sequence[str], most: int = 6) -> str:
    """Names by comma, at most so many."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "") or "nobody"


# ------------------------------------------------------------------ tasks


def _task_sections(store: Store, scores: pd.DataFrame, manifest: Manifest) -> Iterator[Section]:
    numbers = Numbers.of(manifest)
    for task, dataset in dict.fromkeys(zip(scores["task"], scores["dataset"], strict=True)):
        if task not in TASKS.names() or dataset not in manifest.datasets:
            continue
        spec = recorded_spec(manifest.datasets[dataset].model_dump())
        try:
            found = compare_task(store, task, dataset, spec)
        except BenchError as error:
            yield f"{dataset} · {task}: no intervals, {error}", []
            continue
        for part in found[:1]:
            for at, (metric, label, way) in enumerate(part.numbers):
                if (metric, label) in numbers.headlines(task):
                    name = f"{metric}{f' {label}' if label else ''}"
                    over = f"{part.comparison.images} images, 95 % intervals{left_out_words(part.left_out)}"
                    yield f"{dataset} · {task} · {name} ({way}), {over}", _standings(part.comparison, at, name)


def _standings(comparison: SetComparison, at: int, name: str) -> list[dict[str, Any]]:
    """One row a method, best first: its number, and whom the interval of the difference tells it from."""
    order = sorted(comparison.values, key=lambda method: -comparison.values[method][at].value)
    return [
        {
            "method": method, name: shown(comparison.values[method][at]),
            "above": _some([other for other in order[place + 1 :] if other not in comparison.ties(method, at)]),
            "below": _some([other for other in order[:place] if other not in comparison.ties(method, at)]),
        }
        for place, method in enumerate(order)
    ]  # fmt: skip


def _disturbed(scores: pd.DataFrame, numbers: Numbers) -> Iterator[Section]:
    """Whose times have no rank because other work ran beside them: a line for each task of each data set."""
    rows = scores[(scores["pair"] == "") & (scores["status"] == "ok")]
    rows = rows[rows["reason"].str.contains(UNDER_LOAD, regex=False, na=False)]
    for (task, dataset), own in rows.groupby(["task", "dataset"], sort=False):
        hurried = [metric for metric in dict.fromkeys(own["metric"]) if numbers.measured(str(task), metric)]
        names = list(dict.fromkeys(own.loc[own["metric"].isin(hurried), "method"]))
        if names:
            yield (
                f"{dataset} · {task}: {UNDER_LOAD}, so not ranked: {_some(names)}; "
                f"--tasks {task} --rerun all on a quiet machine measures anew",
                [],
            )
