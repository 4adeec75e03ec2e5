"""Bootstrap over images: one set of resamples for all methods, so that every difference is a paired one."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
IntervalMethod = Literal["percentile", "BCa"]
WeightedStatistic = Callable[[Counts], Floats]
"""Takes (B, n), how often each image is drawn in each of B resamples; returns (K, B), K numbers of each resample."""

ROUNDING = 1e-12
"""Part of a number below which a difference is the processor's, not the methods'."""

BATCH_BYTES = 1 << 26
_WARNINGS = threading.Lock()
"""The filters of warnings belong to the whole process, and reports compare in threads."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number of a sample with its confidence interval; the ends are NaN where there are fewer than two images."""

    value: float
    low: float
    high: float

    @property
    def ends(self) -> tuple[float, float] | None:
        """Both ends, or None where nothing is known of them."""
        return (self.low, self.high) if np.isfinite(self.low) and np.isfinite(self.high) else None

    def excludes(self, number: float) -> bool:
        """True if the number lies outside."""
        return self.low > number or self.high < number


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """What a bootstrap gave.

    Attributes:
        intervals: of the K numbers.
        distribution: float64 (K, resamples); row k holds number k of every resample, column j all of resample j.
    """

    intervals: tuple[Interval, ...]
    distribution: Floats


def bootstrap_images(
    n: int,
    statistic: WeightedStatistic,
    *,
    resamples: int = 9999,
    seed: int = 0,
    confidence: float = 0.95,
    method: IntervalMethod = "BCa",
) -> Bootstrap:
    """Confidence intervals of K numbers computed from n images, by drawing images with replacement.

    The resamples depend on n, ``resamples`` and ``seed`` alone: two calls with equal ones are paired.

    Args:
        n: number of images.
        statistic: the K numbers of weighted images.
        resamples: number of draws.
        seed: of the draws.
        confidence: of the interval, e.g. 0.95.
        method: ``BCa`` corrects for bias and skewness; ``percentile`` takes the quantiles as they are.

    Raises:
        BenchError: no images, or nonsense settings.

    References:
        B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 14.
    """
    if n < 1 or resamples < 1 or not 0.0 < confidence < 1.0:
        raise BenchError(
            f"bootstrap of {n} images: {resamples} resamples and confidence {confidence}, wanted at least one image "
            "and one resample, and a confidence between 0 and 1"
        )
    value = statistic(np.ones((1, n), dtype=np.int64))[:, 0]
    if n < 2:
        lone = tuple(Interval(float(number), np.nan, np.nan) for number in value)
        return Bootstrap(lone, np.repeat(value[:, None], resamples, axis=1))
    if method == "percentile":
        distribution = draws(n, statistic, resamples, seed)
        return Bootstrap(intervals(value, distribution, confidence), distribution)
    from scipy import stats

    with _WARNINGS, warnings.catch_warnings():
        # numbers that hardly vary have no correction; they keep the plain quantiles below
        warnings.simplefilter("ignore", category=stats.DegenerateDataWarning)
        warnings.simplefilter("ignore", category=RuntimeWarning)
        found = stats.bootstrap(
            (np.arange(n),), _of_indices(n, statistic), vectorized=True, n_resamples=resamples, batch=_batch(n),
            method=method, confidence_level=confidence, rng=np.random.default_rng(seed),
        )  # fmt: skip
    distribution = np.asarray(found.bootstrap_distribution, dtype=np.float64)
    ends = np.stack(found.confidence_interval, axis=1)
    plain = intervals(value, distribution, confidence)
    corrected = (Interval(one.value, float(low), float(high)) for one, (low, high) in zip(plain, ends, strict=True))
    defined = np.isfinite(ends).all(axis=1).tolist()
    found_ends = (one if good else other for one, other, good in zip(corrected, plain, defined, strict=True))
    return Bootstrap(tuple(found_ends), distribution)


def intervals(value: Floats, distribution: Floats, confidence: float) -> tuple[Interval, ...]:
    """The quantiles of draws as they are; those in which a number is not defined do not count.

    Args:
        value: (K,), of the sample itself.
        distribution: (K, B), of each draw.
        confidence: of the intervals.
    """
    tails = [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0]
    ends = np.quantile(distribution, tails, axis=1).T  # NaN where a draw is
    for row in np.flatnonzero(~np.isfinite(ends).all(axis=1)):
        finite = distribution[row][np.isfinite(distribution[row])]
        ends[row] = np.quantile(finite, tails) if finite.size else np.nan
    return tuple(Interval(*map(float, row)) for row in np.column_stack([value, ends]))


