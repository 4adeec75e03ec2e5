"""Does fusion help, does learning help: each method against the better single source, or the best plain rule."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.analysis.bootstrap import Counts, Floats, WeightedStatistic
from bench.analysis.pairwise import DEFAULTS, Settings
from bench.errors import BenchError

Answer = Literal["helps", "no evidence", "hurts"]

COUNTS = {"mIoU": 0.01, "AP": 0.01}
"""The smallest effect that counts."""
POWER = 0.8
"""With this probability a difference of ``detectable`` would have been shown."""


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
        draws: units drawn: images, or drives of neighbouring frames.
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
    draws: int

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


def verdicts(
    statistics: Mapping[str, Sequence[WeightedStatistic]],
    images: int,
    references: Sequence[str],
    effect: float,
    groups: Sequence[Hashable] | None = None,
    settings: Settings = DEFAULTS,
) -> tuple[Verdict, ...]:
    """Each method against the best of the references; all see the same draws.

    Call it with the two sources as references to ask whether fusion helps, and with the plain rules to ask whether
    learning helps.

    Args:
        statistics: method -> one statistic per seed, each of one number where higher is better.
        images: how many there are, in one order for all.
        references: methods to compare with; the best of them is chosen anew in every draw.
        effect: the smallest difference that counts.
        groups: of each image, e.g. its drive: whole groups are drawn, as neighbouring frames are not independent. None:
            every image is one.
        settings: of the draws.

    Raises:
        BenchError: fewer than two groups, a reference without statistics, or groups of another number of images.
    """
    missing = [name for name in references if name not in statistics]
    if missing or not references:
        raise BenchError(f"verdict: references {', '.join(missing) or 'none'} have no values, wanted at least one with")
    rng = np.random.default_rng(settings.seed)
    counts, units = draw_groups(images, groups, settings.resamples, rng)
    whole = np.ones((1, images), dtype=np.int64)
    full = {name: float(np.mean([one(whole)[0, 0] for one in ones])) for name, ones in statistics.items()}
    drawn = {name: _drawn(ones, counts, rng) for name, ones in statistics.items()}
    best = max(references, key=lambda name: full[name])
    bar = np.maximum.reduce([drawn[name] for name in references])
    methods = [name for name in statistics if name not in references]
    found = [_one(name, drawn[name] - bar, len(methods), settings) for name in methods]
    corrected = _holm([p for *_, p in found])
    return tuple(
        Verdict(
            name, best, full[name], full[best], low, high, p, detectable,
            _answer(full[name] - full[best], p, effect, settings.alpha), units,
        )
        for name, (low, high, detectable, _), p in zip(methods, found, corrected, strict=True)
    )  # fmt: skip


def draw_groups(
    images: int, groups: Sequence[Hashable] | None, resamples: int, rng: np.random.Generator
) -> tuple[Counts, int]:
    """How often each image is drawn in each resample, (B, n), where groups are drawn whole; and how many there are."""
    labels = list(range(images)) if groups is None else list(groups)
    if len(labels) != images:
        raise BenchError(f"verdict: {len(labels)} groups for {images} images, wanted one each")
    names = {name: index for index, name in enumerate(dict.fromkeys(labels))}
    if len(names) < 2:
        raise BenchError(f"verdict: {len(names)} independent image or drive, wanted at least two")
    of_group = rng.multinomial(len(names), np.full(len(names), 1.0 / len(names)), size=resamples)
    return np.asarray(of_group[:, [names[label] for label in labels]], dtype=np.int64), len(names)


def _drawn(statistics: Sequence[WeightedStatistic], counts: Counts, rng: np.random.Generator) -> Floats:
    """The number in every draw, of seeds drawn with replacement too."""
    values = np.stack([statistic(counts)[0] for statistic in statistics])
    seeds = len(values)
    if seeds == 1:
        return np.asarray(values[0], dtype=np.float64)
    chosen = rng.integers(seeds, size=(seeds, values.shape[1]))
    return np.asarray(np.take_along_axis(values, chosen, axis=0).mean(axis=0), dtype=np.float64)


def _one(name: str, differences: Floats, methods: int, settings: Settings) -> tuple[float, float, float, float]:
    """Interval, smallest detectable difference and p of one method's drawn differences."""
    from scipy.stats import norm

    finite = differences[np.isfinite(differences)]
    if finite.size < differences.size / 2:
        raise BenchError(
            f"verdict: {name} has no value in {differences.size - finite.size} of {differences.size} draws"
        )
    alpha = settings.alpha
    low, high = np.quantile(finite, [alpha / 2.0, 1.0 - alpha / 2.0])
    reach = norm.ppf(1.0 - alpha / (2.0 * methods)) + norm.ppf(POWER)
    below, above = int((finite <= 0.0).sum()), int((finite >= 0.0).sum())
    p = min(1.0, 2.0 * (min(below, above) + 1) / (finite.size + 1))
    return float(low), float(high), float(reach * finite.std(ddof=1)), p


def _holm(p_values: Sequence[float]) -> list[float]:
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]] if p_values else []


def _answer(difference: float, p: float, effect: float, alpha: float) -> Answer:
    if p >= alpha or abs(difference) < effect:
        return "no evidence"
    return "helps" if difference > 0.0 else "hurts"
