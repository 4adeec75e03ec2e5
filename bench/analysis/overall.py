"""Where methods stand over all data sets, tasks and metrics of a run: one mean rank, and what chance leaves of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from bench.analysis.bootstrap import Floats, Interval, bootstrap_images, weighted_means
from bench.analysis.correction import can_tell
from bench.analysis.letters import letters
from bench.analysis.numbers import Better, direction
from bench.analysis.pairwise import Settings
from bench.analysis.set_draws import DRAWS
from bench.analysis.set_level import SetComparison
from bench.analysis.table import pair_values

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Strand:
    """One number of one data set, of every method, and of every draw of images.

    Attributes:
        task: whose number.
        dataset: its name.
        metric: the number.
        label: class or part; empty for none.
        better: its direction.
        methods: those that have it.
        values: float64 (methods,).
        drawn: float64 (methods, draws).
        images: how many were drawn from.
    """

    task: str
    dataset: str
    metric: str
    label: str
    better: Better
    methods: tuple[str, ...]
    values: Floats
    drawn: Floats
    images: int


@dataclass(frozen=True, slots=True)
class OverallStanding:
    """One method.

    Attributes:
        rank: its mean rank, 1 is best.
        letters: methods that share a letter cannot be told apart.
        by_task: task -> its mean rank there.
        places: its rank in each strand.
    """

    method: str
    rank: Interval
    letters: str
    by_task: Mapping[str, float]
    places: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Overall:
    """All methods over all strands.

    Attributes:
        strands: (task, data set, metric, label) of each.
        standings: best mean rank first.
        left_out: method or number -> why it is not in.
    """

    strands: tuple[tuple[str, str, str, str], ...]
    standings: tuple[OverallStanding, ...]
    left_out: Mapping[str, str]


def pair_strands(
    rows: pd.DataFrame, dataset: str, metrics: Sequence[str], methods: Collection[str], settings: Settings = DRAWS
) -> list[Strand]:
    """The means of metrics over the pairs that all methods have, with their draws.

    Args:
        rows: scores of the fusion metrics on one data set in one convention.
        dataset: its name.
        metrics: those that count; one without direction is passed over.
        methods: those that are compared.
        settings: of the draws.
    """
    found = []
    for metric in metrics:
        values = pair_values(rows, metric)
        values = values[[name for name in values.columns if name in methods]]
        counts = values.notna().sum()
        values = values.loc[:, counts >= FEWEST * counts.max()].dropna() if len(counts) else values
        if not direction(metric) or values.empty:
            continue
        numbers = values.to_numpy(dtype=np.float64).T
        drawn = bootstrap_images(
            len(values), weighted_means(numbers), resamples=settings.resamples, seed=settings.seed, method="percentile"
        )
        names = tuple(map(str, values.columns))
        means = numbers.mean(axis=1)
        better, images = direction(metric), len(values)
        found.append(Strand("metrics", dataset, metric, "", better, names, means, drawn.distribution, images))
    return found


FEWEST = 0.9
"""A method with values for less than this part of the pairs has no mean that compares."""


def set_strand(
    task: str, dataset: str, number: tuple[str, str], better: Better, comparison: SetComparison, at: int,
    methods: Collection[str],
) -> Strand:  # fmt: skip
    """A set-level number with the draws that its intervals are of.

    Args:
        task: whose number.
        dataset: its name.
        number: metric and label.
        better: its direction.
        comparison: of all methods.
        at: which of its numbers.
        methods: those that are compared.
    """
    names = tuple(name for name in comparison.values if name in methods)
    places = [list(comparison.values).index(name) for name in names]
    values = np.array([comparison.values[name][at].value for name in names])
    return Strand(task, dataset, *number, better, names, values, comparison.drawn[places, at], comparison.images)


def overall(strands: Sequence[Strand], settings: Settings = DRAWS) -> Overall | None:
    """The mean rank of every method: tasks count alike, in a task its data sets, on a data set its numbers.

    Methods that lack a fusion metric are left out, and numbers of other tasks that some method lacks. Two methods are
    told apart if the simultaneous interval of the difference of their mean ranks (bootstrap over images, largest
    studentised deviation over all pairs of methods) leaves out 0, and there are images enough to tell anything.

    Args:
        strands: of all data sets and tasks.
        settings: whose level counts.

    Returns:
        None for fewer than two methods or no strands.

    References:
        P. Westfall, S. Young, Resampling-Based Multiple Testing, 1993, chapter 2 (the single-step maximum).
    """
    known = list(dict.fromkeys(name for strand in strands for name in strand.methods))
    base = [strand for strand in strands if strand.task == "metrics"] or list(strands)
    lacking = {
        name: next((f"no {one.metric} on {one.dataset}" for one in base if name not in one.methods), "")
        for name in known
    }
    methods = [name for name in known if not lacking[name]]
    used = [strand for strand in strands if set(methods) <= set(strand.methods)]
    if len(methods) < 2 or not used:
        return None
    left_out = {name: reason for name, reason in lacking.items() if reason}
    left_out |= {
        f"{one.metric} {one.label} on {one.dataset}".replace("  ", " "): "some methods have no value"
        for one in strands
        if one not in used
    }
    places = np.stack([_ranks(strand, strand.values[:, None], methods)[:, 0] for strand in used])
    drawn = np.stack([_ranks(strand, strand.drawn, methods) for strand in used])
    weights = _weights(used)
    own, draws = weights @ places, np.tensordot(weights, drawn, axes=1)
    draws = draws[:, np.isfinite(draws).all(axis=0)]  # a draw that lacks a class has no mean IoU
    order = [int(at) for at in np.argsort(own, kind="stable")]
    names = [methods[at] for at in order]
    images = sum({one.dataset: one.images for one in used}.values())
    enough = can_tell(images, settings.alpha)
    marked = letters(names, _told_apart(names, own[order], draws[order], settings.alpha) if enough else ())
    tails = [settings.alpha / 2, 1 - settings.alpha / 2]
    low, high = np.quantile(draws, tails, axis=1) if draws.size else (np.full(len(own), np.nan),) * 2
    tasks = list(dict.fromkeys(strand.task for strand in used))
    by_task = {task: _mean_of_task(used, places, task) for task in tasks}
    standings = tuple(
        OverallStanding(
            methods[at], Interval(float(own[at]), float(low[at]), float(high[at])), marked[methods[at]],
            {task: float(means[at]) for task, means in by_task.items()}, tuple(map(float, places[:, at])),
        )
        for at in order
    )  # fmt: skip
    return Overall(tuple((one.task, one.dataset, one.metric, one.label) for one in used), standings, left_out)


def _ranks(strand: Strand, values: Floats, methods: Sequence[str]) -> Floats:
    """Ranks among ``methods``, of values of (methods of the strand, draws); equal ones share their mean rank."""
    from scipy.stats import rankdata

    chosen = values[[strand.methods.index(name) for name in methods]]
    return rankdata(-chosen if strand.better == "higher" else chosen, axis=0, nan_policy="omit")


def _weights(strands: Sequence[Strand]) -> Floats:
    """What each strand counts: tasks alike, then data sets, then numbers."""
    tasks = {strand.task for strand in strands}
    found = []
    for strand in strands:
        datasets = {one.dataset for one in strands if one.task == strand.task}
        numbers = sum((one.task, one.dataset) == (strand.task, strand.dataset) for one in strands)
        found.append(1.0 / (len(tasks) * len(datasets) * numbers))
    return np.array(found)


def _mean_of_task(strands: Sequence[Strand], places: Floats, task: str) -> Floats:
    chosen = [at for at, strand in enumerate(strands) if strand.task == task]
    return _weights([strands[at] for at in chosen]) @ places[chosen]


def _told_apart(names: Sequence[str], own: Floats, draws: Floats, alpha: float) -> set[tuple[str, str]]:
    """Pairs whose difference is larger than the largest deviation that draws show, by so many of their deviations."""
    pairs = list(combinations(range(len(names)), 2))
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    differences, drawn = own[first] - own[second], draws[first] - draws[second]
    spread = drawn.std(axis=1) if draws.size else np.zeros(len(pairs))
    steady = spread > 0
    if not steady.any():
        return {(names[a], names[b]) for (a, b), gap in zip(pairs, differences, strict=True) if gap}
    off = np.abs(drawn[steady] - differences[steady, None]) / spread[steady, None]
    limit = float(np.quantile(off.max(axis=0), 1 - alpha))
    told = np.abs(differences) > limit * spread
    return {(names[a], names[b]) for (a, b), one in zip(pairs, told, strict=True) if one}