def _batch(n: int) -> int:
    return max(1, BATCH_BYTES // (8 * n))


def _image_counts(n: int, resamples: int, seed: int) -> Iterator[Counts]:
    """How often each of n images is drawn, (B, n), some draws at a time; the draws of ``scipy.stats.bootstrap``."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _batch(n)):
        yield _counted(rng.integers(0, n, (min(_batch(n), resamples - start), n)), n)


def _counted(drawn: Counts, n: int) -> Counts:
    """(B, n), how often each of n images is among the drawn ones, (B, m)."""
    offsets = np.arange(len(drawn))[:, None] * n
    return np.bincount((drawn + offsets).ravel(), minlength=len(drawn) * n).reshape(len(drawn), n)


def draws(n: int, statistic: WeightedStatistic, resamples: int, seed: int) -> Floats:
    """K numbers of every draw of n images, (K, resamples).

    The draws depend on n, ``resamples`` and ``seed`` alone: two calls with equal ones are paired.
    """
    rounded = _rounded(n, statistic)
    return np.concatenate([rounded(counts) for counts in _image_counts(n, resamples, seed)], axis=1)


DIGITS = 11
"""To which numbers of draws are rounded before they are compared, and at most so many decimals."""


def _rounded(n: int, statistic: WeightedStatistic) -> WeightedStatistic:
    """The same numbers, to ``DIGITS``.

    The same images drawn in another order are the same number: the correction for bias counts draws below the estimate,
    and must not hang on the order in which a processor sums.
    """
    size = np.nan_to_num(np.abs(statistic(np.ones((1, n), dtype=np.int64))), posinf=0.0)
    scale = 10.0 ** (DIGITS - np.ceil(np.log10(np.maximum(size, 1.0))))
    return lambda counts: np.rint(statistic(counts) * scale) / scale


def _of_indices(n: int, statistic: WeightedStatistic) -> Callable[..., Floats]:
    """The statistic as SciPy wants it: of drawn image numbers, (B, m) or (m,), along the last axis."""
    rounded = _rounded(n, statistic)

    def of_indices(drawn: Counts, axis: int = -1) -> Floats:  # noqa: ARG001 - SciPy asks for it
        values = rounded(_counted(np.atleast_2d(drawn), n))
        return values if drawn.ndim > 1 else values[:, 0]

    return of_indices


def weighted_means(values: Floats) -> WeightedStatistic:
    """The statistic that gives the mean of each row of ``values`` (K, n)."""
    return lambda counts: values @ counts.T / counts.sum(axis=1)


def iou_statistic(matrices: Counts, classes: Sequence[int] | None = None) -> WeightedStatistic:
    """The statistic that gives mIoU, then the IoU of each class, of the summed confusion matrices.

    The mean is always over the classes that the truth of all images has, as in the task. A draw whose truth lacks one
    of them has no mean (NaN): over fewer classes it would be another number.

    Args:
        matrices: (n, C, C), one per image, rows the truth.
        classes: those that count; None takes all.
    """
    n, size, _ = matrices.shape
    flat = matrices.reshape(n, -1).astype(np.float64)
    chosen = list(range(size)) if classes is None else list(classes)
    wanted = (flat.sum(axis=0).reshape(size, size).sum(axis=1) > 0)[chosen]

    def statistic(counts: Counts) -> Floats:
        total = (counts @ flat).reshape(-1, size, size)
        hits = np.einsum("bcc->bc", total)
        union = total.sum(axis=1) + total.sum(axis=2) - hits
        present = total.sum(axis=2) > 0
        iou = np.divide(hits, union, out=np.full_like(hits, np.nan), where=present)[:, chosen]
        whole = present[:, chosen][:, wanted].all(axis=1)
        mean = np.where(whole, np.where(np.isfinite(iou), iou, 0.0)[:, wanted].mean(axis=1), np.nan)
        return np.concatenate([mean[None], iou.T])

    return statistic


def stacked(statistics: Sequence[WeightedStatistic]) -> WeightedStatistic:
    """Several statistics of the same images as one, their numbers one after another."""
    return lambda counts: np.concatenate([statistic(counts) for statistic in statistics])


def mean_of(statistics: Sequence[WeightedStatistic]) -> WeightedStatistic:
    """The mean of statistics of the same numbers, e.g. over the seeds of a training."""
    if len(statistics) == 1:
        return statistics[0]
    return lambda counts: np.mean([statistic(counts) for statistic in statistics], axis=0)


def mean_differences(values: Floats, pairs: Sequence[tuple[int, int]]) -> WeightedStatistic:
    """The statistic that gives mean differences first minus second of rows of ``values`` (K, n), image by image.

    The differences are taken before anything is summed, so that equal rows give exactly 0 whatever the order of sums.
    """
    first, second = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    differences, sizes = values[first] - values[second], np.abs(values).max(axis=1)
    scale = np.maximum(sizes[first], sizes[second])[:, None]
    return lambda counts: snapped(differences @ counts.T / counts.sum(axis=1), scale)


def snapped(differences: Floats, sizes: Floats) -> Floats:
    """Differences below what the order of summation can make of numbers of these sizes, as exactly 0."""
    return np.where(np.abs(differences) <= ROUNDING * sizes, 0.0, differences)
