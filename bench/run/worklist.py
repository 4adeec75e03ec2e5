"""What of a plan is still to be done, as units of work: trainings, images, scores, tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bench.fusion.ready import Ready, find_ready_parts
from bench.run.collect import FusedIndex, metric_lines
from bench.run.fuse_unit import FuseUnit
from bench.run.keys import fused_key, score_key
from bench.run.outstanding import Outstanding
from bench.run.plan import DatasetPlan, MethodPlan
from bench.run.score_unit import ScoreTarget, ScoreUnit
from bench.run.task_list import TaskList
from bench.run.training_list import TrainingList
from bench.types import PairFiles

CHUNK = 8
"""Pairs per unit: small enough to lose little when a process dies, large enough to batch and to share a method."""


@dataclass(frozen=True)
class Worklist(Outstanding):
    """Looks into the folder and says what is missing.

    Attributes:
        fusers: workers of the fusing stage, to tell each how many pairs lie ahead of it.
    """

    fusers: int = 1

    @cached_property
    def training(self) -> TrainingList:
        """The trainings."""
        return TrainingList(self.plan, self.store)

    @cached_property
    def tasks(self) -> TaskList:
        """The tasks."""
        return TaskList(self.plan, self.store)

    def fuse_units(self) -> Iterator[FuseUnit]:
        """Pairs that are not fused yet, in chunks."""
        for dataset in self.plan.datasets:
            index = FusedIndex(self.store, dataset.name)
            for method in self.runnable:
                source = method.ready
                missing = [
                    (files, key)
                    for files in dataset.files()
                    for key in [fused_key(source, files, dataset.digests)]
                    if self.afresh or not index.finished(method.label, files, key)
                ]
                if self.afresh:
                    self._forget(dataset.name, method.label)
                ready = {
                    (part, pair): path
                    for part, found in self.ready_images(method, dataset).items()
                    for pair, path in found.files.items()
                }
                for start in range(0, len(missing), CHUNK):
                    chunk = missing[start : start + CHUNK]
                    yield FuseUnit(
                        out=self.store.root, dataset=dataset.name, method=method.label,
                        time_limit_s=self.plan.config.time_limit_s, gpus=self.gpus, source=source,
                        files=tuple(files for files, _ in chunk), keys=tuple(key for _, key in chunk),
                        expected=-(-len(missing) // self.fusers),
                        ready=tuple((files.key, ready[files.key]) for files, _ in chunk if files.key in ready),
                    )  # fmt: skip

    @staticmethod
    def ready_images(method: MethodPlan, dataset: DatasetPlan) -> dict[str, Ready]:
        """The images that a folder of ready ones holds, by part; nothing for a method that fuses."""
        if method.source is None or method.source.folder is None:
            return {}
        parts = {part: [files.id for files in pairs] for part, pairs in dataset.parts.items()}
        listed = [pair for names in dataset.opened.spec.pairs.values() for pair in names]
        return find_ready_parts(method.source.folder, dataset.name, parts, listed)

    def _forget(self, dataset: str, method: str) -> None:
        """Makes the journals speak of nothing for one method, so that ``--rerun all`` does it again."""
        for journal in self.store.journals("fused", dataset):
            if any(line.get("method") == method for line in journal.lines()):
                journal.path.unlink()

    def score_units(self) -> Iterator[ScoreUnit]:
        """Finished images that are not scored yet, all methods of a pair together."""
        for dataset in self.plan.datasets:
            index, lines = FusedIndex(self.store, dataset.name), metric_lines(self.store, dataset.name)
            files = dataset.parts[dataset.main]
            for start in range(0, len(files), CHUNK):
                chunk = files[start : start + CHUNK]
                targets = [t for i, item in enumerate(chunk) for t in self._targets(dataset, index, lines, i, item)]
                used = [item for i, item in enumerate(chunk) if any(target.index == i for target in targets)]
                if targets:
                    number = {item.key: at for at, item in enumerate(used)}
                    yield ScoreUnit(
                        out=self.store.root, dataset=dataset.name, method="", time_limit_s=None, gpus=0.0,
                        files=tuple(used), metrics=tuple(self.plan.metrics.items()), afresh=self.afresh,
                        targets=tuple(replace(target, index=number[chunk[target.index].key]) for target in targets),
                    )  # fmt: skip

    def _targets(
        self, dataset: DatasetPlan, index: FusedIndex, lines: Mapping[Any, Any], number: int, files: PairFiles
    ) -> Iterator[ScoreTarget]:
        for method in self.runnable:
            fused = index.finished(method.label, files, fused_key(method.ready, files, dataset.digests))
            if fused is None:
                continue
            wanted = []
            for convention, names in self.plan.metrics.items():
                key = score_key(convention, fused, dataset.digests[files.key])
                line = lines.get((*files.key, method.label, convention, key))
                if self.afresh or line is None or not set(names) <= {row[0] for row in line["rows"]}:
                    wanted.append((convention, key))
            if wanted:
                yield ScoreTarget(method.label, number, tuple(wanted))
