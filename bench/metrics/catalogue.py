"""The list of metrics and conventions, and look-ups in it; imports nothing heavy, so that listing is quick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from bench.errors import BenchError, suggest
from bench.metrics.convention_facts import CONVENTIONS
from bench.metrics.facts import Convention, Metric, Use
from bench.metrics.metric_facts import METRICS

__all__ = [
    "CONVENTIONS", "METRICS", "Convention", "Metric", "Use", "chosen_metrics", "convention", "convention_rows",
    "default_metrics", "find_use", "metric", "metric_rows", "named_in",
]  # fmt: skip


def metric(name: str) -> Metric:
    """The metric of that name.

    Raises:
        BenchError: unknown name; near names are suggested.
    """
    return METRICS[name] if name in METRICS else _refuse("metric", name, METRICS)


def convention(name: str) -> Convention:
    """The convention of that name.

    Raises:
        BenchError: unknown name; near names are suggested.
    """
    return CONVENTIONS[name] if name in CONVENTIONS else _refuse("convention", name, CONVENTIONS)


def find_use(convention_name: str, metric_name: str) -> Use:
    """How a convention computes a metric.

    Raises:
        BenchError: unknown convention, or it does not define the metric.
    """
    found = convention(convention_name)
    name = named_in(found, metric_name)
    return found.uses[name] if name else _refuse(f"metric of convention {convention_name}", metric_name, found.uses)


def named_in(convention: Convention, name: str) -> str:
    """How a convention writes a metric that may be asked for in another spelling; empty if it does not define it."""
    if name in convention.uses or name not in METRICS:
        return name if name in convention.uses else ""
    canonical = METRICS[name].canonical
    return next((known for known in convention.uses if METRICS[known].canonical == canonical), "")


def default_metrics(convention_name: str) -> tuple[str, ...]:
    """The metrics a run computes in a convention unless told otherwise: the six, or what stands for them there."""
    return convention(convention_name).default


def chosen_metrics(conventions: Sequence[str], metrics: Sequence[str] | str | None) -> dict[str, tuple[str, ...]]:
    """Convention -> metrics to compute, in the convention's order.

    Args:
        conventions: names; each once.
        metrics: None for each convention's default, ``all`` (or a list holding it) for all that need no optional
            package, or names in any spelling; a convention that lacks one of several names leaves it out.

    Raises:
        BenchError: unknown convention or metric, or a metric that none of the conventions defines.
    """
    found = {name: convention(name) for name in dict.fromkeys(conventions)}
    if not found:
        _refuse("convention", "", CONVENTIONS)
    if metrics is None or metrics == []:
        return {name: entry.default for name, entry in found.items()}
    wanted = [metrics] if isinstance(metrics, str) else list(metrics)
    if "all" in wanted:
        return {name: _all_of(entry, wanted) for name, entry in found.items()}
    for name in wanted:
        metric(name)
        if not any(named_in(entry, name) for entry in found.values()):
            offered = dict.fromkeys(known for entry in found.values() for known in entry.uses)
            _refuse(f"metric of convention {', '.join(found)}", name, offered)
    return {name: _those_of(entry, wanted) for name, entry in found.items()}


def _all_of(entry: Convention, wanted: Sequence[str]) -> tuple[str, ...]:
    named = _those_of(entry, wanted)
    return tuple(name for name in entry.uses if name in entry.metrics or name in named)


def _those_of(entry: Convention, wanted: Sequence[str]) -> tuple[str, ...]:
    named = {named_in(entry, name) for name in wanted}
    return tuple(known for known in entry.uses if known in named)


def metric_rows(long: bool = False) -> list[dict[str, Any]]:
    """The metrics as rows of a table; ``long`` adds definition, source and what each convention makes of it."""
    rows = []
    for entry in METRICS.values():
        users = [name for name, each in CONVENTIONS.items() if entry.name in each.uses]
        row: dict[str, Any] = {
            "metric": entry.name, "title": entry.title, "unit": entry.unit, "better": entry.better,
            "range": _range(entry.low, entry.high), "conventions": ", ".join(users),
        }  # fmt: skip
        if long:
            row |= {"definition": entry.definition, "source": _source(entry), "defects": entry.defects}
            row |= {f"in {name}": _in_words(CONVENTIONS[name].uses[entry.name]) for name in users}
        rows.append(row)
    return rows


def convention_rows(long: bool = False) -> list[dict[str, Any]]:
    """The conventions as rows of a table; ``long`` adds input, defects, users, proof and how to quote it."""
    rows = []
    for entry in CONVENTIONS.values():
        row: dict[str, Any] = {
            "convention": entry.name, "title": entry.title, "sound": entry.sound, "about": entry.summary,
            "metrics": len(entry.uses), "default": ", ".join(entry.default),
        }  # fmt: skip
        if long:
            row |= {"all metrics": ", ".join(entry.metrics), "grey": entry.input_text, "source": entry.source}
            row |= {"defects": " ".join(entry.defects), "used by": ", ".join(entry.used_by)}
            row |= {"verified": entry.verified, "quote as": entry.cite}
        rows.append(row)
    return rows


def _range(low: float | None, high: float | None) -> str:
    return " to ".join("any" if bound is None else f"{bound:g}" for bound in (low, high))


def _source(entry: Metric) -> str:
    return f"{entry.source}, doi:{entry.doi}" if entry.doi else entry.source


def _in_words(use: Use) -> str:
    parts = [use.definition, f"Unit: {use.unit}." if use.unit else "", f"Range: {_range(use.low, use.high)}."]
    return " ".join(part for part in (*parts, f"Defect: {use.defect}." if use.defect else "") if part)


def _refuse(kind: str, name: str, known: Iterable[str]) -> NoReturn:
    raise BenchError(f"unknown {kind} {name!r}{suggest(name, known)}")
