"""What of a plan is still to be done, as units of work: trainings, images, scores, tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench.data.catalogue import open_dataset
from bench.data.pairs import pair_digest, truth_digest
from bench.files import VERSION, digest
from bench.fuse.ready import Ready, find_ready_parts
from bench.plugin.kinds import METHODS, TASKS
from bench.plugin.task import FusedSet, Task
from bench.run.collect import FusedIndex, latest, metric_lines
from bench.run.fuse_unit import FuseUnit
from bench.run.keys import fused_key, score_key, task_code, train_code
from bench.run.plan import METRICS, DatasetPlan, MethodPlan, Plan
from bench.run.pretrained import training_starts
from bench.run.score_unit import ScoreTarget, ScoreUnit
from bench.run.seen import seen_pairs
from bench.run.units import TaskUnit, TrainUnit
from bench.store.run_folder import Store
from bench.types import PairFiles
from bench.weights.backbones import backbone_digest

if TYPE_CHECKING:
    from bench.plugin.task import Job

CHUNK = 8
"""Pairs per unit: small enough to lose little when a process dies, large enough to batch and to share a method."""

Parts = dict[str, tuple[PairFiles, ...]]


@dataclass(frozen=True)
class Worklist:
    """Looks into the folder and says what is missing.

    Attributes:
        fusers: workers of the fusing stage, to tell each how many pairs lie ahead of it.
    """

    plan: Plan
    store: Store
    fusers: int = 1

    @property
    def afresh(self) -> bool:
        """True if all is done again."""
        return self.plan.config.rerun == "all"

    @property
    def runnable(self) -> list[MethodPlan]:
        """Methods that have all they need."""
        return [method for method in self.plan.methods if method.source is not None and not method.train]

    @cached_property
    def _gpus(self) -> float:
        return 1.0 if self.plan.device.startswith("cuda") else 0.0

    @property
    def _pretrained(self) -> Path | None:
        return self.plan.pretrained.folder if self.plan.pretrained else None

    # ------------------------------------------------------------------ trainings

    def trainings(self) -> list[TrainUnit]:
        """The trainings of this plan, done or not: each on the first chosen data set that has a training part."""
        units = (self._training(method) for method in self.plan.methods if method.train)
        return [unit for unit in units if unit is not None]

    def is_trained(self, unit: TrainUnit) -> bool:
        """True if its weights are there."""
        line = self.done(unit.kind, unit.dataset, unit.method, unit.key)
        return line is not None and (self.store.root / str(line.get("weights"))).is_file()

    def _training(self, method: MethodPlan) -> TrainUnit | None:
        config = self.plan.config
        for dataset in self._training_sets(method):
            files = self._training_part(dataset)
            if files:
                cls: Any = METHODS.get(method.facts.name)
                code = train_code(cls.__module__, getattr(cls, "built_on", ()))
                data = [digest(*_digests(dataset, item)) for item in files]
                unit = TrainUnit(
                    out=self.store.root, dataset=dataset.name, method=method.label, time_limit_s=None,
                    gpus=self._gpus, key="", name=cls.name, files=files, preset=cast(Any, config.preset),
                    seed=config.seed, device=self.plan.device, trained_on=dataset.opened.training_selection,
                    classes=dataset.spec.classes, weights_root=config.weights_root, precision=config.train_precision,
                    pretrained=self._pretrained,
                )  # fmt: skip
                starts = training_starts(unit.name, unit.request()).values() if unit.pretrained else ()
                return replace(unit, key=digest(
                    VERSION, code, method.label, str(config.preset), str(config.seed), config.train_precision,
                    *data, *map(backbone_digest, starts),
                ))  # fmt: skip
        return None

    def _training_sets(self, method: MethodPlan) -> Iterator[DatasetPlan]:
        """The chosen data sets, or the one that the method is to learn from."""
        if not method.train_on:
            yield from self.plan.datasets
            return
        chosen = [dataset for dataset in self.plan.datasets if dataset.name == method.train_on]
        if chosen:
            yield chosen[0]
            return
        config = self.plan.config
        opened = open_dataset(method.train_on, config.data_root, config.datasets_file, config.ir_range)
        yield DatasetPlan(opened, method.train_on, opened.split, {}, 0, (), {}, {})

    def _training_part(self, dataset: DatasetPlan) -> tuple[PairFiles, ...]:
        if "train" in dataset.parts:
            return dataset.parts["train"]
        opened = dataset.opened
        limit = self.plan.config.limit
        return opened.listing(split="train", limit=limit).pairs if opened.has_split("train") else ()

    # ------------------------------------------------------------------ images and scores

    def done(self, kind: str, dataset: str, method: str, key: str) -> dict[str, Any] | None:
        """The line of a result that need not be made again."""
        if self.afresh:
            return None
        line = latest(self.store, kind, dataset).get((method, key))
        return line if line and line.get("status") == "ok" else None

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
                        time_limit_s=self.plan.config.time_limit_s, gpus=self._gpus, source=source,
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
        return find_ready_parts(method.source.folder, dataset.name, parts)

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

    # ------------------------------------------------------------------ tasks

    def task_units(self, task: str, everything: bool = False) -> Iterator[TaskUnit]:
        """Methods whose images a task has not evaluated yet; all of them if ``everything``."""
        for dataset in self.plan.datasets:
            parts = self.parts_of(task, dataset)
            if not self.carries_truth(task, dataset):
                continue
            index = FusedIndex(self.store, dataset.name)
            for method in self.runnable:
                unit = self._task_unit(task, dataset, method, index, parts)
                if unit and (everything or not self._is_evaluated(unit)):
                    yield unit

    def _is_evaluated(self, unit: TaskUnit) -> bool:
        """True if the scores are there, and what lies beside them (pictures, matrices) belongs to them."""
        line = self.done(unit.task, unit.dataset, unit.method, unit.key)
        folder = self.store.work_dir(unit.task, unit.dataset, unit.method)
        return line is not None and self.store.work_is_of(folder, unit.key)

    def parts_of(self, task: str, dataset: DatasetPlan) -> Parts:
        """The pairs that a task evaluates, by the role that they have in it."""
        return dataset.roles(TASKS.get(task), TASKS.get(task)().splits_for(self.plan.config.options_of(task)))

    def carries_truth(self, task: str, dataset: DatasetPlan) -> bool:
        """True if the data set has what the task compares with."""
        if task == METRICS:
            return True
        runner = TASKS.get(task)()
        parts = dataset.roles(type(runner), runner.splits)
        return all(any(runner.has_truth(files) for files in part) for part in parts.values())

    def can_evaluate(self, task: str, method: MethodPlan) -> bool:
        """False for ready images where a task measures the method itself."""
        return task == METRICS or not (TASKS.get(task).needs_method and method.ready.folder is not None)

    def _task_unit(
        self, task: str, dataset: DatasetPlan, method: MethodPlan, index: FusedIndex, parts: Parts
    ) -> TaskUnit | None:
        if not self.can_evaluate(task, method):
            return None
        ready: Parts = {}
        facts: list[str] = []
        for split, part in parts.items():
            lines = [(item, index.finished(method.label, item, self._key(method, dataset, item))) for item in part]
            ready[split] = tuple(item for item, line in lines if line)
            for item, line in lines:
                if line:
                    facts += [*item.key, str(line["digest"]), dataset.label_digests[item.key]]
        if not all(ready.values()):
            return None
        unit = self._make_task_unit(task, dataset, method, ready)
        return replace(unit, key=self._task_key(TASKS.get(task)(), unit, facts))

    @staticmethod
    def _key(method: MethodPlan, dataset: DatasetPlan, files: PairFiles) -> str:
        return fused_key(method.ready, files, dataset.digests)

    @staticmethod
    def _task_key(runner: Task, unit: TaskUnit, facts: Sequence[str]) -> str:
        method = unit.source.key if runner.needs_method else ""
        code, settings = task_code(type(runner).__module__), str(unit.options)
        return digest(
            VERSION, code, runner.fingerprint(unit.job()), method, unit.preset, str(unit.seed), *facts, settings
        )

    def _make_task_unit(self, task: str, dataset: DatasetPlan, method: MethodPlan, parts: Parts) -> TaskUnit:
        """The unit without its key."""
        config = self.plan.config
        return TaskUnit(
            out=self.store.root, dataset=dataset.name, method=method.label, time_limit_s=None, gpus=self._gpus,
            key="", task=task, spec=dataset.spec, parts=tuple(parts.items()), source=method.ready,
            preset=config.preset or "quick", seed=config.seed,
            seen=seen_pairs(dataset, method, (files.split for files in chain(*parts.values()))),
            weights_root=config.weights_root, options=tuple(sorted(config.options_of(task).items())),
            train_precision=config.train_precision, pretrained=self._pretrained,
        )  # fmt: skip

    # ------------------------------------------------------------------ ahead

    def jobs_ahead(self) -> Iterator[tuple[str, Job, int]]:
        """(task, job, methods) for each task and data set that some method is not finished with.

        The fused images are not there yet: the job's are the visible ones, which have their sizes.
        """
        able = [method for method in self.plan.methods if method.source is not None]
        for task in self.plan.tasks:
            for dataset in self.plan.datasets if task != METRICS else ():
                lines = latest(self.store, task, dataset.name)
                done = {method for (method, _), line in lines.items() if line.get("status") == "ok"}
                left = [method for method in able if method.label not in done]
                if not left or not self.carries_truth(task, dataset):
                    continue
                parts = self.parts_of(task, dataset)
                unit = self._make_task_unit(task, dataset, left[0], parts)
                sources = {
                    split: FusedSet("visible", files, tuple(item.vis_path for item in files))
                    for split, files in parts.items()
                }
                yield task, replace(unit.job(), parts=sources), len(left)


def _digests(dataset: DatasetPlan, files: PairFiles) -> tuple[str, str]:
    known = files.key in dataset.digests
    return (
        dataset.digests[files.key] if known else pair_digest(files),
        dataset.label_digests[files.key] if known else truth_digest(files),
    )
