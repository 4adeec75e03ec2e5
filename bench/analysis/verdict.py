"""Does fusion help, does learning help: each method against the better single source, or the best plain rule."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.analysis.bootstrap import Counts, Floats, WeightedStatistic
from bench.analysis.correction import holm, smallest_p
from bench.analysis.pairwise import DEFAULTS, Settings
from bench.errors import BenchError

Answer = Literal["helps", "no evidence", "hurts"]

POWER = 0.8
"""With this probability a difference of ``detectable`` would have been shown."""
FEW = 10
"""Below so many draws beyond zero their share says little, and the tail of a normal distribution is taken."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One method against the best of some references, on one number.

    Attributes:
        method: its name.
        against: the reference that is best on all images.
        value: of the method, on all images, mean over its seeds.
        reference: of the best reference.
        low: end of the interval of the difference; the best reference is chosen anew in every draw.
        high: its other end.
        p: two-sided, corrected by Holm over the methods.
        detectable: the smallest difference that so many images and seeds could have shown.
        answer: ``helps`` or ``hurts`` where the difference is shown and large enough to count.
    """

    method: str
    against: str
    value: float
    reference: float
    low: float
    high: float
    p: float
    detectable: float
    answer: Answer

    @property
    def difference(self) -> float:
        """Method minus best reference, on all images."""
        return self.value - self.reference

    def sentence(self, what: str) -> str:
        """The verdict in words; ``what`` is what is asked about, e.g. ``fusion``."""
        shown = f"{self.difference:+.3f}, interval {self.low:+.3f} to {self.high:+.3f}, against {self.against}"
        if self.answer == "no evidence":
            return (
                f"{self.method}: no evidence that {what} helps ({shown}; {self.detectable:.3f} could have been shown)"
            )
        return f"{self.method}: {what} {self.answer} ({shown})"


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """K numbers of several methods on the same draws.

    Attributes:
        values: method -> (K,) on all images, mean over its seeds.
        draws: method -> (K, B) in each draw.
        units: how many things were drawn from: images, or drives of neighbouring frames.
    """

    values: Mapping[str, Floats]
    draws: Mapping[str, Floats]
    units: int


def draw(
    statistics: Mapping[str, Sequence[WeightedStatistic]],
    groups: Sequence[Hashable],
    settings: Settings = DEFAULTS,
    chosen: Sequence[bool] | None = None,
) -> Drawn:
    """Draws the images, and the seeds of each method, with replacement; all methods see the same images.

    Args:
        statistics: method -> one statistic per seed, all of the same numbers.
        groups: of each image, e.g. its drive: whole groups are drawn, as neighbouring frames are not independent; the
            image itself where each is one.
        settings: of the draws.
        chosen: which images count, e.g. those by night; None: all.

    Raises:
        BenchError: fewer than two groups.
    """
    rng = np.random.default_rng(settings.seed)
    at = np.flatnonzero(np.ones(len(groups), dtype=bool) if chosen is None else np.asarray(chosen))
    counts = np.zeros((settings.resamples, len(groups)), dtype=np.int64)
    counts[:, at], units = draw_groups([groups[index] for index in at.tolist()], settings.resamples, rng)
    whole = np.zeros((1, len(groups)), dtype=np.int64)
    whole[:, at] = 1
    values = {name: np.mean([one(whole)[:, 0] for one in ones], axis=0) for name, ones in statistics.items()}
    return Drawn(values, {name: _over_seeds(ones, counts, rng) for name, ones in statistics.items()}, units)


def verdicts(
    drawn: Drawn, at: int, methods: Sequence[str], references: Sequence[str], effect: float, alpha: float = 0.05
) -> tuple[Verdict, ...]:
    """Methods against the best of the references.

    Call it with the two sources as references to ask whether fusion helps, and with the plain rules to ask whether
    learning helps.

    Args:
        drawn: of methods and references.
        at: which number; higher is better.
        methods: those that are judged; Holm corrects for so many.
        references: what they are compared with; the best of them is chosen anew in every draw.
        effect: the smallest difference that counts.
        alpha: the level of the tests.

    Raises:
        BenchError: a reference without values, or a number that most draws lack.
    """
    missing = [name for name in references if name not in drawn.draws]
    if missing or not references:
        raise BenchError(f"verdict: references {', '.join(missing) or 'none'} have no values, wanted at least one with")
    full = {name: float(drawn.values[name][at]) for name in (*methods, *references)}
    best = max(references, key=lambda name: full[name])
    bar = np.maximum.reduce([drawn.draws[name][at] for name in references])
    found = [
        _one(name, full[name] - full[best], drawn.draws[name][at] - bar, alpha / len(methods), alpha)
        for name in methods
    ]
    corrected = holm([max(p, smallest_p(drawn.units)) for *_, p in found])
    return tuple(
        Verdict(
            name, best, full[name], full[best], low, high, p, detectable,
            _answer(full[name] - full[best], p, effect, alpha),
        )
        for name, (low, high, detectable, _), p in zip(methods, found, corrected, strict=True)
    )  # fmt: skip


def draw_groups(groups: Sequence[Hashable], resamples: int, rng: np.random.Generator) -> tuple[Counts, int]:
    """How often each image is drawn in each resample, (B, n), where groups are drawn whole; and how many there are."""
    names = {name: index for index, name in enumerate(dict.fromkeys(groups))}
    if len(names) < 2:
        raise BenchError(f"verdict: {len(names)} independent image or drive, wanted at least two")
    of_group = rng.multinomial(len(names), np.full(len(names), 1.0 / len(names)), size=resamples)
    return np.asarray(of_group[:, [names[label] for label in groups]], dtype=np.int64), len(names)


def _over_seeds(statistics: Sequence[WeightedStatistic], counts: Counts, rng: np.random.Generator) -> Floats:
    """The numbers in every draw, (K, B), of seeds drawn with replacement too."""
    values = np.stack([statistic(counts) for statistic in statistics])
    seeds = len(values)
    if seeds == 1:
        return np.asarray(values[0], dtype=np.float64)
    chosen = rng.integers(seeds, size=(seeds, 1, values.shape[2]))
    return np.asarray(np.take_along_axis(values, chosen, axis=0).mean(axis=0), dtype=np.float64)


def _one(
    name: str, observed: float, differences: Floats, level: float, alpha: float
) -> tuple[float, float, float, float]:
    """Interval, smallest detectable difference and p of one method's drawn differences."""
    from scipy.stats import norm

    finite = differences[np.isfinite(differences)]
    if finite.size < differences.size / 2 or not np.isfinite(observed):
        raise BenchError(
            f"verdict: {name} has no value in {differences.size - finite.size} of {differences.size} draws"
        )
    low, high = np.quantile(finite, [alpha / 2.0, 1.0 - alpha / 2.0])
    reach = norm.ppf(1.0 - level / 2.0) + norm.ppf(POWER)
    # the best of several lies above each of them, in the numbers and in the draws again; that alone must not hurt
    lift = max(0.0, observed - float(finite.mean()))
    p = min(1.0, 2.0 * min(_beyond(finite), _beyond(-(finite + 2.0 * lift))))
    return float(low), float(high), float(reach * finite.std(ddof=1)), p


def _beyond(differences: Floats) -> float:
    """One-sided p that they are above zero by chance."""
    from scipy.stats import norm

    count = int((differences <= 0.0).sum())
    spread = float(differences.std(ddof=1))
    if count >= FEW or spread == 0.0:
        return (count + 1) / (differences.size + 1)
    return float(norm.sf(float(differences.mean()) / spread))


def _answer(difference: float, p: float, effect: float, alpha: float) -> Answer:
    if p >= alpha or abs(difference) < effect:
        return "no evidence"
    return "helps" if difference > 0.0 else "hurts"
