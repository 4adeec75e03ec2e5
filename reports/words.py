"""What the overview says in plain words: who leads, what is odd, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.analysis.captions import TIED, way_words
from bench.analysis.numbers import headline
from bench.analysis.standing import wins
from bench.analysis.table import Table, pair_values, select
from reports.source import DatasetView, RunData, viewer_link
from reports.task_tables import TaskTables, speaking

OUTLIER = 6.0
"""A value this many scaled median deviations off its method's median is called odd (about 1 in 10^9 if normal)."""


@dataclass(frozen=True, slots=True)
class Note:
    """One finding.

    Attributes:
        dataset: the data set it is about.
        kind: ``lead``, ``odd``, ``missing``.
        text: a sentence.
        links: (text, address) of what to open, put after the sentence.
        convention: that the sentence is of; empty where it holds whichever is chosen.
    """

    dataset: str
    kind: str
    text: str
    links: tuple[tuple[str, str], ...] = ()
    convention: str = ""


def listing(words: Sequence[str], limit: int = 4) -> str:
    """``a, b and c``; beyond the limit a count."""
    if len(words) > limit:
        words = [*words[:limit], f"{len(words) - limit} more"]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def leaders(run: RunData, dataset: DatasetView, tables: dict[str, Table]) -> Iterable[Note]:  # noqa: ARG001 - one of several with one signature
    """Who is first in the headline metrics of a data set, by convention, and whether conventions agree on it."""
    if not dataset.conventions:
        return
    for convention in dataset.conventions:
        text = _leaders(tables[convention], headline(convention))
        if text:
            yield Note(dataset.name, "lead", text, convention=convention)
    flips = list(_flips(dataset, tables))
    if flips:
        yield Note(dataset.name, "odd", f"The winner depends on the convention. {' '.join(flips[:4])}")


def _leaders(table: Table, leading: Sequence[str]) -> str:
    """Who leads how many of the headline metrics, with a mark where the paired tests cannot tell it from others."""
    first = {name: [title for title in titles if title in leading] for name, titles in wins(table).items()}
    first = {name: titles for name, titles in sorted(first.items(), key=lambda item: -len(item[1])) if titles}
    if not first:
        return ""
    total = sum(column.metric in leading for column in table.columns)
    tied = {name: [title for title in titles if table.cell(name, title).tied] for name, titles in first.items()}
    parts = []
    for name, titles in list(first.items())[:3]:
        marked = [f"{title}{TIED if title in tied[name] else ''}" for title in titles]
        parts.append(f"{table.title_of(name)} leads {len(titles)} of {total} ({listing(marked, 6)})")
    unclear = f" {TIED}: not told from others by the paired tests." if any(tied.values()) else ""
    return f"{'; '.join(parts)}.{unclear}"


def task_leaders(run: RunData, dataset: DatasetView, tables: TaskTables) -> Iterable[Note]:
    """Who is first in segmentation and detection, and how the better source does alone."""
    for task, by_dataset in tables.items():
        found, numbers = by_dataset.get(dataset.name), run.numbers.headlines(task)
        if not found or not numbers or run.unranked_in(task):
            continue
        table, (metric, label) = speaking(found, numbers), numbers[-1]
        if not any((column.metric, column.label) == (metric, label) for column in table.columns):
            continue
        means = {row.method: table.cell(row.method, metric, label).mean for row in table.rows}
        known = {method: mean for method, mean in means.items() if mean is not None}
        best = table.winner(metric, label)
        alone = max((name for name in known if name in run.references), key=known.__getitem__, default=None)
        if best is None or len(known) < 2:
            continue
        text = f"{run.numbers.task_title(task)}: {run.titles.get(best, best)} has the best {metric}, {known[best]:.4f}"
        if alone is not None and alone != best:
            text += f"; {run.titles.get(alone, alone).lower()} images alone reach {known[alone]:.4f}"
        yield Note(dataset.name, "lead", f"{text} ({way_words(table.convention)}).")


def _flips(dataset: DatasetView, tables: dict[str, Table]) -> Iterable[str]:
    base = tables[dataset.conventions[0]]
    for other in dataset.conventions[1:]:
        table = tables[other]
        shared = {column.metric for column in table.columns}.intersection(column.metric for column in base.columns)
        for metric in [name for name in headline(base.convention) if name in shared]:
            one, two = base.winner(metric), table.winner(metric)
            if one and two and one != two:
                yield (f"{metric}: {base.title_of(one)} in {dataset.conventions[0]}, {table.title_of(two)} in {other}.")


def gaps(run: RunData, dataset: DatasetView, tables: dict[str, Table]) -> Iterable[Note]:
    """Partial data, methods with too few pairs, in-domain results."""
    if dataset.coverage:
        yield Note(dataset.name, "missing", f"{dataset.coverage}; the numbers here are of these only.")
    for convention in dataset.conventions:
        partial = [
            table_row.method
            for table_row in tables[convention].rows
            if any(cell.mean is not None and cell.reason for cell in table_row.cells)
        ]
        if partial:
            names = listing([run.titles.get(name, name) for name in partial])
            verbs = ("lacks", "is") if len(partial) == 1 else ("lack", "are")
            yield Note(
                dataset.name,
                "missing",
                f"{names} {verbs[0]} some pairs and {verbs[1]} not ranked there.",
                convention=convention,
            )
    own = [method.title for method in run.methods if method.in_domain(dataset.name)]
    if own:
        yield Note(dataset.name, "odd", f"{listing(own)} saw this data set in training (marked\u00a0†).")


def outliers(run: RunData, dataset: DatasetView) -> Iterable[Note]:
    """Pairs on which one method leaves its own usual range."""
    for convention in dataset.conventions:
        yield from _outliers(run, dataset, convention)


def _outliers(run: RunData, dataset: DatasetView, convention: str) -> Iterable[Note]:
    rows = select(run.scores, "metrics", dataset.name, convention)
    rows = rows[~rows["method"].isin(run.references)]
    found: list[tuple[float, str, str, str]] = []
    for metric in headline(convention):
        values = pair_values(rows, metric)
        if len(values) < 10:
            continue
        found += _far_off(values, metric)
    if found:
        found.sort(reverse=True)
        links = tuple(
            (f"{run.titles.get(method, method)} on {pair} ({metric})", viewer_link(dataset.name, pair, method))
            for _, method, pair, metric in found[:3]
        )
        counted = "One value lies" if len(found) == 1 else f"{len(found)} values lie"
        farthest = ", the farthest" if len(found) > len(links) else ""
        yield Note(
            dataset.name, "odd", f"{counted} far from the method's own usual range{farthest}:", links, convention
        )


def _far_off(values: pd.DataFrame, metric: str) -> list[tuple[float, str, str, str]]:
    numbers = values.to_numpy(dtype=np.float64)
    centre = np.nanmedian(numbers, axis=0) if numbers.size else numbers
    scale = 1.4826 * np.nanmedian(np.abs(numbers - centre), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.abs(numbers - centre) / scale
    places = np.argwhere(np.isfinite(off) & (off > OUTLIER))
    return [(float(off[i, j]), str(values.columns[j]), str(values.index[i]), metric) for i, j in places]
