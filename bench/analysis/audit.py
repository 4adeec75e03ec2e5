"""Metric audit: does a metric follow the tasks, can it be gamed, is it redundant, is its ranking stable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.analysis.bootstrap import Floats, Interval
from bench.errors import BenchError
from bench.types import Image

if TYPE_CHECKING:
    import pandas as pd

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a metric's ranking of methods agrees with that of a task or of people.

    Attributes:
        tau: Kendall's tau-b of the means, in the metric's own direction; the interval is over pairs and methods.
        methods: how many were ranked.
        pairs: how many the means are over.
    """

    tau: Interval
    methods: int
    pairs: int


@dataclass(frozen=True, slots=True)
class Gain:
    """What one trick does to one method's place: how many places it gains, and how often over draws of pairs."""

    method: str
    trick: str
    places: int
    share: float


def agreement(
    values: pd.DataFrame, better: Better, truth: pd.Series[float] | pd.DataFrame, resamples: int = 999, seed: int = 0
) -> Agreement:
    """Kendall's tau between a metric's means and a judge's scores over methods.

    Args:
        values: pairs x methods of one metric.
        better: the metric's direction.
        truth: method -> score, higher is better; or pairs x methods, whose means are drawn with the same pairs.
        resamples: draws; pairs and methods are both drawn with replacement.
        seed: of the draws.

    Raises:
        BenchError: fewer than three methods in common, or no pair that all of them have.
    """
    import pandas as pd

    judged = {str(name) for name in (truth.columns if isinstance(truth, pd.DataFrame) else truth.index)}
    methods = [name for name in values.columns if str(name) in judged]
    table = values[methods].dropna(axis=0, how="any")
    if len(methods) < 3 or table.empty:
        raise BenchError(f"audit: {len(methods)} methods and {len(table)} pairs in common, wanted 3 methods and a pair")
    sign = -1.0 if better == "lower" else 1.0
    metric = sign * table.to_numpy(dtype=np.float64)
    judge = truth.reindex(table.index)[methods] if isinstance(truth, pd.DataFrame) else truth[methods]
    scores = np.broadcast_to(judge.to_numpy(dtype=np.float64), metric.shape)
    rng = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    for index in range(resamples):
        rows, columns = rng.integers(len(table), size=len(table)), rng.integers(len(methods), size=len(methods))
        drawn[index] = _tau(*(part[rows][:, columns].mean(axis=0) for part in (metric, scores)))
    ends = np.nanquantile(drawn, [0.025, 0.975]) if np.isfinite(drawn).any() else (np.nan, np.nan)
    whole = _tau(metric.mean(axis=0), np.nanmean(scores, axis=0))
    return Agreement(Interval(whole, float(ends[0]), float(ends[1])), len(methods), len(table))


def _tau(first: Floats, second: Floats) -> float:
    """Kendall's tau-b; NaN where one side ranks nothing."""
    a, b = np.sign(first[:, None] - first[None]), np.sign(second[:, None] - second[None])
    scale = np.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / scale if scale else float("nan")


def places_gained(
    values: pd.DataFrame, better: Better, gamed: Mapping[str, pd.DataFrame], resamples: int = 999, seed: int = 0
) -> list[Gain]:
    """How many places methods gain by tricks that add no information.

    Args:
        values: pairs x methods of one metric.
        better: its direction.
        gamed: trick -> pairs x methods of the metric after the trick; each method is moved alone, against the others
            as they are.
        resamples: draws of pairs.
        seed: of the draws.
    """
    sign = -1.0 if better == "lower" else 1.0
    whole = np.arange(len(values))
    draws = np.random.default_rng(seed).integers(len(values), size=(resamples, len(values)))
    plain = sign * values.to_numpy(dtype=np.float64)
    gains = []
    for trick, table in gamed.items():
        for column, method in enumerate(values.columns):
            if method not in table:
                continue
            moved = sign * table[method].reindex(values.index).to_numpy(dtype=np.float64)
            share = float(np.mean([_places(plain, column, moved, rows) > 0 for rows in draws]))
            gains.append(Gain(str(method), trick, _places(plain, column, moved, whole), share))
    return gains


def _places(plain: Floats, column: int, moved: Floats, rows: NDArray[np.int64]) -> int:
    """How many other methods one passes when its values become ``moved``, higher being better."""
    others = np.delete(plain, column, axis=1)[rows].mean(axis=0)
    before, after = (int((others > own[rows].mean()).sum()) for own in (plain[:, column], moved))
    return before - after


