"""What several pages need of the scores, computed once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar

import pandas as pd

from bench.analysis.asked import run_findings
from bench.analysis.captions import described
from bench.analysis.means import Layout, mean_table
from bench.analysis.numbers import headline
from bench.analysis.overall import Overall, Strand, overall, pair_strands, set_strand
from bench.analysis.pairwise import DEFAULTS, Comparison, compare
from bench.analysis.questions import Finding
from bench.analysis.standing import pair_disagreement, pair_standing
from bench.analysis.table import Table, select
from bench.errors import BenchError
from reports import words
from reports.source import DatasetView, MethodView, RunData
from reports.task_comparisons import Comparisons, task_comparisons, with_draws
from reports.task_tables import TaskTables, task_tables

Found = TypeVar("Found")

INTERVALS = DEFAULTS
"""How the intervals of the statistics page are made."""


class Overview:
    """What several pages need of the scores, computed once.

    Attributes:
        run: the run.
        faults: pictures that could not be made.
    """

    def __init__(self, run: RunData, faults: Sequence[str] = ()) -> None:
        self.run = run
        self.faults = list(faults)

    @cached_property
    def ranked(self) -> list[str]:
        """Labels of the methods that are compared: all but the references."""
        return [method.label for method in self.run.methods if not method.reference]

    @cached_property
    def tables(self) -> dict[str, dict[str, Table]]:
        """Data set -> convention -> table of means."""
        return {
            data.name: {convention: self._table(data, convention) for convention in data.conventions}
            for data in self.run.datasets
        }

    def _table(self, data: DatasetView, convention: str) -> Table:
        table = mean_table(
            self.rows[data.name, convention],
            data.name,
            convention,
            unranked=self.run.references,
            layout=Layout([method.label for method in self.run.methods], titles=self.run.titles),
        )
        return described(table.scored(self.run.manifest.methods), self.run.manifest.methods)

    @cached_property
    def task_tables(self) -> TaskTables:
        """Tables of all tasks but the fusion metrics."""
        return {
            task: {
                name: {
                    way: with_draws(table, self.task_comparisons.get((task, name), ())) for way, table in found.items()
                }
                for name, found in by_dataset.items()
            }
            for task, by_dataset in task_tables(self.run).items()
        }

    @cached_property
    def task_comparisons(self) -> Comparisons:
        """Intervals of the tasks' numbers."""
        return task_comparisons(self.run)

    @cached_property
    def findings(self) -> list[Finding]:
        """Whether fusion and learning help, for all tasks that say."""
        try:
            return run_findings(self.run.store)
        except BenchError:
            return []

    @cached_property
    def overall(self) -> Overall | None:
        """The mean rank over all data sets, tasks and leading numbers; None if nothing compares."""
        return overall([*self._pair_strands(), *self._task_strands()])

    def _pair_strands(self) -> Iterator[Strand]:
        for data in self.run.datasets:
            if data.conventions:
                convention = data.conventions[0]
                rows = self.rows[data.name, convention]
                yield from pair_strands(rows, data.name, headline(convention), self.ranked)

    def _task_strands(self) -> Iterator[Strand]:
        """Leading numbers of the tasks, on the part that speaks for each; measured ones (times) are no merit."""
        numbers = self.run.numbers
        for (task, dataset), found in self.task_comparisons.items():
            wanted = numbers.headlines(task)
            for part in found if not isinstance(found, str) else ():
                places: dict[tuple[str, str], int] = {}  # a number scored in several ways counts once, in the first
                for at, (metric, label, _) in enumerate(part.numbers):
                    if (metric, label) in wanted:
                        places.setdefault((metric, label), at)
                for (metric, label), at in places.items():
                    better = numbers.better(task, metric)
                    if better and numbers.find(task, metric).merit and not numbers.measured(task, metric):
                        yield set_strand(task, dataset, (metric, label), better, part.comparison, at, self.ranked)
                if places:  # the parts after it are of other images
                    break

    @cached_property
    def comparisons(self) -> dict[str, list[Comparison | str]]:
        """Data set -> the paired comparison of each leading metric (first convention), or why there is none."""
        return {data.name: list(self._compare(data)) for data in self.run.datasets if data.conventions}

    def _compare(self, data: DatasetView) -> Iterator[Comparison | str]:
        convention = data.conventions[0]
        known = {column.metric for column in self.tables[data.name][convention].columns}
        for metric in headline(convention):
            if metric not in known:
                continue
            try:
                rows = self.rows[data.name, convention]
                yield compare(rows, data.name, metric, convention, exclude=self.run.references, settings=INTERVALS)
            except BenchError as error:
                yield f"{metric}: {error}"

    @cached_property
    def rows(self) -> dict[tuple[str, str], pd.DataFrame]:
        """(data set, convention) -> the pair-wise scores."""
        found = {}
        for data in self.run.datasets:
            rows = select(self.run.scores, "metrics", data.name)
            for convention in data.conventions:
                found[data.name, convention] = rows[rows["convention"] == convention]
        return found

    @cached_property
    def disagreement(self) -> dict[str, pd.Series[float]]:
        """Data set -> how much the methods differ on each pair, largest first (headline metrics, first convention)."""
        return self._of_headlines(pair_disagreement)

    @cached_property
    def standing(self) -> dict[str, pd.DataFrame]:
        """Data set -> pairs x methods, the mean rank over the headline metrics (first convention)."""
        return self._of_headlines(pair_standing)

    def best_first(self, data: DatasetView) -> list[MethodView]:
        """The methods by their mean rank on the pairs; those without one last."""
        ranks = self.standing[data.name].mean()
        return sorted(self.run.methods, key=lambda method: float(ranks.get(method.label, math.inf)))

    def _of_headlines(self, compute: Callable[[pd.DataFrame, Sequence[str], Sequence[str]], Found]) -> dict[str, Found]:
        """Data set -> something of the headline metrics in its first convention, among the methods that are ranked."""
        return {
            data.name: compute(self.rows[data.name, first], headline(first), self.ranked)
            for data in self.run.datasets
            for first in data.conventions[:1]
        }

    @cached_property
    def notes(self) -> list[words.Note]:
        """What is new or odd, in plain words."""
        notes: list[words.Note] = []
        for data in self.run.datasets:
            tables = self.tables[data.name]
            notes += words.leaders(self.run, data, tables)
            notes += words.task_leaders(self.run, data, self.task_tables)
            notes += words.gaps(self.run, data, tables)
            notes += words.outliers(self.run, data)
        return notes
