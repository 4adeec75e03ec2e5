"""Whether a verdict survives a change of judge: the same question, answered with the images seen by several models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bench.analysis.questions import Finding


@dataclass(frozen=True, slots=True)
class Agreement:
    """One question on one number, answered by several judges.

    Attributes:
        question: ``fusion`` or ``learning``.
        number: what is judged, as the first judge's finding says it.
        judges: by name, the one that speaks first.
        answers: method -> its answer by each judge, of the methods that all have judged.
        order: Kendall's tau-b of the methods' values, the lowest over pairs of judges; NaN for fewer than two methods.
    """

    task: str
    dataset: str
    question: str
    number: str
    judges: tuple[str, ...]
    answers: Mapping[str, tuple[str, ...]]
    order: float

    @property
    def changed(self) -> dict[str, tuple[str, ...]]:
        """The methods whose answer hangs on the judge."""
        return {name: answers for name, answers in self.answers.items() if len(set(answers)) > 1}

    def sentence(self, titles: Mapping[str, str] | None = None) -> str:
        """Whether the verdict survives, in words."""
        named, judges = titles or {}, " and ".join(self.judges)
        tau = "" if np.isnan(self.order) else f"; order of the methods: tau {self.order:.2f}"
        if not self.changed:
            return (
                f"{self.number}: whether {self.question} helps survives a change of judge: {judges} give the same "
                f"answer for all {len(self.answers)} methods{tau}."
            )
        differ = ", ".join(f"{named.get(name, name)} ({' / '.join(each)})" for name, each in self.changed.items())
        return (
            f"{self.number}: whether {self.question} helps does not survive a change of judge: {judges} differ on "
            f"{len(self.changed)} of {len(self.answers)} methods: {differ}{tau}."
        )


def agreements(found: Sequence[Finding]) -> Iterator[Agreement]:
    """One for each question on a headline number that several judges have answered, on the same part of the data."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for one in found:
        if one.judge and one.headline and one.verdicts:
            key = (one.task, one.dataset, one.question, one.metric, one.label, one.part)
            groups.setdefault(key, []).append(one)
    for (task, dataset, question, *_), group in groups.items():
        group.sort(key=lambda one: one.beside)
        if len(group) > 1 and len({one.judge for one in group}) == len(group):
            answers, order = _compared(group)
            yield Agreement(task, dataset, question, group[0].number, tuple(one.judge for one in group), answers, order)


def _compared(group: Sequence[Finding]) -> tuple[dict[str, tuple[str, ...]], float]:
    from scipy.stats import kendalltau

    verdicts = [{one.method: one for one in finding.verdicts} for finding in group]
    methods = [name for name in verdicts[0] if all(name in judged for judged in verdicts)]
    answers: dict[str, tuple[str, ...]] = {name: tuple(judged[name].answer for judged in verdicts) for name in methods}
    if len(methods) < 2:
        return answers, float("nan")
    values = [[judged[name].value for name in methods] for judged in verdicts]
    taus = [float(kendalltau(a, b).statistic) for at, a in enumerate(values) for b in values[at + 1 :]]
    return answers, min(taus)
