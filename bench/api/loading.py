"""``bench.load``: a run as tables, comparisons and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bench.analysis.curves import Curve, cumulative_curves
from bench.analysis.means import Layout, mean_table
from bench.analysis.numbers import FUSION, Numbers, headline, metric_order
from bench.analysis.pairwise import DEFAULTS, Comparison, Settings, compare
from bench.analysis.ranked import unranked
from bench.analysis.table import select
from bench.errors import BenchError, suggest
from bench.images import read_image
from bench.store.manifest import DatasetFacts, Manifest
from bench.store.run_folder import Store

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def load(run: Path | str) -> Run:
    """A finished run.

    Args:
        run: its folder, the ``--out`` of ``bench run``.

    Raises:
        BenchError: no finished run is there.
    """
    loaded = Run(Path(run).expanduser())
    _ = loaded.scores, loaded.manifest
    return loaded


@dataclass(frozen=True)
class Run:
    """A run folder; everything is read from what the run left, nothing is computed anew but statistics.

    Where a call takes ``dataset``, None means the run's first, and the calls that take ``convention`` fall back on the
    run's first in the same way.

    Attributes:
        folder: the run's.
    """

    folder: Path

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The score table, one row a number; see ``docs/architecture.md`` for its columns."""
        return Store(self.folder).read_scores()

    @cached_property
    def manifest(self) -> Manifest:
        """What the run says of itself: versions, settings, sources, weights."""
        return Store(self.folder).read_manifest()

    @property
    def datasets(self) -> list[str]:
        """Names of the data sets, as the manifest has them, then any others."""
        return list(dict.fromkeys([*self.manifest.datasets, *self.scores["dataset"]]))

    @property
    def methods(self) -> list[str]:
        """Labels of the methods, as the manifest has them, then any others."""
        return list(dict.fromkeys([*self.manifest.methods, *self.scores["method"]]))

    @property
    def conventions(self) -> list[str]:
        """Conventions of the fusion metrics, as they were asked for."""
        found = self.scores.loc[self.scores["task"] == FUSION, "convention"].unique()
        return [name for name in dict.fromkeys([*self.manifest.config.conventions, *found]) if name in found]

    def table(
        self, task: str | None = None, dataset: str | None = None, convention: str | None = None,
        method: str | None = None, metric: str | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """The rows of the score table that hold all that is given.

        Raises:
            BenchError: no row does, with what there is.
        """
        rows = self.scores
        wanted = {"task": task, "dataset": dataset, "convention": convention, "method": method, "metric": metric}
        for column, value in wanted.items():
            if value is None:
                continue
            found = rows[rows[column] == value]
            if found.empty:
                there = ", ".join(str(each) or "(none)" for each in dict.fromkeys(rows[column]))
                raise BenchError(f"{column} {value!r}: no such rows in {self.folder}, there are {there}")
            rows = found
        return rows.reset_index(drop=True)

    def means(self, dataset: str | None = None, convention: str | None = None, task: str = FUSION) -> pd.DataFrame:
        """Means over the pairs (or the numbers over the set) as the report prints them: methods x numbers.

        Args:
            dataset: its name.
            convention: of the fusion metrics, or the way of scoring of another task.
            task: whose numbers.

        Returns:
            Index ``method``; one column per number, named as the report's heading; NaN where there is none.

        Raises:
            BenchError: no such rows.
        """
        import pandas as pd

        dataset, convention = self._chosen(task, dataset, convention)
        table = mean_table(
            self.scores, dataset, convention, task, layout=Layout(self.methods), numbers=Numbers.of(self.manifest)
        )
        values = [[cell.mean for cell in row.cells] for row in table.rows]
        index = pd.Index([row.method for row in table.rows], name="method")
        return pd.DataFrame(values, index, [column.title for column in table.columns], dtype="float64")

    def compare(
        self, first: str, second: str, dataset: str | None = None, convention: str | None = None,
        metrics: Sequence[str] | None = None, *, settings: Settings = DEFAULTS,
    ) -> pd.DataFrame:  # fmt: skip
        """Two methods on the pairs that both have: first minus second, with what can be said of it.

        Args:
            first: label of a method.
            second: label of another.
            dataset: its name.
            convention: of the metrics.
            metrics: names; None: all with a direction.
            settings: of the intervals and tests.

        Returns:
            Index ``metric``; columns ``pairs``, the two means, ``difference`` with its interval ``low`` and ``high``
            (bootstrap over pairs), ``p`` (Wilcoxon's signed-rank test, not corrected across metrics) and ``better``:
            the better method, empty where the test cannot tell them apart.

        Raises:
            BenchError: a method, data set, convention or metric that is not in the run.
        """
        import pandas as pd

        for label in (first, second):
            self._known("method", label, self.methods)
        dataset, convention = self._chosen(FUSION, dataset, convention)
        rows = select(self.scores, FUSION, dataset, convention)
        rows = rows[rows["method"].isin((first, second))]
        numbers = Numbers.of(self.manifest)
        names = [name for name in metric_order(rows["metric"], convention) if numbers.better(FUSION, name)]
        for name in metrics or ():
            self._known("metric", name, names)
        found = {
            name: _two(compare(rows, dataset, name, convention, exclude=(), settings=settings), first, second)
            for name in metrics or names
        }
        return pd.DataFrame.from_dict(found, orient="index").rename_axis("metric")

    def curves(
        self, dataset: str | None = None, convention: str | None = None, metrics: Sequence[str] | None = None
    ) -> Curves:
        """Cumulative curves of metrics over the pairs, as the SeAFusion paper draws them.

        Args:
            dataset: its name.
            convention: of the metrics.
            metrics: names; None: those that lead the convention's tables.

        Raises:
            BenchError: no such rows.
        """
        dataset, convention = self._chosen(FUSION, dataset, convention)
        rows = select(self.scores, FUSION, dataset, convention)
        there = metric_order(rows["metric"], convention)
        for name in metrics or ():
            self._known("metric", name, there)
        chosen = list(metrics or [name for name in headline(convention) if name in there])
        left_out = set(unranked(rows["method"], self.manifest.methods))
        found = {
            name: {
                method: curve
                for method, curve in cumulative_curves(self.scores, dataset, convention, name).items()
                if method not in left_out
            }
            for name in chosen
        }
        return Curves(f"{dataset} · {convention}", found)

    def show(self, pair: str, dataset: str | None = None, methods: Sequence[str] | None = None) -> Figure:
        """A pair's sources and what methods made of it, side by side.

        Args:
            pair: its name.
            dataset: its name.
            methods: labels; None: all that have an image of it.

        Raises:
            BenchError: no such pair or method, or images that are not there any more.
        """
        from bench.api.figures import image_row

        dataset = self._known("dataset", dataset or self.datasets[0], self.datasets)
        facts = self.manifest.datasets.get(dataset, DatasetFacts())
        self._known("pair", pair, list(facts.main.pairs))
        for label in methods or ():
            self._known("method", label, self.methods)
        source, store = facts.source(pair), Store(self.folder)
        panels = {"infrared": read_image(Path(source.ir)), "visible": read_image(Path(source.vis))}
        for label in methods or self.methods:
            path = store.fused_path(dataset, facts.split, label, pair)
            if methods or (path.is_file() and label not in panels):
                panels[label] = read_image(path)
        return image_row(panels)

    def _chosen(self, task: str, dataset: str | None, convention: str | None) -> tuple[str, str]:
        """The data set and convention meant, both with rows of the task."""
        rows = self.table(task, dataset, convention)
        dataset = next(name for name in self.datasets if name in set(rows["dataset"]))
        found = rows.loc[rows["dataset"] == dataset, "convention"].unique()
        return dataset, next(name for name in [*self.conventions, *found] if name in found)

    def _known(self, kind: str, name: str, there: Sequence[str]) -> str:
        if name not in there:
            raise BenchError(f"{kind} {name!r} is not in {self.folder}{suggest(name, there)}")
        return name


@dataclass(frozen=True)
class Curves:
    """Cumulative curves of some metrics.

    Attributes:
        title: of the figure.
        values: metric -> method -> (share of the pairs, value not exceeded by that share).
    """

    title: str
    values: dict[str, dict[str, Curve]]

    def plot(self) -> Figure:
        """The curves, a panel for each metric; one legend below all."""
        from bench.api.figures import curve_panels

        return curve_panels(self.title, self.values)


def _two(comparison: Comparison, first: str, second: str) -> dict[str, object]:
    (found,) = comparison.differences
    sign = 1.0 if found.first == first else -1.0
    low, high = sorted((sign * found.difference.low, sign * found.difference.high))
    return {
        "pairs": comparison.pairs, first: comparison.standing(first).mean.value,
        second: comparison.standing(second).mean.value, "difference": sign * found.difference.value,
        "low": low, "high": high, "p": found.p, "better": found.better,
    }  # fmt: skip
