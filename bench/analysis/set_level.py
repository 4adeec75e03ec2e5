"""Intervals, differences and spread of set-level numbers (mIoU, AP)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.analysis.bootstrap import Floats, Interval, WeightedStatistic, intervals, snapped
from bench.analysis.captions import left_out_words
from bench.analysis.correction import can_tell
from bench.analysis.numbers import FUSION, Numbers
from bench.analysis.pairwise import Settings
from bench.analysis.sections import Section, Shown
from bench.analysis.set_draws import DRAWS, Over, SetDraws, on_same_images, task_work
from bench.data.spec import DatasetSpec, recorded_spec
from bench.errors import BenchError
from bench.plugin.kinds import TASKS
from bench.plugin.task import Resampler
from bench.store.run_folder import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SetComparison:
    """Set-level numbers of several methods over the same images, by bootstrap over images.

    Attributes:
        names: of the numbers, e.g. ``mIoU`` and the classes.
        values: method -> interval of each number.
        differences: (first, second) -> interval of first minus second of each number.
        images: how many images were drawn from.
        lost: of each number, the share of draws in which it is not defined for some method, because a class has no
            truth there; such draws do not count.
        drawn: float64 (methods, numbers, draws), the numbers of every draw; empty where they were not kept.
    """

    names: tuple[str, ...]
    values: Mapping[str, tuple[Interval, ...]]
    differences: Mapping[tuple[str, str], tuple[Interval, ...]]
    images: int
    lost: tuple[float, ...] = ()
    drawn: Floats = field(default_factory=lambda: np.empty((0, 0, 0)), repr=False, compare=False)

    def caution(self, at: int) -> str:
        """What must be said of a number that many draws lack; empty if it matters to none."""
        share = self.lost[at] if self.lost else 0.0
        return f"; {share:.1%} of the draws lack a class and do not count" if share else ""

    def ties(self, method: str, at: int) -> list[str]:
        """The methods whose interval of the difference from ``method`` in number ``at`` holds 0; all, of few images."""
        enough = can_tell(self.images)
        return [
            second if first == method else first
            for (first, second), found in self.differences.items()
            if method in (first, second) and not (enough and found[at].excludes(0.0))
        ]


def compare_sets(found: Mapping[str, SetDraws], confidence: float = DRAWS.confidence) -> SetComparison:
    """Intervals of set-level numbers and of their differences; all methods see the same draws of images.

    Args:
        found: method -> its draws, all over the same images.
        confidence: of the intervals, which are quantiles of the draws.
    """
    first = next(iter(found.values()))
    images = len(first.pairs)
    differences = {}
    for (a, one), (b, other) in combinations(found.items(), 2):
        apart = _apart(one.values, other.values), _apart(one.drawn, other.drawn)
        differences[a, b] = _intervals(*apart, images, confidence)
    values = {method: _intervals(one.values, one.drawn, images, confidence) for method, one in found.items()}
    drawn = np.stack([one.drawn for one in found.values()])
    lost = tuple(map(float, np.isnan(drawn).any(axis=0).mean(axis=1)))
    names = tuple(" ".join(word for word in number if word) for number in first.numbers)
    return SetComparison(names, values, differences, images, lost, drawn)


def _apart(first: Floats, second: Floats) -> Floats:
    return snapped(first - second, np.maximum(np.abs(first), np.abs(second)))


def _intervals(values: Floats, drawn: Floats, images: int, confidence: float) -> tuple[Interval, ...]:
    """One image tells nothing of others: its intervals have no ends."""
    found = intervals(values, drawn, confidence)
    return found if images > 1 else tuple(Interval(one.value, np.nan, np.nan) for one in found)


def seed_spread(runs: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Spread of set-level numbers over runs that differ in their seed.

    Args:
        runs: score tables, one per seed.

    Returns:
        One row per number with columns ``task, dataset, split, method, metric, convention, label, seeds, mean, std,
        min, max``; ``std`` is the sample deviation, NaN for one seed.

    Raises:
        BenchError: no runs.
    """
    import pandas as pd

    if not runs:
        raise BenchError("spread over seeds: no runs, wanted at least one")
    keys = ["task", "dataset", "split", "method", "metric", "convention", "label"]
    rows = pd.concat(list(runs), ignore_index=True)
    rows = rows[(rows["task"] != FUSION) & (rows["pair"] == "") & (rows["status"] == "ok")]
    rows = rows[np.isfinite(rows["value"].astype("float64"))]
    table = rows.groupby(keys, sort=False)["value"].agg(["count", "mean", "std", "min", "max"])
    return table.rename(columns={"count": "seeds"}).reset_index()


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """A task's set-level numbers on one part of the images.

    Attributes:
        part: such as ``unseen``; empty for all images.
        comparison: of the methods that have this part.
        numbers: (metric, label, convention) of each number.
        left_out: method -> why it is not compared.
    """

    part: str
    comparison: SetComparison
    numbers: tuple[tuple[str, str, str], ...]
    left_out: Mapping[str, str]


