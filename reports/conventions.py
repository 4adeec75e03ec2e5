"""What a reader is told about a convention and its metrics, from the catalogue; plug-ins may bring names it lacks."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.metrics.catalogue import CONVENTIONS, METRICS
from bench.store.manifest import TaskFacts


@dataclass(frozen=True, slots=True)
class ConventionText:
    """Words about one convention.

    Attributes:
        name: of the ``convention`` column.
        title: in a few words.
        summary: what it is; empty if unknown.
        sound: True if every number is what its name says.
        warnings: metric -> what is wrong with it here.
        cite: how a paper names it.
    """

    name: str
    title: str
    summary: str = ""
    sound: bool = True
    warnings: dict[str, str] = field(default_factory=dict)
    cite: str = ""


def text_of(name: str) -> ConventionText:
    """The words about a convention; a bare name for one that the catalogue does not list."""
    if name not in CONVENTIONS:
        return ConventionText(name, name)
    entry = CONVENTIONS[name]
    warnings = {metric: use.defect for metric, use in entry.uses.items() if use.defect}
    return ConventionText(name, entry.title, entry.summary, entry.sound, warnings, entry.cite)


def definition(convention: str, metric: str) -> str:
    """What a number is: full name, definition in this convention, unit; empty if the catalogue does not list it."""
    if metric not in METRICS:
        return ""
    facts = METRICS[metric]
    use = CONVENTIONS[convention].uses.get(metric) if convention in CONVENTIONS else None
    unit = use.unit if use else facts.unit
    text = f"{facts.title}: {use.definition if use else facts.definition}"
    return f"{text} Unit: {unit}." if unit else text


PARTS = {
    "day": "pairs tagged day only",
    "night": "pairs tagged night only",
    "unseen": "only pairs that are in no method's training part, nor in that of the detector",
    "small": "objects of less than 32x32 pixels only",
    "medium": "objects of 32x32 to 96x96 pixels only",
    "large": "objects of more than 96x96 pixels only",
    "untuned": "the same model before it learned from the method's images",
}
"""Parts of a data set that any task may be scored on."""


def task_convention(name: str, facts: TaskFacts) -> str:
    """A way of scoring, such as ``joint/single_scale/day``, in words; empty where none is known."""
    words = {**facts.ways, **PARTS}
    return "; ".join(words[part] for part in name.split("/") if part in words)