def redundancy(means: pd.DataFrame, better: Mapping[str, Better]) -> pd.DataFrame:
    """Spearman correlation of the metrics over the methods, directions made alike, like metrics side by side.

    Args:
        means: methods x metrics.
        better: direction of each metric.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    signs = [-1.0 if better[name] == "lower" else 1.0 for name in means.columns]
    table = (means * signs).corr(method="spearman")
    if len(table) < 3:
        return table
    distance = 1.0 - table.fillna(0.0).to_numpy()
    np.fill_diagonal(distance, 0.0)
    order = leaves_list(linkage(squareform(np.maximum(distance, 0.0), checks=False), method="average"))
    return table.iloc[order, order]


def stability(values: pd.DataFrame, better: Better, resamples: int = 999, seed: int = 0) -> tuple[float, float]:
    """Mean Kendall's tau between the ranking and those of redrawn pairs, and how often the best stays the best.

    Args:
        values: pairs x methods of one metric.
        better: its direction.
        resamples: draws of pairs.
        seed: of the draws.
    """
    table = (-1.0 if better == "lower" else 1.0) * values.dropna(axis=0, how="any").to_numpy(dtype=np.float64)
    rng = np.random.default_rng(seed)
    whole = table.mean(axis=0)
    means = [table[rng.integers(len(table), size=len(table))].mean(axis=0) for _ in range(resamples)]
    taus = [_tau(whole, mean) for mean in means]
    return float(np.nanmean(taus)), float(np.mean([mean.argmax() == whole.argmax() for mean in means]))


def audit_sentence(metric: str, found: Agreement, gains: list[Gain], steady: tuple[float, float]) -> str:
    """The plain verdict on one metric."""
    if not found.tau.excludes(0.0):
        follows = "no evidence that it follows the task"
    else:
        follows = "follows the task" if found.tau.value > 0 else "runs against the task"
    worst = max(gains, key=lambda gain: (gain.places, gain.share), default=None)
    fooled = ""
    if worst is not None and worst.places > 0:
        fooled = f"; {worst.trick} alone lifts {worst.method} by {worst.places} places"
    tau = found.tau
    interval = f"tau {tau.value:+.2f}, {tau.low:+.2f} to {tau.high:+.2f}"
    return f"{metric}: {follows} ({interval}){fooled}; its winner stays in {steady[1]:.0%} of redrawn pair sets."


def read_opinions(table: pd.DataFrame) -> pd.DataFrame:
    """Subjective scores as pairs x methods, the mean over people.

    Args:
        table: columns ``pair``, ``method``, ``score`` (higher is better), and any others, e.g. ``person``.

    Raises:
        BenchError: a column is missing, or a score is no number.
    """
    missing = [name for name in ("pair", "method", "score") if name not in table]
    if missing:
        raise BenchError(
            f"opinions: no column {', '.join(missing)}; wanted pair, method and score, one row a judgement"
        )
    scores = table.assign(score=_numbers(table["score"]), pair=table["pair"].astype(str))
    return scores.pivot_table(index="pair", columns="method", values="score", aggfunc="mean")


def _numbers(column: pd.Series[float]) -> pd.Series[float]:
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.isna().any():
        raise BenchError(f"opinions: {int(numbers.isna().sum())} scores are no numbers; mend or remove those rows")
    return numbers


# ------------------------------------------------------------------ tricks


def _stretch(image: Image) -> Image:
    low, high = np.percentile(image, [1.0, 99.0])
    return _levels((image - low) * (255.0 / max(high - low, 1.0)))


def _unsharp(image: Image) -> Image:
    values = image.astype(np.float64)
    return _levels(values + 1.5 * (values - cv2.GaussianBlur(values, (0, 0), 1.5)))


def _noise(image: Image) -> Image:
    return _levels(image + np.random.default_rng(0).normal(0.0, 8.0, image.shape))


def _jpeg(image: Image) -> Image:
    stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_UNCHANGED), dtype=np.uint8)


def _equalise(image: Image) -> Image:
    planes = [cv2.equalizeHist(np.ascontiguousarray(plane)) for plane in np.atleast_3d(image).transpose(2, 0, 1)]
    return np.asarray(planes[0] if image.ndim == 2 else np.dstack(planes), dtype=np.uint8)


def _levels(values: Floats) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


TRICKS: dict[str, Callable[[Image], Image]] = {
    "contrast stretch": _stretch,
    "gamma 0.6": lambda image: _levels(255.0 * (image / 255.0) ** 0.6),
    "unsharp mask": _unsharp,
    "noise": _noise,
    "JPEG": _jpeg,
    "one-pixel shift": lambda image: np.roll(image, 1, axis=1),
    "histogram equalisation": _equalise,
}
"""Name -> what is done to a fused image, uint8 (H, W) or (H, W, 3); none adds information about the scene."""
