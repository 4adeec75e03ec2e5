"""``bench run``: plan, train, fuse, score, tasks, tables, report; each stage does only what is not done yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.analysis.asked import run_findings
from bench.analysis.questions import closing_lines
from bench.errors import BenchError
from bench.files import digest, file_digest, sweep, write_atomic
from bench.machine import count_cores, gpus_for
from bench.metrics.choice import ready_engine
from bench.plugin.kinds import TASKS
from bench.run.choose_executor import create_executor
from bench.run.collect import FusedIndex, latest, merge, metric_lines, metric_scores, skipped_score, whole_scores
from bench.run.config import RunConfig
from bench.run.draw_unit import draw_executor, draw_units
from bench.run.executors import Executor, LocalExecutor
from bench.run.folder import extending, make_folder, sole_writer, with_absolute_paths
from bench.run.guard import refuse_unguarded
from bench.run.keys import fused_key, stage_digest
from bench.run.met import check_ready
from bench.run.plan import METRICS, MethodPlan
from bench.run.plan_methods import with_both_ways, with_trained_weights
from bench.run.planning import make_plan
from bench.run.pretrained import Pretrained, keep_pretrained, training_starts
from bench.run.record import Recorder, task_starts
from bench.run.score_unit import ScoreUnit
from bench.run.seen import with_seen
from bench.run.units import Unit
from bench.run.worklist import Worklist
from bench.store.run_folder import Store
from bench.store.scores import same_table
from bench.types import PART, Score

if TYPE_CHECKING:
    import pandas as pd

Listener = Callable[[str, int, int], None]
"""Called with (stage, done, total) as work ends, and with (stage + PART + method, ...) for a method's share of it."""

MUCH_CLIPPED = 0.001
"""The share of clipped pixels from which on a run says so."""

Say = Callable[[str], None]
"""Called with a line to print at once, e.g. what the work ahead will cost."""


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
        answers: whether fusion and learning help, a line each; empty without a task that says.
    """

    scores: int = 0
    computed: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    report: Path | None = None
    answers: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 all asked for was done, 1 some of it was not."""
        return 1 if self.failed else 0