def compare_task(
    store: Store, task: str, dataset: str, spec: DatasetSpec, settings: Settings = DRAWS
) -> tuple[TaskComparison, ...]:
    """Intervals of a task's set-level numbers and of their differences, over draws of images.

    Args:
        store: a run.
        task: its name.
        dataset: its name.
        spec: its entry in ``datasets.yaml``.
        settings: of the draws.

    Returns:
        One for each part of the images, the one that speaks for the task first; none if the run kept nothing that can
        be drawn from. All images are left out where the part before them is all, for all methods.
    """
    work = task_work(store, task, dataset, spec)
    parts = _by_part({method: work.draws(method, settings) for method in work.methods})
    found: list[TaskComparison] = []
    for part, draws in parts.items():
        pairs = {one.pairs for one in draws.values()}
        again = any({one.pairs for one in parts[earlier.part].values()} == pairs for earlier in found)
        alike, left_out = ({}, {}) if again else on_same_images(draws)
        if alike:
            numbers = next(iter(alike.values())).numbers
            found.append(TaskComparison(part, compare_sets(alike, settings.confidence), numbers, left_out))
    return tuple(found)


def resamplers_of(store: Store, task: str, dataset: str, spec: DatasetSpec) -> dict[str, dict[str, Resampler]]:
    """Part -> method -> what a task kept to score other choices of images; the part that speaks for the task first."""
    work = task_work(store, task, dataset, spec)
    return _by_part({method: work.resamplers(method) for method in work.methods})


def _by_part(found: Mapping[str, Sequence[Over]]) -> dict[str, dict[str, Over]]:
    """Part -> method -> what is of that part, the parts in the order in which methods have them."""
    parts: dict[str, dict[str, Over]] = {}
    for method, ones in found.items():
        for one in ones:
            parts.setdefault(one.part, {})[method] = one
    return parts


@dataclass(frozen=True, slots=True)
class Resamplers:
    """Those methods of a part that were scored on the same images.

    Attributes:
        pairs: the images.
        numbers: (metric, label, convention) of each number.
        statistics: method -> the numbers of any draw of them.
        left_out: method -> why it is not compared.
        seeds: method -> the same by each of its trainings; one where there was one, or none.
    """

    pairs: tuple[str, ...]
    numbers: tuple[tuple[str, str, str], ...]
    statistics: Mapping[str, WeightedStatistic]
    left_out: Mapping[str, str]
    seeds: Mapping[str, Sequence[WeightedStatistic]]


def aligned(resamplers: Mapping[str, Resampler]) -> Resamplers | None:
    """The methods that were scored on the same images of a part; None if none has any."""
    alike, left_out = on_same_images(resamplers)
    if not alike:
        return None
    model = next(iter(alike.values()))
    statistics = {method: one.statistic for method, one in alike.items()}
    seeds = {method: one.runs or (one.statistic,) for method, one in alike.items()}
    return Resamplers(model.pairs, model.numbers, statistics, left_out, seeds)


def task_sections(store: Store, seed: int = 0, shown: Shown = "best") -> Iterator[Section]:
    """What ``bench stats`` prints of tasks with set-level numbers: a heading, a row per method, a row per difference.

    Args:
        store: a run.
        seed: of the draws.
        shown: which differences.
    """
    manifest = store.read_manifest()
    scores, known, numbers = store.read_scores(), manifest.datasets, Numbers.of(manifest)
    settings = replace(DRAWS, seed=seed)
    for task, dataset in dict.fromkeys(zip(scores["task"], scores["dataset"], strict=True)):
        if task not in TASKS.names() or dataset not in known:
            continue
        try:
            compared = compare_task(store, task, dataset, recorded_spec(known[dataset].model_dump()), settings)
        except BenchError as error:
            yield f"{dataset} · {task}: no intervals, {error}", []
            continue
        for part in compared:
            yield from _sections(f"{dataset} · {task}", task, numbers, part, shown)


