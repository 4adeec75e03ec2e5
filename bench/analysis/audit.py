"""Metric audit: does a metric follow the tasks, can it be gamed, is it redundant, is its ranking stable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bench.analysis.bootstrap import Counts, Floats, Interval
from bench.errors import BenchError

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


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """What metrics are held against: a task's score, or people's, of several methods; higher is better.

    Attributes:
        methods: their names.
        pairs: what it was scored on; empty where that cannot be drawn anew.
        score: counts (B, pairs) of how often each is drawn -> (B, methods).
    """

    methods: tuple[str, ...]
    pairs: tuple[str, ...]
    score: Callable[[Counts], Floats]

    @classmethod
    def fixed(cls, scores: pd.Series[float]) -> Judge:
        """One that is the same in every draw: method -> score."""
        values = scores.to_numpy(dtype=np.float64)
        return cls(
            tuple(map(str, scores.index)), (), lambda counts: np.broadcast_to(values, (len(counts), len(values)))
        )

    @classmethod
    def of_pairs(cls, scores: pd.DataFrame) -> Judge:
        """One whose score is the mean over pairs: pairs x methods, NaN where nobody judged."""
        table = scores.to_numpy(dtype=np.float64)
        known, values = np.isfinite(table).astype(np.float64), np.nan_to_num(table)

        def score(counts: Counts) -> Floats:
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.asarray((counts @ values) / (counts @ known))

        return cls(tuple(map(str, scores.columns)), tuple(map(str, scores.index)), score)


def agreement(values: pd.DataFrame, better: Better, judge: Judge, resamples: int = 999, seed: int = 0) -> Agreement:
    """Kendall's tau between a metric's means and a judge's scores over methods.

    Pairs and methods are both drawn with replacement; a judge of the same pairs is drawn with them, one of other pairs
    by itself.

    Args:
        values: pairs x methods of one metric.
        better: the metric's direction.
        judge: a task, or people.
        resamples: draws.
        seed: of the draws.

    Raises:
        BenchError: fewer than three methods in common, or no pair that all of them have.
    """
    methods = [name for name in values.columns if str(name) in judge.methods]
    table = values[methods].dropna(axis=0, how="any")
    if len(methods) < 3 or table.empty:
        raise BenchError(f"audit: {len(methods)} methods and {len(table)} pairs in common, wanted 3 methods and a pair")
    metric = (-1.0 if better == "lower" else 1.0) * table.to_numpy(dtype=np.float64)
    columns = [judge.methods.index(str(name)) for name in methods]
    rng = np.random.default_rng(seed)
    counts = _with_whole(len(table), resamples, rng)
    means = counts @ metric / len(table)
    scores = judge.score(_judged(counts, [str(pair) for pair in table.index], judge.pairs, rng))[:, columns]
    taus = [_tau(means[0], scores[0])]
    for mean, score in zip(means[1:], scores[1:], strict=True):
        chosen = rng.integers(len(methods), size=len(methods))
        taus.append(_tau(mean[chosen], score[chosen]))
    drawn = np.array(taus[1:])
    ends = np.nanquantile(drawn, [0.025, 0.975]) if np.isfinite(drawn).any() else (np.nan, np.nan)
    return Agreement(Interval(taus[0], float(ends[0]), float(ends[1])), len(methods), len(table))


def _with_whole(size: int, resamples: int, rng: np.random.Generator) -> Counts:
    """How often each of some things is drawn: all once, then ``resamples`` draws."""
    drawn = rng.multinomial(size, np.full(size, 1.0 / size), size=resamples)
    return np.concatenate([np.ones((1, size), dtype=np.int64), drawn])


def _judged(counts: Counts, pairs: Sequence[str], judged: Sequence[str], rng: np.random.Generator) -> Counts:
    """The same draws of a judge's pairs; draws of their own where these are others."""
    if not judged:
        return counts[:, :0]
    if set(judged) != set(pairs):
        return _with_whole(len(judged), len(counts) - 1, rng)
    place = {pair: index for index, pair in enumerate(pairs)}
    return counts[:, [place[pair] for pair in judged]]


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
    counts = _with_whole(len(values), resamples, np.random.default_rng(seed))
    plain = counts @ (sign * values.to_numpy(dtype=np.float64)) / len(values)
    gains = []
    for trick, table in gamed.items():
        for column, method in enumerate(values.columns):
            if method in table:
                moved = counts @ (sign * table[method].reindex(values.index).to_numpy(dtype=np.float64)) / len(values)
                others = np.delete(plain, column, axis=1)
                before, after = ((others > own[:, None]).sum(axis=1) for own in (plain[:, column], moved))
                places = before - after
                gains.append(Gain(str(method), trick, int(places[0]), float((places[1:] > 0).mean())))
    return gains


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
    means = _with_whole(len(table), resamples, np.random.default_rng(seed)) @ table / len(table)
    taus = [_tau(means[0], mean) for mean in means[1:]]
    return float(np.nanmean(taus)), float((means[1:].argmax(axis=1) == means[0].argmax()).mean())


@dataclass(frozen=True, slots=True)
class MetricAudit:
    """What was found of one metric on one data set.

    Attributes:
        metric: its name.
        better: its direction.
        agreement: with the judge; None where there is none.
        gains: of each trick the method that it lifts most.
        standing: source or plain rule -> its place if it were ranked with the other methods, 1 is best.
        ranked: how many methods are neither.
        twin: the metric most like it in its ranking; empty for none.
        likeness: their rank correlation.
        steadiness: mean tau between the ranking and those of redrawn pairs.
        winner_stays: in what share of the draws the best stays the best.
        verdict: a sentence.
    """

    metric: str
    better: Better
    agreement: Agreement | None
    gains: tuple[Gain, ...]
    standing: Mapping[str, int]
    ranked: int
    twin: str
    likeness: float
    steadiness: float
    winner_stays: float
    verdict: str


