"""``bench run``: plan, train, fuse, score, tasks, tables, report; each stage does only what is not done yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from filelock import FileLock, Timeout

from bench import __version__
from bench.data.catalogue import seen_in_training
from bench.data.pairs import pair_digest, truth_digest
from bench.errors import BenchError, describe, is_fatal, stop_for
from bench.files import digest, file_digest, write_atomic
from bench.machine import count_cores, describe_machine
from bench.plugin.kinds import METHODS, TASKS
from bench.plugin.task import FusedSet
from bench.run.choose_executor import create_executor
from bench.run.code_digest import code_digest
from bench.run.collect import FusedIndex, latest, merge, metric_lines, metric_scores, skipped_score, whole_scores
from bench.run.config import RunConfig
from bench.run.executors import Executor, LocalExecutor
from bench.run.fuse_unit import FuseUnit
from bench.run.keys import fused_key
from bench.run.plan import CORE_TASKS, DatasetPlan, MethodPlan, task_options
from bench.run.plan_methods import with_both_ways, with_trained_weights
from bench.run.planning import make_plan
from bench.run.score_unit import ScoreTarget, ScoreUnit
from bench.run.sources import MethodSource
from bench.run.units import EfficiencyUnit, TaskUnit, TrainUnit, Unit
from bench.store.run_folder import Store
from bench.types import PairFiles, Score

if TYPE_CHECKING:
    import pandas as pd

    from bench.plugin.task import Job

CHUNK = 8
"""Pairs per unit: small enough to lose little when a process dies, large enough to batch and to share a method."""

Listener = Callable[[str, int, int], None]
"""Called with (stage, done, total) as work ends."""


@dataclass
class RunResult:
    """What a run came to.

    Attributes:
        scores: rows of the score table.
        computed: pieces of work done now, by stage; all zero when everything was there already.
        failed: one line per thing that was asked for and did not come out.
        skipped: one line per method of ``all`` that could not run.
        notes: remarks on the request.
        report: ``index.html``.
    """

    scores: int = 0
    computed: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    report: Path | None = None

    @property
    def exit_code(self) -> int:
        """0 all asked for was done, 1 some of it was not."""
        return 1 if self.failed else 0


Say = Callable[[str], None]
"""Called with a line to print at once, e.g. what the work ahead will cost."""


def run(
    config: RunConfig, command: Sequence[str] = (), listener: Listener | None = None, say: Say | None = None
) -> RunResult:
    """Runs a benchmark into ``config.out``.

    Raises:
        BenchError: the request is wrong, another run holds the folder, or the disk takes no more.
    """
    store = Store(config.out.resolve())
    make_folder(store.root)
    with sole_writer(store):
        store.sweep()
        return Runner(with_absolute_paths(config), store, command, listener, say).run()


@contextmanager
def sole_writer(store: Store) -> Iterator[None]:
    """Holds the output folder's lock, which dies with its holder; a full disk ends the work in one line.

    Raises:
        BenchError: another run holds the folder, or the disk takes no more.
    """
    lock = FileLock(store.lock_path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BenchError(
            f"{store.root}: another bench run is writing here; wait for it, end it, or choose another --out"
        ) from error
    except OSError as error:
        raise BenchError(
            f"{store.lock_path}: cannot be locked ({error.strerror}); remove it, or choose another --out"
        ) from error
    try:
        with lock:
            yield
    except OSError as error:
        if is_fatal(error):
            raise stop_for(describe(error)) from error
        raise


def with_absolute_paths(config: RunConfig) -> RunConfig:
    """The same request with roots that mean the same in the workers of any machine, whatever their current folder."""
    roots = {"data_root": config.data_root, "weights_root": config.weights_root}
    found = {key: path.expanduser().absolute() for key, path in roots.items() if path is not None}
    return config.model_copy(update=found)


def make_folder(folder: Path) -> None:
    """Creates an output folder.

    Raises:
        BenchError: a file is in the way, or it is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be made an output folder ({error.strerror}); choose another --out"
        ) from error
    if not os.access(folder, os.W_OK):
        raise BenchError(f"{folder}: is not writable; choose another --out or mend its permissions")


