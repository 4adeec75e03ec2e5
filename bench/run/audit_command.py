"""``bench audit``: what the metrics of a run are worth, from its scores, its tasks, and its images tricked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.analysis.audit import Better, Judge, MetricAudit, audit_metrics, read_opinions
from bench.analysis.bootstrap import Counts, Floats
from bench.analysis.captions import way_of
from bench.analysis.numbers import FUSION, direction, metric_order
from bench.analysis.ranked import PLAIN_RULES, SOURCES
from bench.analysis.set_level import aligned, resamplers_of
from bench.analysis.table import pair_values, select
from bench.data.spec import recorded_spec
from bench.errors import BenchError
from bench.files import file_digest, write_atomic
from bench.machine import count_cores
from bench.run.audit_unit import AuditUnit
from bench.run.executors import LocalExecutor
from bench.run.folder import sole_writer
from bench.run.keys import stage_digest
from bench.store.manifest import DatasetFacts, Manifest
from bench.store.run_folder import Store
from bench.store.statements import audit_path
from bench.types import PairFiles

if TYPE_CHECKING:
    import pandas as pd

Listener = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class DatasetAudit:
    """The audit of one data set.

    Attributes:
        dataset: its name.
        convention: of the metrics.
        judge: what metrics are held against, in words; empty for none.
        methods: labels that are ranked.
        pairs: how many pairs the metrics are over.
        tricked: how many of them were tricked.
        metrics: one entry per metric.
        redundancy: metric -> metric -> rank correlation over the methods, like ones side by side.
    """

    dataset: str
    convention: str
    judge: str
    methods: tuple[str, ...]
    pairs: int
    tricked: int
    metrics: tuple[MetricAudit, ...]
    redundancy: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of an audit.

    Attributes:
        convention: of the metrics; empty: the first of the run.
        metrics: names; empty: all of the run.
        pairs: how many pairs of a data set are tricked, spread over its list.
        opinions: people's scores, CSV with the columns pair, method, score; they then judge instead of a task.
        resamples: draws.
        seed: of the draws.
        jobs: worker processes; 0: one a core.
    """

    convention: str = ""
    metrics: tuple[str, ...] = ()
    pairs: int = 12
    opinions: Path | None = None
    resamples: int = 999
    seed: int = 0
    jobs: int = 0


def audit_command(run_dir: Path, wanted: Wanted, listener: Listener | None = None) -> list[DatasetAudit]:
    """Audits the metrics of a run, data set by data set, and keeps the result as ``audit.json``.

    Raises:
        BenchError: no finished run, no such metrics, or opinions that cannot be read.
    """
    store = Store(run_dir.resolve())
    scores, manifest = store.read_scores(), store.read_manifest()
    opinions = _read_opinions(wanted.opinions)
    rows = scores[(scores["task"] == FUSION) & (scores["pair"] != "")]
    found = []
    for dataset in dict.fromkeys(rows["dataset"]):
        conventions = list(dict.fromkeys(rows.loc[rows["dataset"] == dataset, "convention"]))
        convention = wanted.convention or next(
            (name for name in manifest.config.conventions if name in conventions), ""
        )
        if convention in conventions and dataset in manifest.datasets:
            audit = _Audit(store, manifest, scores, dataset, convention, wanted)
            with sole_writer(store):
                found.append(audit.result(opinions, listener or (lambda *_: None)))
    if not found:
        raise BenchError(f"{run_dir}: holds no metric of single pairs to audit; give a run with the task metrics")
    write_atomic(audit_path(store), json.dumps([asdict(each) for each in found], indent=1).encode())
    return found


def _read_opinions(path: Path | None) -> pd.DataFrame | None:
    import pandas as pd

    if path is None:
        return None
    try:
        return read_opinions(pd.read_csv(path, dtype={"pair": str, "method": str}))
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise BenchError(f"{path}: cannot be read as CSV ({error}); wanted the columns pair, method, score") from error