def _sections(title: str, task: str, numbers: Numbers, part: TaskComparison, shown: Shown) -> Iterator[Section]:
    comparison, left_out = part.comparison, part.left_out
    headlines = numbers.headlines(task)
    for at, (metric, label, convention) in enumerate(part.numbers):
        if (metric, label) not in headlines:
            continue
        heading = (
            f"{title} · {metric}{f' {label}' if label else ''} ({convention}): {comparison.images} images drawn anew"
        )
        heading += comparison.caution(at) + left_out_words(left_out)
        sign = 1 if numbers.better(task, metric) == "lower" else -1
        order = sorted(comparison.values, key=lambda name: sign * comparison.values[name][at].value)
        yield heading, [_row(comparison, name, at) for name in order]
        pairs = [pair for pair in combinations(order, 2) if shown == "all" or pair[0] == order[0]]
        if pairs and shown != "none":
            rows = [_difference_row(comparison, *pair, at) for pair in pairs]
            yield f"{title} · {metric}{f' {label}' if label else ''} ({convention}): differences", rows


def _row(comparison: SetComparison, method: str, at: int) -> dict[str, Any]:
    value = comparison.values[method][at]
    return {
        "method": method,
        "value": f"{value.value:.4f}",
        "95% interval": f"{value.low:.4f} to {value.high:.4f}",
        "difference's interval holds 0": ", ".join(comparison.ties(method, at)),
    }


def _difference_row(comparison: SetComparison, best: str, other: str, at: int) -> dict[str, Any]:
    straight = (best, other) in comparison.differences
    found = comparison.differences[(best, other) if straight else (other, best)][at]
    value, low, high = (found.value, found.low, found.high) if straight else (-found.value, -found.high, -found.low)
    return {
        "methods": f"{best} - {other}",
        "difference": f"{value:+.4f}",
        "95% interval": f"{low:+.4f} to {high:+.4f}",
        "holds 0": "no" if found.excludes(0.0) else "yes",
    }


SAME = ("preset", "limit", "way", "precision", "options")
"""What runs must have in common, besides the methods and data sets they share, for the seed alone to speak."""


def seed_sections(stores: Sequence[Store]) -> list[tuple[str, list[dict[str, Any]]]]:
    """What ``bench stats RUN RUN...`` prints of runs that differ in their seed: a heading and one row per method.

    Args:
        stores: two runs or more.

    Raises:
        BenchError: two have the same seed, or differ in something else as well.
    """
    manifests = [store.read_manifest() for store in stores]
    book, configs = Numbers.of(*manifests), [manifest.config for manifest in manifests]
    seeds: dict[int, Store] = {}
    for store, config in zip(stores, configs, strict=True):
        seed = config.seed
        if seed in seeds:
            raise BenchError(
                f"{store.root}: has seed {seed} as {seeds[seed].root} has; give runs with --seed of their own"
            )
        seeds[seed] = store
        for key in SAME:
            here, there = getattr(config, key), getattr(configs[0], key)
            if here != there:
                raise BenchError(
                    f"{store.root}: has {key} {here!r}, {stores[0].root} has {there!r}; only the seed may differ"
                )
    spread = seed_spread([store.read_scores() for store in stores])
    text = f"spread over seeds {', '.join(map(str, seeds))}"
    sections: list[tuple[str, list[dict[str, Any]]]] = []
    keys = ["task", "dataset", "convention", "metric", "label"]
    for task, dataset, convention, metric, label in spread[keys].drop_duplicates().itertuples(index=False):
        if (metric, label) not in book.headlines(task):
            continue
        rows = [
            {
                "method": row.method,
                "seeds": row.seeds,
                "mean": f"{row.mean:.4f}",
                "deviation": f"{row.std:.4f}",
                "smallest": f"{row.min:.4f}",
                "largest": f"{row.max:.4f}",
            }
            for row in spread.sort_values("mean", ascending=False).itertuples()
            if (row.task, row.dataset, row.convention, row.metric, row.label)
            == (task, dataset, convention, metric, label)
        ]
        sections.append((f"{dataset} · {task} · {metric}{f' {label}' if label else ''} ({convention}): {text}", rows))
    if not sections:
        sections.append((f"{text}: no scores of tasks in these runs", []))
    return sections
