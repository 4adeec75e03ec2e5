"""Which differences between methods are real: paired comparisons on the pairs that all of them have.

Per metric and data set: bootstrap intervals of means, differences and ranks; Wilcoxon's signed-rank test with Holm's
correction over all pairs of methods; Friedman's test with Nemenyi's critical difference.

References:
    J. Demsar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7:1-30, 2006.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.analysis.bootstrap import (  # fmt: skip
    Floats,
    Interval,
    IntervalMethod,
    bootstrap_images,
    mean_differences,
    stacked,
    weighted_means,
)
from bench.analysis.correction import holm
from bench.analysis.numbers import direction
from bench.analysis.ranked import SOURCES
from bench.analysis.table import pair_values, select
from bench.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd


FEWEST = 0.9
"""A method with values for less than this part of the pairs is left out, so that it does not shrink the comparison."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How intervals and tests are made.

    Attributes:
        resamples: draws of the bootstrap.
        seed: of the draws.
        confidence: of the intervals; 1 minus it is the level of the tests.
        interval: ``BCa`` or ``percentile``.
    """

    resamples: int = 9999
    seed: int = 0
    confidence: float = 0.95
    interval: IntervalMethod = "BCa"

    @property
    def alpha(self) -> float:
        """The level of the tests."""
        return 1.0 - self.confidence


DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class Standing:
    """One method among the others on one metric.

    Attributes:
        mean: of its values.
        rank: mean over the pairs of its rank on each pair, 1 is best.
        place: of its mean among the means; the interval is of whole places.
    """

    method: str
    mean: Interval
    rank: Interval
    place: Interval


@dataclass(frozen=True, slots=True)
class Difference:
    """Two methods on one metric.

    Attributes:
        difference: mean of first minus second over the pairs.
        p: of Wilcoxon's signed-rank test, two-sided, zeros split as Demsar does.
        p_holm: the same, corrected for all pairs of methods.
        better: the better method if ``p_holm`` says so, else empty.
    """

    first: str
    second: str
    difference: Interval
    p: float
    p_holm: float
    better: str


@dataclass(frozen=True, slots=True)
class Omnibus:
    """Friedman's test over all methods, and what follows from it.

    Attributes:
        chi2: Friedman's statistic, corrected for ties.
        p: of ``chi2``.
        f: Iman and Davenport's statistic, less conservative.
        p_f: of ``f``.
        critical_difference: mean ranks that are further apart differ (Nemenyi).
    """

    chi2: float
    p: float
    f: float
    p_f: float
    critical_difference: float


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """All methods on one metric of one data set.

    Attributes:
        pairs: number of pairs that all compared methods have.
        standings: best mean rank first.
        differences: of every two methods, in the order of the standings.
        omnibus: None for fewer than three methods.
        nemenyi: p values, methods x methods, in the order of the standings; None for fewer than three methods.
        left_out: method -> why it is not compared.
    """

    dataset: str
    metric: str
    convention: str
    better: Literal["higher", "lower"]
    pairs: int
    standings: tuple[Standing, ...]
    differences: tuple[Difference, ...]
    omnibus: Omnibus | None
    nemenyi: pd.DataFrame | None
    left_out: Mapping[str, str]
    settings: Settings

    def standing(self, method: str) -> Standing:
        """That of one method.

        Raises:
            BenchError: it is not compared.
        """
        for standing in self.standings:
            if standing.method == method:
                return standing
        raise BenchError(f"{method}: is not compared on {self.metric}; {self.left_out.get(method, 'it has no scores')}")

    def ties(self, method: str) -> tuple[str, ...]:
        """Methods that cannot be told from this one."""
        pairs = [(entry.first, entry.second) for entry in self.differences if not entry.better]
        return tuple(b if a == method else a for a, b in pairs if method in (a, b))


def compare(
    scores: pd.DataFrame,
    dataset: str,
    metric: str,
    convention: str = "standard",
    *,
    task: str = "metrics",
    split: str | None = None,
    exclude: Collection[str] = SOURCES,
    settings: Settings = DEFAULTS,
) -> Comparison:
    """Compares all methods on one metric of one data set.

    Args:
        scores: the score table.
        dataset: its name.
        metric: one with a direction.
        convention: of the metric.
        task: whose scores.
        split: keep only this part of the data set.
        exclude: methods that are not compared.
        settings: of intervals and tests.

    Raises:
        BenchError: no such scores, fewer than two methods or pairs in common, or the metric has no direction.
    """
    better = direction(metric)
    if not better:
        raise BenchError(f"{metric}: has no direction, wanted a metric of which more or less is better")
    values = pair_values(select(scores, task, dataset, convention, split), metric)
    values, left_out = _common(values[[name for name in values.columns if name not in exclude]])
    if values.shape[1] < 2 or len(values) < 2:
        raise BenchError(
            f"{dataset} {metric} ({convention}): {values.shape[1]} methods with {len(values)} pairs in common, "
            "wanted at least two of each"
        )
    return compare_values(
        values, better, settings, dataset=dataset, metric=metric, convention=convention, left_out=left_out
    )


def _common(values: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """The pairs that all methods have, without the methods that have too few, and why those are left out."""
    counts = values.notna().sum()
    most = int(counts.max()) if len(counts) else 0
    left_out = {
        str(name): f"it has values for {count} of {most} pairs"
        for name, count in counts.items()
        if count < FEWEST * most or not count
    }
    return values.drop(columns=list(left_out)).dropna(), left_out


def compare_values(
    values: pd.DataFrame,
    better: Literal["higher", "lower"],
    settings: Settings = DEFAULTS,
    *,
    dataset: str = "",
    metric: str = "",
    convention: str = "",
    left_out: Mapping[str, str] | None = None,
) -> Comparison:
    """Compares the columns of a table without gaps.

    Args:
        values: pairs x methods, at least two of each.
        better: direction of the numbers.
        settings: of intervals and tests.
        dataset: for the result.
        metric: for the result.
        convention: for the result.
        left_out: for the result.
    """
    ranks = values.rank(axis=1, ascending=better == "lower", method="average")
    order = list(ranks.mean().sort_values(kind="stable").index)
    values, ranks = values[order], ranks[order]
    numbers, sign = values.to_numpy(dtype=np.float64).T, -1.0 if better == "higher" else 1.0
    size, indices = len(order), list(combinations(range(len(order)), 2))
    statistic = stacked(
        [weighted_means(numbers), weighted_means(ranks.to_numpy().T), mean_differences(numbers, indices)]
    )
    found = bootstrap_images(
        len(values), statistic, resamples=settings.resamples, seed=settings.seed, confidence=settings.confidence,
        method=settings.interval,
    )  # fmt: skip
    own = np.array([[interval.value] for interval in found.intervals[2 * size :]]).reshape(-1, 1)
    places = _places(size, indices, sign * own, sign * found.distribution[2 * size :], settings)
    standings = tuple(
        Standing(str(name), found.intervals[at], found.intervals[size + at], places[at])
        for at, name in enumerate(order)
    )
    differences = _differences(order, numbers, sign, found.intervals[2 * size :], settings)
    omnibus, nemenyi = _friedman(values, settings) if size > 2 else (None, None)
    return Comparison(
        dataset, metric, convention, better, len(values), standings, differences, omnibus, nemenyi,
        dict(left_out or {}), settings,
    )  # fmt: skip


def _places(
    size: int, pairs: Sequence[tuple[int, int]], own: Floats, drawn: Floats, settings: Settings
) -> list[Interval]:
    """Place of each method, smallest first, with the quantiles of its place over the resamples, as whole places.

    Args:
        size: how many methods.
        pairs: (first, second) of each difference.
        own: (pairs, 1), first minus second, negative where the first is better.
        drawn: (pairs, draws), the same in each resample.
        settings: of the quantiles.
    """

    def count(differences: Floats) -> Floats:
        worse = np.ones((size, differences.shape[1]))
        for (first, second), row in zip(pairs, differences, strict=True):
            worse[first] += row > 0
            worse[second] += row < 0
        return worse

    tails = [settings.alpha / 2, 1.0 - settings.alpha / 2]
    low, high = np.quantile(count(drawn), tails, axis=1, method="inverted_cdf")
    return [Interval(float(a), float(b), float(c)) for a, b, c in zip(count(own)[:, 0], low, high, strict=True)]


def _differences(
    order: Sequence[str], numbers: Floats, sign: float, intervals: Sequence[Interval], settings: Settings
) -> tuple[Difference, ...]:
    pairs = list(combinations(range(len(order)), 2))
    raw, corrected = _tests(numbers, pairs)
    centres = sign * _centres(np.array([numbers[a] - numbers[b] for a, b in pairs]))
    found = []
    for (a, b), interval, p, p_holm, centre in zip(pairs, intervals, raw, corrected, centres, strict=True):
        first_better = centre < 0
        better = (order[a] if first_better else order[b]) if p_holm < settings.alpha else ""
        found.append(Difference(str(order[a]), str(order[b]), interval, p, float(p_holm), str(better)))
    return tuple(found)


def _tests(numbers: Floats, pairs: Sequence[tuple[int, int]]) -> tuple[list[float], list[float]]:
    """P values of Wilcoxon's test of every two rows, plain and with Holm's correction."""
    raw = wilcoxon_all(np.array([numbers[a] - numbers[b] for a, b in pairs]))
    return raw, holm(raw)


def ties_of_best(values: pd.DataFrame, better: str, settings: Settings = DEFAULTS) -> frozenset[str]:
    """The method with the best mean and those that the paired tests cannot tell from it; nobody if it stands alone.

    Args:
        values: pairs x methods, without gaps.
        better: direction of the numbers.
        settings: whose level counts.
    """
    names, numbers = list(map(str, values.columns)), values.to_numpy(dtype=np.float64).T
    if len(names) < 2 or not numbers.size or not better:
        return frozenset()
    means = numbers.mean(axis=1)
    best = int(means.argmax() if better == "higher" else means.argmin())
    pairs = list(combinations(range(len(names)), 2))
    corrected = _tests(numbers, pairs)[1]
    tied = {
        names[b if a == best else a] for (a, b), p in zip(pairs, corrected, strict=True)
        if best in (a, b) and p >= settings.alpha
    }  # fmt: skip
    return frozenset(tied | {names[best]}) if tied else frozenset()


def _centres(differences: Floats) -> Floats:
    """Which way the signed ranks of each row (K, n) lean: positive if the positive ones outweigh; (K,)."""
    from scipy.stats import rankdata

    return np.asarray(np.sum(np.sign(differences) * rankdata(np.abs(differences), axis=1), axis=1))


def wilcoxon(differences: Floats) -> float:
    """P value of Wilcoxon's signed-rank test, two-sided; ranks of zero differences are split evenly (Demsar 2006).

    Differences that are all zero give 1.
    """
    from scipy import stats

    if not np.any(differences):
        return 1.0
    return float(stats.wilcoxon(differences, zero_method="zsplit").pvalue)


def wilcoxon_all(differences: Floats) -> list[float]:
    """``wilcoxon`` of every row of (K, n), many at a time.

    SciPy chooses one way of computing for all rows of a call, so rows with equal or zero differences go apart.
    """
    from scipy import stats

    found = np.ones(len(differences))
    sizes = np.sort(np.abs(differences), axis=1)
    odd = (sizes == 0).any(axis=1) | (np.diff(sizes, axis=1) == 0).any(axis=1)
    plain = np.flatnonzero(~odd)
    if len(plain):
        found[plain] = stats.wilcoxon(differences[plain], zero_method="zsplit", axis=1).pvalue
    for row in np.flatnonzero(odd):
        found[row] = wilcoxon(differences[row])
    return [float(p) for p in found]


def _friedman(values: pd.DataFrame, settings: Settings) -> tuple[Omnibus, pd.DataFrame]:
    from scikit_posthocs import posthoc_nemenyi_friedman
    from scipy import stats

    n, k = values.shape
    limit = critical_difference(k, n, round(settings.alpha, 12))
    signs = values.rank(axis=1)
    nemenyi = posthoc_nemenyi_friedman(signs.to_numpy())
    nemenyi.index = nemenyi.columns = values.columns
    if (signs.nunique(axis=1) == 1).all():  # every pair tied: nothing to tell apart
        return Omnibus(0.0, 1.0, 0.0, 1.0, limit), nemenyi
    chi2, p = stats.friedmanchisquare(*values.to_numpy().T)
    rest = n * (k - 1) - chi2
    f = math.inf if rest <= 0 else (n - 1) * chi2 / rest
    p_f = float(stats.f.sf(f, k - 1, (k - 1) * (n - 1)))
    return Omnibus(float(chi2), float(p), float(f), p_f, limit), nemenyi


@lru_cache(maxsize=256)
def critical_difference(methods: int, pairs: int, alpha: float = 0.05) -> float:
    """Nemenyi's critical difference of mean ranks: ``q / sqrt(2) * sqrt(k (k + 1) / (6 N))``, q studentised range."""
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1.0 - alpha, methods, np.inf)) / math.sqrt(2.0)
    return q * math.sqrt(methods * (methods + 1) / (6.0 * pairs))
