"""What several pages need of the scores, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import pandas as pd

from bench.analysis.asked import run_findings
from bench.analysis.captions import described
from bench.analysis.means import Layout, mean_table
from bench.analysis.numbers import headline
from bench.analysis.questions import Finding
from bench.analysis.standing import pair_disagreement, pair_standing
from bench.analysis.table import Table, select
from bench.errors import BenchError
from reports import words
from reports.source import DatasetView, RunData
from reports.task_comparisons import Comparisons, task_comparisons, with_ties
from reports.task_tables import TaskTables, task_tables


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
        return described(table, self.run.manifest.methods)

    @cached_property
    def task_tables(self) -> TaskTables:
        """Tables of all tasks but the fusion metrics."""
        return {
            task: {
                name: {
                    way: with_ties(table, self.task_comparisons.get((task, name), ())) for way, table in found.items()
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
        return {
            data.name: pair_disagreement(
                self.rows[data.name, data.conventions[0]], headline(data.conventions[0]), self.ranked
            )
            for data in self.run.datasets
            if data.conventions
        }

    @cached_property
    def standing(self) -> dict[str, pd.DataFrame]:
        """Data set -> pairs x methods, the mean rank over the headline metrics (first convention)."""
        return {
            data.name: pair_standing(
                self.rows[data.name, data.conventions[0]], headline(data.conventions[0]), self.ranked
            )
            for data in self.run.datasets
            if data.conventions
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
