"""What is known of every number of a run: direction, heading, decimals, and which speak for a task.

Fusion metrics are described in ``bench.metrics.catalogue``; a task says its own in ``Task.numbers``, and the manifest
carries that, so that a report, a comparison or a leaderboard needs no task to be installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bench.metrics.catalogue import CONVENTIONS, METRICS
from bench.metrics.convention_facts import SIX
from bench.store.manifest import Manifest, TaskFacts
from bench.types import Number

Better = Literal["higher", "lower", ""]

FUSION = "metrics"
"""The task whose numbers are the fusion metrics."""


def headline(convention: str) -> tuple[str, ...]:
    """The metrics that lead a table: the six of the SeAFusion paper, or what stands for them in this convention."""
    return CONVENTIONS[convention].default if convention in CONVENTIONS else SIX


def metric_order(metrics: Iterable[str], convention: str) -> list[str]:
    """The headline metrics first, then the convention's own order, then any others as given."""
    names = list(dict.fromkeys(metrics))
    known = CONVENTIONS[convention].metrics if convention in CONVENTIONS else ()
    return [name for name in dict.fromkeys([*headline(convention), *known, *names]) if name in names]


def direction(metric: str) -> Better:
    """Which way a fusion metric is better: ``higher``, ``lower``, or empty where neither is meant or it is unknown."""
    return METRICS[metric].better if metric in METRICS else ""


def unit(metric: str, convention: str) -> str:
    """The unit of a fusion metric in a convention; empty for a pure number, or where it is unknown."""
    uses = CONVENTIONS[convention].uses if convention in CONVENTIONS else {}
    return (uses[metric].unit or "") if metric in uses else METRICS[metric].unit if metric in METRICS else ""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of the tasks of one run, or of several.

    Attributes:
        tasks: what each said of itself.
    """

    tasks: Mapping[str, TaskFacts] = field(default_factory=dict)

    @classmethod
    def of(cls, *manifests: Manifest) -> Numbers:
        """Those of runs; the later one speaks where two describe the same task."""
        return cls({name: facts for manifest in manifests for name, facts in manifest.tasks.items()})

    def find(self, task: str, metric: str) -> Number:
        """What is known of a number; without direction where nothing is."""
        if task == FUSION:
            return Number(metric=metric, better=direction(metric), title=metric)
        known = self.tasks.get(task, TaskFacts()).numbers
        return next((number for number in known if number.metric == metric), Number(metric, better=""))

    def better(self, task: str, metric: str) -> Better:
        """Its direction."""
        return self.find(task, metric).better

    def title(self, task: str, metric: str, label: str = "") -> str:
        """The number as a heading, with its label (a class, a part); a class alone where the number is per class."""
        number = self.find(task, metric)
        title = number.title or metric
        if not label:
            return title
        return label if number.by_label else f"{title} {label}"

    def order(self, task: str, keys: Iterable[tuple[str, str]], labels: Sequence[str]) -> list[tuple[str, str]]:
        """(metric, label) of the columns of a task: labels as given, numbers without one last, each as the task says.

        Numbers that are hidden, or the spread of another, are no columns.
        """
        found = [key for key in dict.fromkeys(keys) if key[0]]
        places = {
            label: place
            for place, label in enumerate(dict.fromkeys([*labels, *(label for _, label in found if label)]))
        }
        known = {number.metric: place for place, number in enumerate(self.tasks.get(task, TaskFacts()).numbers)}
        shown = [key for key in found if not (self.find(task, key[0]).hidden or self.find(task, key[0]).spread_of)]
        return sorted(shown, key=lambda key: (places.get(key[1], len(places)), known.get(key[0], len(known))))

    def spread_metric(self, task: str, metric: str) -> str:
        """The number that is the spread of this one; empty if there is none."""
        known = self.tasks.get(task, TaskFacts()).numbers
        return next((number.metric for number in known if number.spread_of == metric), "")

    def headlines(self, task: str) -> tuple[tuple[str, str], ...]:
        """(metric, label) of the numbers that speak for a task."""
        return tuple(
            (number.metric, label)
            for number in self.tasks.get(task, TaskFacts()).numbers
            if number.headline
            for label in number.labels or ("",)
        )

    def measured(self, task: str, metric: str) -> bool:
        """True if a repetition gives another value, so that a difference of two runs says nothing."""
        return self.find(task, metric).measured

    def task_title(self, task: str) -> str:
        """The task for people."""
        if task == FUSION:
            return "Fusion metrics"
        return self.tasks.get(task, TaskFacts()).title or task.replace("_", " ").capitalize()


CATALOGUE = Numbers()
"""The fusion metrics alone."""
