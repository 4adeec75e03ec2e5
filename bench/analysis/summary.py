"""The last screen of a run: means with intervals, and who can be told from whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.analysis.bootstrap import Interval, bootstrap_images, weighted_means
from bench.analysis.numbers import Numbers, direction, metric_order
from bench.analysis.pairwise import Comparison, Settings, compare
from bench.analysis.ranked import unranked
from bench.analysis.sections import Section
from bench.analysis.set_draws import DRAWS
from bench.analysis.set_level import SetComparison, compare_task
from bench.analysis.table import pair_values, select
from bench.data.spec import recorded_spec
from bench.errors import BenchError
from bench.plugin.kinds import TASKS
from bench.store.manifest import Manifest
from bench.store.run_folder import Store

if TYPE_CHECKING:
    import pandas as pd

PLAIN = "average"
"""The plainest fusion there is: what any other should at least beat."""


def summary_sections(store: Store, convention: str = "") -> Iterator[Section]:
    """A heading and the rows of a table at a time: metrics of each data set, then tasks.

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


# ------------------------------------------------------------------ metrics


def _metric_sections(scores: pd.DataFrame, dataset: str, convention: str, manifest: Manifest) -> Iterator[Section]:
    rows = select(scores, "metrics", dataset, convention)
    metrics = list(metric_order(rows.loc[rows["pair"] != "", "metric"], convention))
    if not metrics:
        return
    cells: dict[str, dict[str, Any]] = {}
    pairs = 0
    for metric in metrics:
        values = pair_values(rows, metric)
        pairs = max(pairs, len(values))
        for name in values.columns:
            numbers = values[name].dropna().to_numpy(dtype=np.float64)
            cells.setdefault(str(name), {"method": str(name)})[metric] = _mean(numbers)
    yield f"{dataset}: means over {pairs} pairs, 95 % intervals ({convention})", list(cells.values())
    others = unranked(scores["method"], manifest.methods)
    told = [_told(scores, dataset, metric, convention, others) for metric in metrics if direction(metric)]
    if any(told):
        yield f"{dataset}: who is told from whom (Wilcoxon, Holm; references left out)", [row for row in told if row]


def _mean(numbers: np.ndarray) -> str:
    if not numbers.size:
        return ""
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
        "metric": metric, "best mean": best, "not told from it": _some(comparison.ties(best)),
        f"better than {PLAIN}": _some(_against(comparison, True)),
        f"worse than {PLAIN}": _some(_against(comparison, False)),
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
                    heading = f"{dataset} · {task} · {name} ({way}), {part.comparison.images} images, 95 % intervals"
                    yield heading, _standings(part.comparison, at, name)


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
