"""Which pairs of a run the weights of its methods were trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bench.data.catalogue import seen_in_training
from bench.data.frames import read_frames
from bench.run.plan import DatasetPlan, MethodPlan, Plan


def seen_pairs(dataset: DatasetPlan, method: MethodPlan, parts: Iterable[str]) -> frozenset[tuple[str, str]] | None:
    """(part, name) of pairs that the method's weights were trained on; None where that cannot be known."""
    if method.ready.folder is not None:
        return None
    seen: set[tuple[str, str]] = set()
    frames = read_frames(method.ready.weights)
    for part in dict.fromkeys(parts):
        names = seen_in_training(dataset.opened, method.facts.trained_on, part, frames)
        if names is None:
            return None
        seen |= {(part, name) for name in names}
    return frozenset(seen)


def with_seen(plan: Plan) -> Plan:
    """The plan whose methods say which of the scored pairs they saw in training, with a note for each that did."""
    methods, notes = [], list(plan.notes)
    for method in plan.methods:
        seen = {dataset.name: _scored(dataset, method) for dataset in plan.datasets} if method.source else {}
        seen = {name: pairs for name, pairs in seen.items() if pairs}
        methods.append(replace(method, facts=method.facts.model_copy(update={"seen": seen})))
        notes += [_sentence(plan, method.label, name, pairs) for name, pairs in seen.items()]
    return replace(plan, methods=tuple(methods), notes=tuple(notes))


def _scored(dataset: DatasetPlan, method: MethodPlan) -> tuple[str, ...]:
    seen = seen_pairs(dataset, method, [dataset.main]) or frozenset()
    return tuple(files.id for files in dataset.parts[dataset.main] if files.key in seen)


def _sentence(plan: Plan, label: str, name: str, pairs: tuple[str, ...]) -> str:
    total = next(len(dataset.parts[dataset.main]) for dataset in plan.datasets if dataset.name == name)
    more = ", ..." if len(pairs) > 3 else ""
    return f"{label} saw {len(pairs)} of these {total} pairs of {name} in training ({', '.join(pairs[:3])}{more})"