class Runner:
    """One run: holds the plan and walks the stages in order."""

    def __init__(
        self,
        config: RunConfig,
        store: Store,
        command: Sequence[str],
        listener: Listener | None = None,
        say: Say | None = None,
    ) -> None:
        """Makes the plan; raises BenchError where the request is wrong."""
        self.config, self.store, self.command = config, store, list(command)
        self.listener = listener or (lambda *_: None)
        self.say = say or (lambda _: None)
        self.plan = make_plan(config, store)
        self.result = RunResult(notes=list(self.plan.notes))
        self.executor: Executor = create_executor(config.executor)
        cores = count_cores()
        self.jobs = config.jobs or cores
        self.long_jobs = min(self.jobs, 1 if self.plan.device.startswith("cuda") else cores)
        self._metrics_code = code_digest("bench.metrics.engine")

    def run(self) -> RunResult:
        """Walks the stages."""
        self.write_manifest(complete=False)
        if self.config.rerun != "none":
            if self.config.preset == "paper":
                self.forecast()
            self.train()
            self.plan = with_both_ways(self.plan)
            self.stage("fuse", list(self.fuse_units()), self.fuse_workers())
            if "metrics" in self.plan.tasks:
                self.stage("score", list(self.score_units()), self.jobs)
            for task in self.plan.tasks:
                if task not in CORE_TASKS:
                    self.stage(task, list(self.task_units(task)), self.long_jobs)
            if "efficiency" in self.plan.tasks:
                if self.config.executor == "ray":  # what is timed is this machine, which the manifest describes
                    self.executor = LocalExecutor()
                self.stage("efficiency", list(self.efficiency_units()), 1, self.jobs)
        self.collect()
        self.write_manifest(complete=True)
        self.report()
        return self.result

    def stage(self, name: str, units: Sequence[Unit], workers: int, threads: int = 1) -> None:
        """Runs the units of one stage and counts them.

        Args:
            name: of the stage.
            units: its work.
            workers: processes at a time.
            threads: of each; one wherever results depend on it, so that ``--jobs`` changes no bit.
        """
        total, done = sum(unit.weight for unit in units), 0
        self.result.computed[name] = total
        if not units:
            return
        self._mark_incomplete()
        self.listener(name, 0, total)

        def note(unit: Unit, failed: bool) -> None:
            nonlocal done
            done += unit.weight
            self.listener(name, min(done, total), total)

        self.executor.run(units, max(1, min(workers, len(units))), threads, note)

    def fuse_workers(self) -> int:
        """Workers of the fusing stage; one per GPU."""
        return 1 if self.plan.device.startswith("cuda") else self.jobs

    @property
    def runnable(self) -> list[MethodPlan]:
        """Methods that have all they need."""
        return [method for method in self.plan.methods if method.source is not None and not method.train]

    # ------------------------------------------------------------------ training

    def train(self) -> None:
        """Trains the methods that have no weights, and puts the weights into the plan."""
        units = self.trainings()
        self.stage("train", [unit for unit in units if not self._is_trained(unit)], self.long_jobs)
        outcome = {
            unit.method: (latest(self.store, "trained", unit.dataset).get((unit.method, unit.key)) or {})
            for unit in units
        }
        self.plan = replace(
            self.plan, methods=tuple(self._after_training(method, outcome) for method in self.plan.methods)
        )

    def trainings(self) -> list[TrainUnit]:
        """The trainings of this plan, done or not."""
        return [unit for method in self.plan.methods if method.train for unit in self.train_unit(method)]

    def _is_trained(self, unit: TrainUnit) -> bool:
        line = self._done(unit.kind, unit.dataset, unit.method, unit.key)
        return line is not None and (self.store.root / str(line.get("weights"))).is_file()

    def forecast(self) -> None:
        """Says what trainings and tasks will cost here, measured on a few steps: published schedules are long."""
        from bench.run.forecast import forecast

        trainings = [unit for unit in self.trainings() if not self._is_trained(unit)]
        for text in forecast(trainings, list(self._jobs_ahead()), self.long_jobs):
            self.say(text)

    def _jobs_ahead(self) -> Iterator[tuple[str, Job, int]]:
        """(task, job, methods) for each task and data set that some method is not finished with.

        The fused images are not there yet: the job's are the visible ones, which have their sizes.
        """
        able = [method for method in self.plan.methods if method.source is not None]
        for task in self.plan.tasks:
            for dataset in self.plan.datasets if task not in CORE_TASKS else ():
                lines = latest(self.store, task, dataset.name)
                done = {method for (method, _), line in lines.items() if line.get("status") == "ok"}
                left = [method for method in able if method.label not in done]
                if not left or not self._carries_truth(task, dataset):
                    continue
                splits = TASKS.get(task)().splits_for(task_options(self.config, task))
                parts = {split: dataset.parts.get(split, ()) for split in splits}
                unit = self._make_task_unit(task, dataset, left[0], parts)
                sources = {
                    split: FusedSet("visible", files, tuple(item.vis_path for item in files))
                    for split, files in parts.items()
                }
                yield task, replace(unit.job(), parts=sources), len(left)

    def _after_training(self, method: MethodPlan, outcome: dict[str, dict[str, Any]]) -> MethodPlan:
        if not method.train:
            return method
        line = outcome.get(method.label, {"reason": "no chosen data set has a training part"})
        weights = self.store.root / line.get("weights", "")
        if line.get("status") == "ok" and weights.is_file():
            return with_trained_weights(method, weights, self.config)
        reason = f"training failed: {line.get('reason', 'interrupted')}"
        facts = {**method.facts, "status": "failed", "reason": reason}
        return replace(method, source=None, reason=reason, train=False, facts=facts)

    def train_unit(self, method: MethodPlan) -> list[TrainUnit]:
        """The training of a method: on the first chosen data set that has a training part."""
        for dataset in self.plan.datasets:
            files = self._training_part(dataset)
            if files:
                code = code_digest(METHODS.get(method.label).__module__)
                truth = [digest(pair, labels) for pair, labels in self._training_digests(dataset, files)]
                key = digest(__version__, code, method.label, str(self.config.preset), str(self.config.seed), *truth)
                return [
                    TrainUnit(
                        out=self.store.root, dataset=dataset.name, method=method.label, time_limit_s=None,
                        gpus=self._gpus(), key=key, files=files, preset=cast(Any, self.config.preset),
                        seed=self.config.seed, device=self.plan.device,
                    )
                ]  # fmt: skip
        return []

    def _training_part(self, dataset: DatasetPlan) -> tuple[PairFiles, ...]:
        if "train" in dataset.parts:
            return dataset.parts["train"]
        opened = dataset.opened
        return opened.listing(split="train", limit=self.config.limit).pairs if opened.has_split("train") else ()

    def _training_digests(self, dataset: DatasetPlan, files: Sequence[PairFiles]) -> Iterator[tuple[str, str]]:
        for item in files:
            yield (
                dataset.digests.get(item.id) or pair_digest(item),
                dataset.label_digests.get(item.id) or truth_digest(item),
            )

    # ------------------------------------------------------------------ units of each stage

    def _done(self, kind: str, dataset: str, method: str, key: str) -> dict[str, Any] | None:
        if self.config.rerun == "all":
            return None
        line = latest(self.store, kind, dataset).get((method, key))
        return line if line and line.get("status") == "ok" else None

    def _gpus(self) -> float:
        return 1.0 if self.plan.device.startswith("cuda") else 0.0

    def fuse_units(self) -> Iterator[FuseUnit]:
        """Pairs that are not fused yet, in chunks."""
        for dataset in self.plan.datasets:
            index = FusedIndex(self.store, dataset.name)
            for method in self.runnable:
                source = cast(MethodSource, method.source)
                missing = [
                    (files, key)
                    for files in dataset.files()
                    for key in [fused_key(source, files.id, dataset.digests)]
                    if self.config.rerun == "all" or not index.finished(method.label, files.id, key)
                ]
                if self.config.rerun == "all":
                    self._forget(dataset.name, method.label)
                expected = -(-len(missing) // self.fuse_workers())
                for start in range(0, len(missing), CHUNK):
                    chunk = missing[start : start + CHUNK]
                    yield FuseUnit(
                        out=self.store.root, dataset=dataset.name, method=method.label,
                        time_limit_s=self.config.time_limit_s, gpus=self._gpus(), source=source,
                        files=tuple(files for files, _ in chunk), keys=tuple(key for _, key in chunk),
                        expected=expected,
                    )  # fmt: skip

    def _forget(self, dataset: str, method: str) -> None:
        """Makes the journals speak of nothing for one method, so that ``--rerun all`` does it again."""
        for journal in self.store.journals("fused", dataset):
            if any(line.get("method") == method for line in journal.lines()):
                journal.path.unlink()

    def score_key(self, dataset: DatasetPlan, convention: str, fused: dict[str, Any], files: PairFiles) -> str:
        """The fingerprint of one image's scores in one convention."""
        names = self.plan.metrics[convention]
        return digest(self._metrics_code, convention, *names, str(fused["digest"]), dataset.digests[files.id])

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
                    place = {item.id: number for number, item in enumerate(used)}
                    yield ScoreUnit(
                        out=self.store.root, dataset=dataset.name, method="", time_limit_s=None, gpus=0.0,
                        files=tuple(used), metrics=tuple(self.plan.metrics.items()),
                        targets=tuple(replace(target, index=place[chunk[target.index].id]) for target in targets),
                        afresh=self.config.rerun == "all",
                    )  # fmt: skip

    def _targets(
        self, dataset: DatasetPlan, index: FusedIndex, lines: dict[Any, Any], number: int, files: PairFiles
    ) -> Iterator[ScoreTarget]:
        for method in self.runnable:
            key = fused_key(cast(MethodSource, method.source), files.id, dataset.digests)
            fused = index.finished(method.label, files.id, key)
            if fused is None:
                continue
            keys = [
                (convention, self.score_key(dataset, convention, fused, files))
                for convention in self.config.conventions
            ]
            wanted = tuple(
                (convention, score_key)
                for convention, score_key in keys
                if self.config.rerun == "all" or not _scored(lines.get((files.id, method.label, convention, score_key)))
            )
            if wanted:
                yield ScoreTarget(method.label, number, wanted)

    def task_units(self, task: str, everything: bool = False) -> Iterator[TaskUnit]:
        """Methods whose images a task has not evaluated yet; all of them if ``everything``."""
        runner = TASKS.get(task)()
        for dataset in self.plan.datasets:
            splits = runner.splits_for(task_options(self.config, task))
            parts = {split: dataset.parts.get(split, ()) for split in splits}
            if not self._carries_truth(task, dataset):
                continue
            index = FusedIndex(self.store, dataset.name)
            for method in self.runnable:
                unit = self._task_unit(task, dataset, method, index, parts)
                if unit and (everything or self._done(task, dataset.name, method.label, unit.key) is None):
                    yield unit

    def _carries_truth(self, task: str, dataset: DatasetPlan) -> bool:
        """True if the data set has what the task compares with; the core tasks need nothing."""
        if task in CORE_TASKS:
            return True
        runner = TASKS.get(task)
        return self._has_truth(runner.truth, {split: dataset.parts.get(split, ()) for split in runner.splits})

    @staticmethod
    def _has_truth(truth: str, parts: dict[str, tuple[PairFiles, ...]]) -> bool:
        attribute = "label_path" if truth == "labels" else "boxes_path"
        return all(any(getattr(files, attribute) for files in part) for part in parts.values())

    def _task_unit(
        self,
        task: str,
        dataset: DatasetPlan,
        method: MethodPlan,
        index: FusedIndex,
        parts: dict[str, tuple[PairFiles, ...]],
    ) -> TaskUnit | None:
        source = cast(MethodSource, method.source)
        ready: list[tuple[str, tuple[PairFiles, ...]]] = []
        facts: list[str] = []
        for split, part in parts.items():
            kept = []
            for files in part:
                line = index.finished(method.label, files.id, fused_key(source, files.id, dataset.digests))
                if line:
                    kept.append(files)
                    facts += [files.id, str(line["digest"]), dataset.label_digests[files.id]]
            ready.append((split, tuple(kept)))
        if not all(part for _, part in ready):
            return None
        unit = self._make_task_unit(task, dataset, method, dict(ready))
        key = digest(TASKS.get(task)().fingerprint(unit.job()), unit.preset, str(unit.seed), *facts, str(unit.options))
        return replace(unit, key=key)

    def _make_task_unit(
        self, task: str, dataset: DatasetPlan, method: MethodPlan, parts: dict[str, tuple[PairFiles, ...]]
    ) -> TaskUnit:
        """The unit without its key."""
        source = cast(MethodSource, method.source)
        return TaskUnit(
            out=self.store.root, dataset=dataset.name, method=method.label, time_limit_s=None, gpus=self._gpus(),
            key="", task=task, spec=dataset.spec, parts=tuple(parts.items()), preset=self.config.preset or "quick",
            seed=self.config.seed, device=self.plan.device, precision=self.config.precision, weights=source.weights,
            seen=self._seen(dataset, method, tuple(parts)), weights_root=self.config.weights_root,
            options=tuple(task_options(self.config, task).items()),
        )  # fmt: skip

    @staticmethod
    def _seen(dataset: DatasetPlan, method: MethodPlan, splits: Sequence[str]) -> frozenset[str] | None:
        """Pairs of the task's parts that the method's weights were trained on; None where that cannot be known."""
        seen = [seen_in_training(dataset.opened, method.facts.get("trained_on", ()), split) for split in splits]
        known = [ids for ids in seen if ids is not None]
        return frozenset().union(*known) if len(known) == len(seen) else None

    def efficiency_units(self, everything: bool = False) -> Iterator[EfficiencyUnit]:
        """Methods that are not timed on this machine yet; folders of images cannot be."""
        where = str(describe_machine()), code_digest("bench.fuse.efficiency", follow=False)
        options = tuple(sorted(task_options(self.config, "efficiency").items()))
        for dataset in self.plan.datasets:
            files = dataset.parts[dataset.main]
            for method in self.runnable:
                source = cast(MethodSource, method.source)
                if source.folder is not None or not files:
                    continue
                key = digest(source.key, *where, str(options), *(item.id for item in files))
                if everything or self._done("efficiency", dataset.name, method.label, key) is None:
                    yield EfficiencyUnit(
                        out=self.store.root, dataset=dataset.name, method=method.label, time_limit_s=None,
                        gpus=self._gpus(), key=key, source=source, files=files, options=options,
                    )  # fmt: skip

    # ------------------------------------------------------------------ results

    def collect(self) -> None:
        """Writes the score table and notes what is missing."""
        scores = [score for task in self.plan.tasks for score in self._task_scores(task)]
        previous = self._previous_scores()
        frame = merge(previous, scores, self.plan)
        if previous is None or not frame.equals(previous) or not self.store.scores_csv.is_file():
            self.store.write_scores(frame)
        self.result.scores = len(frame)
        self._summarise(scores)

    def _previous_scores(self) -> pd.DataFrame | None:
        """The table that is there; a damaged one is made anew from the journals, as far as this run goes."""
        if not self.store.scores_parquet.is_file():
            return None
        try:
            return self.store.read_scores()
        except BenchError as error:
            self.result.notes.append(f"{error} - rebuilt; name other methods of this folder again to list them too")
            return None

    def _task_scores(self, task: str) -> Iterator[Score]:
        for dataset in self.plan.datasets:
            for method in self.plan.methods if self._carries_truth(task, dataset) else ():
                if method.source is None or method.train:
                    yield skipped_score(task, dataset, method.label, method.reason or "its training was not run")
        if task == "metrics":
            yield from self._metric_scores()
            return
        units = self.efficiency_units(True) if task == "efficiency" else self.task_units(task, True)
        for unit in units:
            line = latest(self.store, task, unit.dataset).get((unit.method, unit.key))
            dataset = next(plan for plan in self.plan.datasets if plan.name == unit.dataset)
            yield from whole_scores(line, task, unit.dataset, dataset.main, unit.method)

    def _metric_scores(self) -> Iterator[Score]:
        for dataset in self.plan.datasets:
            index, lines = FusedIndex(self.store, dataset.name), metric_lines(self.store, dataset.name)

            def key(fused: dict[str, Any], files: PairFiles, convention: str, dataset: DatasetPlan = dataset) -> str:
                return self.score_key(dataset, convention, fused, files)

            for method in self.runnable:
                yield from metric_scores(self.plan, dataset, method, index, lines, key)

    def _summarise(self, scores: Sequence[Score]) -> None:
        by_name = {method.label: method.by_name for method in self.plan.methods}
        seen: dict[tuple[str, str, str, str], int] = {}
        for score in scores:
            if score.status == "failed":
                identity = (score.task, score.dataset, score.method, score.reason)
                seen[identity] = seen.get(identity, 0) + 1
        self.result.failed += [
            f"{task} {data} {label}: {why} ({n} numbers)" for (task, data, label, why), n in seen.items()
        ]
        for method in self.plan.methods:
            if method.source is None or method.train:
                failed = by_name[method.label] or method.facts.get("status") == "failed"
                named = method.reason.startswith(f"{method.label}:")
                line = method.reason if named else f"{method.label}: {method.reason}"
                (self.result.failed if failed else self.result.skipped).append(line)
        for task in self.config.tasks:
            if not any(self._carries_truth(task, dataset) for dataset in self.plan.datasets):
                names = ", ".join(dataset.name for dataset in self.plan.datasets)
                runner = TASKS.get(task)
                self.result.failed.append(
                    f"{task}: needs {runner.truth} in {' and '.join(runner.splits)}, and no data set of {names} has "
                    "them on disk; see bench data check, or choose another data set"
                )
        for dataset in self.plan.datasets:
            self.result.failed += [f"{dataset.name}: {p.where}: {p.text}" for p in dataset.problems if p.fault]

    def write_manifest(self, complete: bool) -> None:
        """Writes what was run; keeps what earlier runs in this folder said of other data sets and methods."""
        from bench.run.record import build_manifest

        previous = self.store.read_manifest()
        index = {dataset.name: FusedIndex(self.store, dataset.name) for dataset in self.plan.datasets}
        parameters = {
            method.label: next((n for i in index.values() if (n := i.parameters(method.label)) is not None), None)
            for method in self.plan.methods
        }
        manifest = build_manifest(self.plan, previous, self.command, parameters, complete)
        changed = _without_times(manifest) != _without_times(previous)
        if changed or (complete and not previous.get("complete")):
            manifest["updated"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
            self.store.write_manifest(manifest)

    def _mark_incomplete(self) -> None:
        """There is work to do after all: until it is done, the manifest must not call the run complete."""
        manifest = self.store.read_manifest()
        if manifest.get("complete"):
            self.store.write_manifest({**manifest, "complete": False})

    def report(self) -> None:
        """Builds the HTML, unless the one that is there was built from the same by the same code."""
        from reports import build_report

        code = (
            code_digest("reports.build"),
            code_digest("bench.analysis.means", "bench.analysis.pairwise", "bench.analysis.two_runs", follow=False),
        )
        manifest = _without_times(self.store.read_manifest())
        stamp = digest(*code, str(manifest), file_digest(self.store.scores_parquet))
        index = self.store.report_dir / "index.html"
        built = self.store.report_stamp.read_text(encoding="utf-8") if self.store.report_stamp.is_file() else ""
        if built != stamp or not index.is_file():
            self.store.report_stamp.unlink(missing_ok=True)
            self.listener("report", 0, 1)
            index = build_report(self.store.root, jobs=self.jobs)
            write_atomic(self.store.report_stamp, stamp.encode())
            self.listener("report", 1, 1)
        self.result.report = index


def _scored(line: dict[str, Any] | None) -> bool:
    return line is not None and bool(line["rows"])


def _without_times(manifest: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in manifest.items() if key not in ("updated", "complete", "command")}