def audit_metrics(
    values: Mapping[str, pd.DataFrame],
    directions: Mapping[str, Better],
    judge: Judge | None,
    gamed: Mapping[str, Mapping[str, pd.DataFrame]],
    controls: Sequence[str] = (),
    resamples: int = 999,
    seed: int = 0,
) -> tuple[tuple[MetricAudit, ...], pd.DataFrame]:
    """Audits the metrics of one data set.

    Args:
        values: metric -> pairs x methods, without gaps.
        directions: metric -> which way is better.
        judge: what they are held against.
        gamed: metric -> trick -> pairs x methods, of some of the pairs.
        controls: methods that a metric should not put first: the sources and plain rules.
        resamples: draws.
        seed: of the draws.

    Returns:
        One for each metric, and their rank correlations.
    """
    import pandas as pd

    means = pd.DataFrame({name: table.mean() for name, table in values.items()})
    alike = redundancy(means.dropna(), directions)
    found = []
    for name, table in values.items():
        better = directions[name]
        agreed = _agreement(table, better, judge, resamples, seed)
        gains = _largest(_gains(table, better, gamed.get(name, {}), resamples, seed))
        steady = stability(table, better, resamples, seed)
        others = [each for each in table.columns if each not in controls]
        standing = {each: _place(table, better, each, others) for each in controls if each in table.columns}
        twin, likeness = _twin(alike, name)
        verdict = audit_sentence(name, agreed, gains, steady, standing)
        found.append(
            MetricAudit(
                name, better, agreed, tuple(gains), standing, len(others), twin, likeness, *steady, verdict
            )
        )  # fmt: skip
    return tuple(found), alike


def _agreement(table: pd.DataFrame, better: Better, judge: Judge | None, resamples: int, seed: int) -> Agreement | None:
    if judge is None:
        return None
    try:
        return agreement(table, better, judge, resamples, seed)
    except BenchError:  # too few methods in common
        return None


def _gains(
    table: pd.DataFrame, better: Better, gamed: Mapping[str, pd.DataFrame], resamples: int, seed: int
) -> list[Gain]:
    whole = [trick.dropna(axis=1, how="any") for trick in gamed.values()]
    pairs = [pair for pair in table.index if all(pair in trick.index for trick in whole)]
    if not pairs or not gamed:
        return []
    return places_gained(table.loc[pairs], better, dict(zip(gamed, whole, strict=True)), resamples, seed)


def _largest(gains: Sequence[Gain]) -> list[Gain]:
    """Of each trick the method that it lifts most; the most effective trick first."""
    best: dict[str, Gain] = {}
    for gain in gains:
        known = best.get(gain.trick)
        if known is None or (gain.places, gain.share) > (known.places, known.share):
            best[gain.trick] = gain
    return sorted(best.values(), key=lambda gain: (-gain.places, -gain.share))


def _place(table: pd.DataFrame, better: Better, method: str, others: Sequence[str]) -> int:
    means = table.mean()
    ahead = means[list(others)] > means[method] if better == "higher" else means[list(others)] < means[method]
    return 1 + int(ahead.sum())


def _twin(alike: pd.DataFrame, metric: str) -> tuple[str, float]:
    if metric not in alike.columns or len(alike) < 2:
        return "", float("nan")
    others = alike[metric].drop(metric)
    return (str(others.idxmax()), float(others.max())) if others.notna().any() else ("", float("nan"))


def audit_sentence(
    metric: str,
    found: Agreement | None,
    gains: Sequence[Gain],
    steady: tuple[float, float],
    standing: Mapping[str, int] | None = None,
) -> str:
    """The plain verdict on one metric."""
    said = [_follows(found)] if found is not None else []
    first = [name for name, place in (standing or {}).items() if place == 1]
    if first:
        said.append(f"puts {' and '.join(first)} before every method")
    worst = max(gains, key=lambda gain: (gain.places, gain.share), default=None)
    if worst is not None:
        places = "1 place" if worst.places == 1 else f"{worst.places} places"
        lifted = f"{worst.trick} alone lifts {worst.method} by {places}"
        said.append(lifted if worst.places > 0 else "no trick gains a place")
    said.append(f"its winner stays in {steady[1]:.0%} of redrawn pair sets")
    return f"{metric}: {'; '.join(said)}."


def audit_rows(found: Sequence[MetricAudit]) -> list[dict[str, Any]]:
    """The screen table: one row per metric."""
    return [
        {
            "metric": one.metric,
            "tau with the judge": _tau_text(one.agreement),
            "most gained": f"{gain.places} by {gain.trick} ({gain.method})"
            if (gain := next(iter(one.gains), None))
            else "",
            "place of": ", ".join(f"{name} {place}" for name, place in one.standing.items()) + f" of {one.ranked + 1}",
            "like": f"{one.twin} {one.likeness:.2f}" if one.twin else "",
            "steady": f"{one.steadiness:.2f}",
            "winner stays": f"{one.winner_stays:.0%}",
        }
        for one in found
    ]


def _tau_text(found: Agreement | None) -> str:
    return "" if found is None else f"{found.tau.value:+.2f} ({found.tau.low:+.2f} to {found.tau.high:+.2f})"


def _follows(found: Agreement) -> str:
    tau = found.tau
    interval = f"tau {tau.value:+.2f}, {tau.low:+.2f} to {tau.high:+.2f}"
    if not tau.excludes(0.0):
        return f"no evidence that it follows the judge ({interval})"
    return f"{'follows' if tau.value > 0 else 'runs against'} the judge ({interval})"


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