@dataclass(frozen=True)
class _Audit:
    """One data set of a run."""

    store: Store
    manifest: Manifest
    scores: pd.DataFrame
    dataset: str
    convention: str
    wanted: Wanted

    @property
    def facts(self) -> DatasetFacts:
        return self.manifest.datasets[self.dataset]

    def result(self, opinions: pd.DataFrame | None, listener: Listener) -> DatasetAudit:
        values = self.values()
        judge, said = self.judge(opinions)
        methods = [str(name) for name in next(iter(values.values())).columns]
        pairs = self.tricked_pairs([str(pair) for pair in next(iter(values.values())).index])
        gamed = self.gamed(pairs, methods, tuple(values), listener)
        directions: dict[str, Better] = {name: "lower" if direction(name) == "lower" else "higher" for name in values}
        found, correlations = audit_metrics(
            values, directions, judge, gamed, (*SOURCES, *PLAIN_RULES), self.wanted.resamples, self.wanted.seed
        )
        first, table = next(iter(values.values())), correlations.to_dict()
        return DatasetAudit(
            self.dataset, self.convention, said, tuple(methods), len(first), len(pairs), found,
            {str(name): {str(key): float(number) for key, number in row.items()} for name, row in table.items()},
        )  # fmt: skip

    def values(self) -> dict[str, pd.DataFrame]:
        """Metric -> pairs x methods, over the pairs that all methods have."""
        rows = select(self.scores, FUSION, self.dataset, self.convention)
        rows = rows[~rows["method"].isin([name for name, one in self.manifest.methods.items() if one.beside])]
        known = [name for name in metric_order(rows["metric"], self.convention) if direction(name)]
        unknown = [name for name in self.wanted.metrics if name not in known]
        if unknown:
            raise BenchError(f"metrics {', '.join(unknown)} not in {self.dataset}; there: {', '.join(known)}")
        tables = {name: pair_values(rows, name).dropna(axis=1, how="all") for name in self.wanted.metrics or known}
        tables = {name: table.dropna(axis=0, how="any") for name, table in tables.items()}
        found = {name: table for name, table in tables.items() if table.shape[1] > 2 and len(table)}
        if not found:
            raise BenchError(f"{self.dataset}: no metric has values of three methods on a common pair")
        return found

    def judge(self, opinions: pd.DataFrame | None) -> tuple[Judge | None, str]:
        """People, else the first number that speaks for a task on this data set; and what it is called."""
        if opinions is not None:
            return Judge.of_pairs(opinions), "people"
        for task, facts in self.manifest.tasks.items():
            heads = [
                (one.metric, label)
                for one in facts.numbers
                if one.headline and one.effect is not None
                for label in one.labels or ("",)
            ]
            found = self._task_judge(task, heads[0]) if heads else None
            if found is not None:
                return found[0], f"{facts.title or task}, {found[1]}"
        return None, ""

    def _task_judge(self, task: str, head: tuple[str, str]) -> tuple[Judge, str] | None:
        """The task's number in its first way of scoring, on the part in which most methods compare."""
        parts = resamplers_of(self.store, task, self.dataset, recorded_spec(self.facts.model_dump()))
        able = [run for part in parts.values() if (run := aligned(part)) is not None]
        run = max(able, key=lambda one: len(one.statistics), default=None)
        places = [at for at, number in enumerate(run.numbers) if number[:2] == head] if run else []
        if run is None or not places:
            return None
        at, statistics = places[0], run.statistics

        def score(counts: Counts) -> Floats:
            return np.stack([one(counts)[at] for one in statistics.values()], axis=1)

        metric, label, convention = run.numbers[at]
        return Judge(tuple(statistics), run.pairs, score), f"{metric} {label} ({way_of(convention)[0]})".replace(
            "  ", " "
        )

    def tricked_pairs(self, pairs: Sequence[str]) -> list[PairFiles]:
        """Some pairs, spread over the list."""
        chosen = np.unique(np.linspace(0, len(pairs) - 1, min(self.wanted.pairs, len(pairs))).round().astype(int))
        found, split = [], self.facts.split
        for pair in (pairs[index] for index in chosen):
            source = self.facts.source(pair)
            ir, vis = Path(source.ir), Path(source.vis)
            if ir.is_file() and vis.is_file():
                found.append(PairFiles(
                    self.dataset, split, pair, ir, vis, four_channel=source.four_channel, border=source.border,
                    ir_range=source.ir_range,
                ))  # fmt: skip
        return found

    def gamed(
        self, pairs: Sequence[PairFiles], methods: Sequence[str], metrics: tuple[str, ...], listener: Listener
    ) -> dict[str, dict[str, pd.DataFrame]]:
        """Metric -> trick -> pairs x methods."""
        import pandas as pd

        code = stage_digest("score")
        units = [
            AuditUnit(
                self.store.root, self.dataset, "", None, 0.0, pair, tuple(methods), self.convention, metrics, code
            )
            for pair in pairs
        ]
        done = 0

        def note(*_: object) -> None:
            nonlocal done
            done += 1
            listener(f"audit {self.dataset}", done, len(units))

        if units:
            LocalExecutor().run(units, min(self.wanted.jobs or count_cores(), len(units)), 1, note)
        cells: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
        for unit in units:
            keys = {
                method: unit.key(file_digest(path))
                for method in methods
                if (path := self.store.fused_of(unit.files, method)).is_file()
            }
            for line in unit.lines():
                if keys.get(line["method"]) == line["key"]:
                    for metric, value in line["values"].items():
                        if value is not None:
                            trick = cells.setdefault(metric, {}).setdefault(line["trick"], {})
                            trick.setdefault(line["method"], {})[unit.files.id] = value
        return {
            metric: {trick: pd.DataFrame(found) for trick, found in tricks.items()} for metric, tricks in cells.items()
        }
