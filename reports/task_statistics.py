"""Intervals of the tasks' set-level numbers on the statistics page: how much hangs on the choice of images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.analysis.captions import way_words
from bench.analysis.set_level import SetComparison
from reports.overview import Overview
from reports.source import DatasetView, RunData
from reports.words import listing


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """One number of one task and data set.

    Attributes:
        title: number and way of scoring.
        rows: one per method, the best first.
        images: how many were drawn from.
        left_out: who is not compared and why, one sentence each.
    """

    title: str
    rows: list[dict[str, Any]]
    images: int
    left_out: list[str]


@dataclass(frozen=True, slots=True)
class TaskPart:
    """One task on one data set."""

    data: DatasetView
    task: str
    entries: list[TaskEntry]
    refused: str = ""


def task_parts(overview: Overview) -> Iterator[TaskPart]:
    """What can be said of segmentation and detection; a task whose package is missing or broken is passed over."""
    for task, by_dataset in overview.task_tables.items():
        for data in overview.run.datasets:
            found = overview.task_comparisons.get((task, data.name))
            if data.name not in by_dataset or found is None:
                continue
            title, headlines = overview.run.numbers.task_title(task), overview.run.numbers.headlines(task)
            if isinstance(found, str):
                yield TaskPart(data, title, [], found)
                continue
            entries = [
                _entry(overview.run, part.comparison, place, number, part.left_out)
                for part in found
                for place, number in enumerate(part.numbers)
                if number[:2] in headlines
            ]
            if entries:
                yield TaskPart(data, title, entries)


def _entry(
    run: RunData, comparison: SetComparison, place: int, number: tuple[str, str, str], left_out: Mapping[str, str]
) -> TaskEntry:
    metric, label, convention = number
    values = {name: intervals[place] for name, intervals in comparison.values.items()}
    ends = [end for one in values.values() for end in (one.low, one.high, one.value)]
    low, width = min(ends), (max(ends) - min(ends)) or 1.0
    rows = []
    for name in sorted(values, key=lambda name: -values[name].value):
        one = values[name]
        ties = [run.titles.get(other, "") for other in comparison.ties(name, place)]
        rows.append(
            {
                "label": name,
                "value": one.value,
                "text": f"{one.value:.4f} ({one.low:.4f} to {one.high:.4f})",
                "bar": [round(100 * (end - low) / width, 2) for end in (one.low, one.value, one.high)],
                "ties": listing(ties, 8) or "–",
            }
        )
    words = (metric, "" if label == "all" else label, f"({way_words(convention)})" if convention else "")
    title = " ".join(word for word in words if word)
    caution = comparison.caution(place).removeprefix("; ")
    gone = [f"{caution[0].upper()}{caution[1:]}."] if caution else []
    gone += [f"{run.titles.get(name, name)} is left out: {reason}." for name, reason in left_out.items()]
    return TaskEntry(title, rows, comparison.images, gone)
