"""Intervals of the tasks' set-level numbers on the statistics page: how much hangs on the choice of images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.analysis.captions import way_words
from bench.analysis.letters import letters
from bench.analysis.set_level import SetComparison
from bench.analysis.table import decimals, format_number
from reports.bars import bar_places
from reports.overview import Overview
from reports.source import DatasetView, RunData


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
    digits = decimals(max(abs(one.value) for one in values.values()))
    order = sorted(values, key=lambda name: -values[name].value)
    told = [pair for pair, found in comparison.differences.items() if found[place].excludes(0.0)]
    marked = letters(order, told)
    rows = []
    for name, bar in zip(order, bar_places([values[name] for name in order]), strict=True):
        one = values[name]
        ends = [format_number(end, digits) for end in (one.value, one.low, one.high)]
        rows.append(
            {
                "label": name,
                "value": one.value,
                "text": ends,
                "bar": bar,
                "letters": marked[name] or "–",
            }
        )
    words = (metric, "" if label == "all" else label, f"({way_words(convention)})" if convention else "")
    title = " ".join(word for word in words if word)
    caution = comparison.caution(place).removeprefix("; ")
    gone = [f"{caution[0].upper()}{caution[1:]}."] if caution else []
    gone += [f"{run.titles.get(name, name)} is left out: {reason}." for name, reason in left_out.items()]
    return TaskEntry(title, rows, comparison.images, gone)
