"""What of a plan's tasks is still to be evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import TYPE_CHECKING

from bench.analysis.ranked import SOURCES
from bench.files import VERSION, digest
from bench.plugin.kinds import TASKS
from bench.plugin.task import FusedSet, Task
from bench.run.collect import FusedIndex, latest
from bench.run.keys import fused_key, task_code
from bench.run.outstanding import Outstanding
from bench.run.plan import METRICS, DatasetPlan, MethodPlan
from bench.run.seen import seen_pairs
from bench.run.units import ControlUnit, TaskUnit
from bench.store.work_mark import work_is_of
from bench.types import PairFiles

if TYPE_CHECKING:
    from bench.plugin.task import Job

Parts = dict[str, tuple[PairFiles, ...]]


@dataclass(frozen=True)
class TaskList(Outstanding):
    """Methods that tasks have not evaluated yet."""

    def units(self, task: str, everything: bool = False) -> Iterator[TaskUnit]:
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

    def controls(self, task: str, everything: bool = False) -> Iterator[ControlUnit]:
        """The task's controls that are not made yet, where both sources are evaluated; all if ``everything``."""
        controls = TASKS.get(task).controls
        for dataset in self.plan.datasets if controls else ():
            if not self.carries_truth(task, dataset):
                continue
            parts, index = self.parts_of(task, dataset), FusedIndex(self.store, dataset.name)
            plans = [method for name in SOURCES for method in self.runnable if method.label == name]
            units = [self._task_unit(task, dataset, method, index, parts) for method in plans]
            sources = tuple(unit for unit in units if unit and self._has_result(unit))
            for label in controls if len(sources) == len(SOURCES) else ():
                key = digest(label, *(unit.key for unit in sources))
                known = {each.name: getattr(sources[0], each.name) for each in fields(TaskUnit)}
                unit = ControlUnit(**{**known, "method": label, "key": key, "sources": sources})
                if everything or not self._is_evaluated(unit):
                    yield unit

    def _is_evaluated(self, unit: TaskUnit) -> bool:
        """True if it need not be done again."""
        return not self.afresh and self._has_result(unit)

    def _has_result(self, unit: TaskUnit) -> bool:
        """True if the scores are there, and what lies beside them (pictures, matrices) belongs to them."""
        line = latest(self.store, unit.task, unit.dataset).get((unit.method, unit.key))
        folder = self.store.work_dir(unit.task, unit.dataset, unit.method)
        return line is not None and line.get("status") == "ok" and work_is_of(folder, unit.key)

    def parts_of(self, task: str, dataset: DatasetPlan) -> Parts:
        """The pairs that a task evaluates, by the role that they have in it."""
        return dataset.roles(TASKS.get(task), TASKS.get(task)().splits_for(self.plan.config.options_of(task)))

    def carries_truth(self, task: str, dataset: DatasetPlan) -> bool:
        """True if the data set has what the task compares with."""
        if task == METRICS:
            return True
        runner = TASKS.get(task)()
        return all(any(map(runner.has_truth, part)) for part in self.parts_of(task, dataset).values())

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
        job = unit.job()
        code, settings = task_code(type(runner).__module__, runner.built_on(job)), str(unit.options)
        words = unit.spec.model_dump_json(include={"classes", "box_classes", "box_ids", "box_aliases"})
        return digest(
            VERSION, code, runner.fingerprint(job), method, unit.preset, str(unit.seed), *facts, settings, words
        )

    def _make_task_unit(self, task: str, dataset: DatasetPlan, method: MethodPlan, parts: Parts) -> TaskUnit:
        """The unit without its key."""
        config = self.plan.config
        return TaskUnit(
            out=self.store.root, dataset=dataset.name, method=method.label, time_limit_s=None, gpus=self.gpus,
            key="", task=task, spec=dataset.spec, parts=tuple(parts.items()), source=method.ready,
            preset=config.preset or "quick", seed=self.plan.seed_of(method),
            seen=seen_pairs(dataset, method, (files.split for files in chain(*parts.values()))),
            weights_root=config.weights_root, options=tuple(sorted(config.options_of(task).items())),
            train_precision=config.train_precision, pretrained=self.pretrained, engine=config.engine,
        )  # fmt: skip

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
