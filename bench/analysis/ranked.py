"""Who is ranked: the one answer for tables, statistics, comparisons and leaderboards."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from bench.analysis.numbers import FUSION
from bench.store.manifest import MethodFacts, TaskFacts

SOURCES = ("visible", "infrared")
"""The sources passed through, by name; counts only where nothing is known of a method."""
PLAIN_RULES = ("average", "maximum")
"""What a method must do better than for its learning to help, beside decisions on the sources, merged."""
UNRANKED_KINDS = ("reference", "control")


def is_ranked(label: str, facts: MethodFacts | None) -> bool:
    """False for what is shown for reference: a source passed through, decisions on both merged, images of another way.

    Args:
        label: as in the score table.
        facts: the method's entry in the manifest; None where there is none.
    """
    if facts is None or not facts.kind:
        return label not in SOURCES
    return facts.kind not in UNRANKED_KINDS and not facts.beside


def controls_last(labels: Iterable[str], methods: Mapping[str, MethodFacts]) -> list[str]:
    """The labels with what every method is judged by at the end: sources, plain rules, merged decisions."""

    def place(label: str) -> int:
        kind = methods[label].kind if label in methods else ""
        if label in SOURCES or kind == "reference":
            return 1
        return 2 if label in PLAIN_RULES else 3 if kind == "control" else 0

    return sorted(labels, key=place)


def unranked_in(
    task: str, facts: TaskFacts, labels: Iterable[str], methods: Mapping[str, MethodFacts]
) -> tuple[str, ...]:
    """Those shown but not ranked in a task: a source contends, unless it is about fusion or measures the method."""
    return unranked(labels, methods) if task == FUSION or not facts.contends else ()


def counted(labels: Iterable[str], methods: Mapping[str, MethodFacts], scored: Collection[str]) -> tuple[str, ...]:
    """The methods that a report speaks of: ranked ones with at least one number.

    Args:
        labels: all of them.
        methods: their entries in the manifest.
        scored: labels with a value.
    """
    return tuple(label for label in dict.fromkeys(labels) if is_ranked(label, methods.get(label)) and label in scored)


def unranked(labels: Iterable[str], methods: Mapping[str, MethodFacts]) -> tuple[str, ...]:
    """Those of some labels that are shown but not ranked, in their order."""
    return tuple(label for label in dict.fromkeys(labels) if not is_ranked(label, methods.get(label)))