def run(
    config: RunConfig, command: Sequence[str] = (), listener: Listener | None = None, say: Say | None = None
) -> RunResult:
    """Runs a benchmark into ``config.out``.

    Raises:
        BenchError: the request is wrong or does not fit what the folder holds, another run holds the folder, or the
            disk takes no more.
    """
    store = Store(config.out.resolve())
    refuse_unguarded(store.root)
    make_folder(store.root)
    with sole_writer(store):
        sweep(store.root)
        config = extending(config, store.read_manifest())
        return Runner(with_absolute_paths(config), store, command, listener, say).run()


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
        self.config, self.store = config, store
        self.listener = listener or (lambda *_: None)
        self.say = say or (lambda _: None)
        self.plan = make_plan(config, tuple(store.read_manifest().tasks))
        check_ready(config)
        self.result = RunResult(notes=list(self.plan.notes))
        self.executor: Executor = create_executor(config.executor)
        cores = count_cores()
        self.jobs = config.jobs or cores
        self.long_jobs = min(self.jobs, gpus_for(self.plan.device) or cores)
        self.recorder = Recorder(store, tuple(command))
        self.earlier = tuple(task for task in store.read_manifest().tasks if task not in self.plan.tasks)

    @property
    def work(self) -> Worklist:
        """What of the plan is to be done."""
        return Worklist(self.plan, self.store, self.fuse_workers)

    @property
    def fuse_workers(self) -> int:
        """Workers of the fusing stage; on GPUs one for each."""
        return min(self.jobs, gpus_for(self.plan.device) or self.jobs)

    def run(self) -> RunResult:
        """Walks the stages."""
        self.plan = replace(self.plan, pretrained=self.choose_pretrained())
        self.recorder.begin(self.plan)
        if self.config.rerun != "none":
            if self.config.preset == "paper":
                self.forecast()
            self.train()
            self.plan = with_both_ways(self.plan)
            self.stage("fuse", list(self.work.fuse_units()), self.fuse_workers)
            if METRICS in self.plan.tasks:
                self.stage("score", self.score_units(), self.jobs)
            for task in sorted((t for t in self.plan.tasks if t != METRICS), key=lambda t: TASKS.get(t).alone):
                self.task_stage(task)
                self.control_stage(task)
        self.say_what_was_seen()
        self.collect()
        drawn = draw_units(self.store)  # for intervals on the last screen, in bench stats and in the report
        self.stage("draw", drawn, self.jobs, executor=draw_executor(drawn, self.jobs, self.executor))
        self.recorder.end(self.plan, self.result.computed)
        self.result.answers = closing_lines(run_findings(self.store))
        self.report()
        return self.result

    def say_what_was_seen(self) -> None:
        """Puts into the plan, and says, which of the scored pairs the methods were trained on."""
        before = len(self.plan.notes)
        self.plan = with_seen(self.plan)
        self.result.notes += self.plan.notes[before:]

    def choose_pretrained(self) -> Pretrained:
        """Decides once, for all workers, which pretrained files trainings and tasks start from."""
        trainings = [training_starts(unit.name, unit.request()) for unit in self.work.training.units()]
        starts = [*trainings, *(task_starts(task, self.plan) for task in self.plan.tasks)]
        return keep_pretrained(self.store.pretrained_dir, starts, self.config.executor == "ray")

    def score_units(self) -> list[ScoreUnit]:
        """What is to be scored; the engine is chosen here, and compiled once for all workers."""
        units = list(self.work.score_units())
        images = sum(len(target.keys) for unit in units for target in unit.targets)
        if images:
            self.recorder.engine = ready_engine(self.config.engine, images // self.jobs, self.say)
        return [replace(unit, engine=self.recorder.engine) for unit in units]

    def task_stage(self, task: str) -> None:
        """Runs one task; what measures time has this machine, which the manifest describes, for itself."""
        units = list(self.work.tasks.units(task))
        if not TASKS.get(task).alone:
            self.stage(task, units, self.long_jobs)
            return
        if self.config.executor == "ray":
            self.executor = LocalExecutor()
        self.stage(task, units, 1, self.jobs)

    def control_stage(self, task: str) -> None:
        """What merges the task's decisions on the two sources; these are finished by now."""
        units = list(self.work.tasks.controls(task))
        if units:
            self.stage(f"{task} controls", units, self.long_jobs)

    def stage(
        self, name: str, units: Sequence[Unit], workers: int, threads: int = 1, executor: Executor | None = None
    ) -> None:
        """Runs the units of one stage and counts them.

        Args:
            name: of the stage.
            units: its work.
            workers: processes at a time.
            threads: of each; one wherever results depend on it, so that ``--jobs`` changes no bit.
            executor: where they run, if not on the run's own.
        """
        total, done = sum(unit.weight for unit in units), 0
        self.result.computed[name] = total
        if not units:
            return
        self.recorder.working()
        prepare_end()
        shares: dict[str, list[int]] = {}  # of each method: done, total
        for unit in units:
            shares.setdefault(unit.method, [0, 0])[1] += unit.weight
        told = {method: share for method, share in shares.items() if method and len(shares) > 1}
        for method, (_, share) in told.items():
            self.listener(f"{name}{PART}{method}", 0, share)
        self.listener(name, 0, total)

        def note(unit: Unit, failed: bool) -> None:  # noqa: ARG001 - a callback of the executors
            nonlocal done
            done += unit.weight
            if unit.method in told:
                share = told[unit.method]
                share[0] += unit.weight
                self.listener(f"{name}{PART}{unit.method}", min(share[0], share[1]), share[1])
            self.listener(name, min(done, total), total)

        (executor or self.executor).run(units, max(1, min(workers, len(units))), threads, note)

    # ------------------------------------------------------------------ training

    def train(self) -> None:
        """Trains the methods that have no weights, and puts the weights into the plan."""
        work = self.work
        units = work.training.units()
        self.stage("train", [unit for unit in units if not work.training.is_done(unit)], self.long_jobs)
        outcome = {
            unit.method: (latest(self.store, "trained", unit.dataset).get((unit.method, unit.key)) or {})
            for unit in units
        }
        self.plan = replace(
            self.plan, methods=tuple(self._after_training(method, outcome) for method in self.plan.methods)
        )

    def _after_training(self, method: MethodPlan, outcome: dict[str, dict[str, Any]]) -> MethodPlan:
        if not method.train:
            return method
        line = outcome.get(method.label, {"reason": "no chosen data set has a training part"})
        weights = self.store.root / line.get("weights", "")
        if line.get("status") == "ok" and weights.is_file():
            return with_trained_weights(method, weights, self.config)
        reason = f"training failed: {line.get('reason', 'interrupted')}"
        facts = method.facts.model_copy(update={"status": "failed", "reason": reason})
        return replace(method, source=None, reason=reason, train=False, facts=facts)

    def forecast(self) -> None:
        """Says what trainings and tasks will cost here, measured on a few steps: published schedules are long."""
        from bench.run.forecast import forecast

        work = self.work
        trainings = [unit for unit in work.training.units() if not work.training.is_done(unit)]
        for text in forecast(trainings, list(work.tasks.jobs_ahead()), self.long_jobs):
            self.say(text)

    # ------------------------------------------------------------------ results

    def collect(self) -> None:
        """Writes the score table and notes what is missing.

        Rows of tasks and conventions that earlier commands asked for are looked up anew: those whose images, code or
        data have changed since are left out rather than shown beside the new ones.
        """
        previous = self._previous_scores()
        asked = [score for task in self.plan.tasks for score in self._task_scores(task, previous)]
        earlier = [
            score for task in self.earlier for score in self._task_scores(task, previous) if score.status == "ok"
        ]
        frame = merge(previous, [*asked, *earlier], self.plan, [*self.plan.tasks, *self.earlier])
        changed = previous is None or not same_table(frame, previous)
        if changed or not self.store.scores_csv.is_file():
            self.store.write_scores(frame)
        self.result.scores = len(frame)
        self.recorder.count_rows(previous if changed else frame, frame)
        self._summarise(asked)

    def _previous_scores(self) -> pd.DataFrame | None:
        """The table that is there; a damaged one is made anew from the journals, as far as this run goes."""
        if not self.store.scores_parquet.is_file():
            return None
        try:
            return self.store.read_scores()
        except BenchError as error:
            self.result.notes.append(f"{error} - rebuilt; name other methods of this folder again to list them too")
            return None

    def _task_scores(self, task: str, previous: pd.DataFrame | None) -> Iterator[Score]:
        work = self.work
        for dataset in self.plan.datasets:
            for method in self.plan.methods if work.tasks.carries_truth(task, dataset) else ():
                if method.source is None or method.train:
                    yield skipped_score(task, dataset, method.label, method.reason or "its training was not run")
        if task == METRICS:
            yield from self._metric_scores(previous)
            return
        for unit in (*work.tasks.units(task, everything=True), *work.tasks.controls(task, everything=True)):
            line = latest(self.store, task, unit.dataset).get((unit.method, unit.key))
            dataset = next(plan for plan in self.plan.datasets if plan.name == unit.dataset)
            yield from whole_scores(line, task, unit.dataset, dataset.main, unit.method)

    def _metric_scores(self, previous: pd.DataFrame | None) -> Iterator[Score]:
        others = [] if previous is None else [name for name in previous["convention"].unique() if name]
        known = [name for name in others if name in _conventions()]
        for dataset in self.plan.datasets:
            index, lines = FusedIndex(self.store, dataset.name), metric_lines(self.store, dataset.name)
            for method in self.work.runnable:
                yield from metric_scores(self.plan, dataset, method, index, lines, known)

    def _summarise(self, scores: Sequence[Score]) -> None:
        seen: dict[tuple[str, str, str, str], int] = {}
        for score in scores:
            if score.status == "failed":
                identity = (score.task, score.dataset, score.method, score.reason)
                seen[identity] = seen.get(identity, 0) + 1
        self.result.failed += self.plan.absent
        self.result.failed += [
            f"{task} {data} {label}: {why} ({n} numbers)" for (task, data, label, why), n in seen.items()
        ]
        for method in self.plan.methods:
            if method.source is None or method.train:
                failed = method.by_name or method.facts.status == "failed"
                (self.result.failed if failed else self.result.skipped).append(method.why_not)
        remarks: dict[str, list[str]] = {}  # what is said of several sets alike is said once
        for dataset in self.plan.datasets:
            folders = [self.work.ready_images(method, dataset) for method in self.plan.methods]
            found = [problem for parts in folders for ready in parts.values() for problem in ready.problems]
            for problem in dict.fromkeys([*dataset.problems, *found]):
                named = problem.where.partition(" ")[0] == dataset.name
                where = problem.where if named else f"{dataset.name}: {problem.where}"
                if problem.fault:
                    self.result.failed.append(f"{where}: {problem.text}")
                else:
                    remarks.setdefault(problem.text, []).append(where)
        self.result.notes += [f"{', '.join(places)}: {text}" for text, places in remarks.items()]
        self.result.notes += self._clipped()

    def _clipped(self) -> Iterator[str]:
        """Methods that leave the range of an image, in a sentence each."""
        for dataset in self.plan.datasets:
            index = FusedIndex(self.store, dataset.name)
            for method in self.work.runnable:
                keys = [(item, fused_key(method.ready, item, dataset.digests)) for item in dataset.files()]
                lines = [index.line(method.label, item, key) or {} for item, key in keys]
                shares = [float(line.get("clipped", 0.0)) for line in lines]
                many = [share for share in shares if share > MUCH_CLIPPED]
                if many:
                    yield (
                        f"{dataset.name}: {method.label}: more than {MUCH_CLIPPED:.1%} of the pixels of {len(many)} of "
                        f"{len(shares)} images left 0 to 1 and were clipped, up to {max(many):.1%}"
                    )

    def report(self) -> None:
        """Builds the HTML, unless the one that is there was built from the same by the same code."""
        from reports import build_report

        manifest = self.store.read_manifest().without_times()
        stamp = digest(stage_digest("report"), str(manifest), file_digest(self.store.scores_parquet))
        index = self.store.report_dir / "index.html"
        built = self.store.report_stamp.read_text(encoding="utf-8") if self.store.report_stamp.is_file() else ""
        if built != stamp or not index.is_file():
            self.store.report_stamp.unlink(missing_ok=True)
            self.listener("report", 0, 1)
            index = build_report(self.store.root, jobs=self.jobs)
            write_atomic(self.store.report_stamp, stamp.encode())
            self.listener("report", 1, 1)
        self.result.report = index


@cache
def prepare_end() -> None:
    """Loads what the end of a run needs, while what its workers need is loaded elsewhere and nobody waits for this."""
    import pandas as pd  # noqa: F401

    from reports import prepare_report

    prepare_report()


def _conventions() -> set[str]:
    from bench.metrics.catalogue import CONVENTIONS

    return set(CONVENTIONS)
