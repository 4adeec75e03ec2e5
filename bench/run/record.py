"""The manifest of a run: what was asked, what was found, what it ran on; kept up to date while the run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.analysis.ranked import SOURCES
from bench.errors import BenchError
from bench.files import PROTOCOL, VERSION, digest
from bench.machine import describe_machine, source_commit
from bench.plugin.kinds import TASKS
from bench.plugin.task import Setting
from bench.run.collect import FusedIndex
from bench.run.config import RunConfig
from bench.run.plan import METRICS, DatasetPlan, MethodPlan, Plan
from bench.store.manifest import (
    CommandFacts,
    DatasetFacts,
    Manifest,
    MethodFacts,
    PartFacts,
    Request,
    SourceFacts,
    TaskFacts,
)
from bench.store.run_folder import Store
from bench.types import PairFiles

if TYPE_CHECKING:
    import pandas as pd

UNITED = ("methods", "datasets", "tasks", "conventions", "metrics")
"""Lists of a request that a later command in the same folder adds to."""


class Recorder:
    """Writes one run's manifest: at its start, at its end, and in between when work turns up."""

    def __init__(self, store: Store, command: tuple[str, ...]) -> None:
        """Remembers what the folder held before."""
        self.store, self.command = store, command
        self.before = store.read_manifest()
        self.started = _now()
        self.rows = self.failed = 0
        self.engine = ""

    def begin(self, plan: Plan) -> None:
        """Notes the request before any work."""
        self._write(plan, {}, complete=False)

    def working(self) -> None:
        """There is work to do after all: until it is done, the manifest must not call the run complete."""
        manifest = self.store.read_manifest()
        if manifest.complete:
            self.store.write_manifest(manifest.model_copy(update={"complete": False}))

    def count_rows(self, previous: pd.DataFrame | None, frame: pd.DataFrame) -> None:
        """Notes how many rows this command made or changed, and how many results failed.

        Args:
            previous: the table that was there; ``frame`` itself where it was the same; None where there was none.
            frame: the table as it is now.
        """
        self.failed = int((frame["status"] == "failed").sum())
        if previous is None:
            self.rows = len(frame)
        elif previous is not frame:
            rows = [set(table.astype(str).itertuples(index=False, name=None)) for table in (previous, frame)]
            self.rows = len(rows[1] - rows[0])

    def end(self, plan: Plan, made: Mapping[str, int]) -> None:
        """Notes what came out."""
        self._write(plan, made, complete=True)

    def _write(self, plan: Plan, made: Mapping[str, int], complete: bool) -> None:
        idle = complete and not self.rows and not any(made.values())
        whole = complete and not self.failed
        manifest = build_manifest(plan, self.before, _computed(plan, self.store), whole)
        there = self.store.read_manifest()
        if idle and self.before.complete and manifest.without_times() == self.before.without_times():
            if there != self.before:  # nothing was done, so nothing is noted
                self.store.write_manifest(self.before)
            return
        commands = (*self.before.commands, self._command(plan, made, complete))
        self.store.write_manifest(
            manifest.model_copy(update={"command": self.command, "commands": commands, "updated": _now()})
        )

    def _command(self, plan: Plan, made: Mapping[str, int], complete: bool) -> CommandFacts:
        machine = describe_machine()
        covers = {
            "datasets": tuple(dataset.selection for dataset in plan.datasets),
            "methods": tuple(method.label for method in plan.methods),
            "tasks": plan.tasks,
            "conventions": tuple(plan.metrics),
        }
        return CommandFacts(
            command=self.command, version=VERSION, commit=source_commit(), started=self.started,
            device=plan.device, machine=machine.gpu or machine.cpu, covers=covers,
            made={stage: count for stage, count in made.items() if count}, rows=self.rows, engine=self.engine,
            complete=complete,
        )  # fmt: skip


def build_manifest(
    plan: Plan, before: Manifest, computed: Mapping[str, Mapping[str, Any]], complete: bool
) -> Manifest:  # fmt: skip
    """The manifest of a plan, with what earlier commands in the same folder said of other names.

    Args:
        plan: what is run.
        before: the manifest that is there, or an empty one.
        computed: facts of methods that are known once they have fused, by label, as far as they are.
        complete: False while the run is going on.
    """
    methods = {method.label: _method_facts(method, computed.get(method.label, {}), before) for method in plan.methods}
    return Manifest(
        version=VERSION,
        protocol=PROTOCOL,
        created=before.created or _now(),
        updated=before.updated or _now(),
        command=before.command,
        commands=before.commands,
        config=_request(plan.config, plan, before),
        seed=plan.config.seed,
        device=plan.device,
        machine=describe_machine(),
        datasets={**before.datasets, **{dataset.name: dataset_facts(dataset) for dataset in plan.datasets}},
        methods={**before.methods, **methods, **_control_facts(plan)},
        tasks={**before.tasks, **{name: task_facts(name, plan) for name in plan.tasks}},
        pretrained={**before.pretrained, **(plan.pretrained.digests if plan.pretrained else {})},
        notes=plan.notes,
        complete=complete,
    )


def _request(config: RunConfig, plan: Plan, before: Manifest) -> Request:
    """What was asked for, now and before: conventions are those that were scored, tasks those that ran."""
    values: dict[str, Any] = config.model_dump(mode="json")
    now = {**values, "tasks": plan.tasks, "conventions": tuple(plan.metrics)}
    for key in UNITED:
        values[key] = tuple(dict.fromkeys([*getattr(before.config, key), *now[key]])) if before else tuple(now[key])
    if before and not (before.config.metrics and config.metrics):
        values["metrics"] = ()
    return Request.model_validate(values)


def dataset_facts(dataset: DatasetPlan) -> DatasetFacts:
    """What the report needs to know of a data set."""
    spec, main = dataset.spec, dataset.parts[dataset.main]
    return DatasetFacts(
        title=spec.title,
        licence=spec.licence,
        homepage=spec.homepage,
        citation=spec.citation,
        remark=spec.remark,
        split=dataset.main,
        subset=dataset.selection.partition(":")[2],
        listed=dataset.listed,
        found=len(main),
        parts={split: _part_facts(dataset, files) for split, files in dataset.parts.items()},
        problems=tuple(dataset.problems),
        fingerprint=digest(*(f"{split} {pair} {value}" for (split, pair), value in sorted(dataset.digests.items()))),
        classes=tuple(spec.classes),
        palette=tuple(spec.palette),
        box_classes={str(key): value for key, value in spec.box_classes.items()},
        box_ids={str(key): value for key, value in spec.box_ids.items()},
        box_aliases=spec.box_aliases,
        ir_range=spec.ir_range,
        sequence=spec.sequence,
    )


def _part_facts(dataset: DatasetPlan, part: tuple[PairFiles, ...]) -> PartFacts:
    return PartFacts(
        pairs=tuple(files.id for files in part),
        sources={files.id: _source_facts(files) for files in part},
        digests={files.id: dataset.digests[files.key] for files in part},
        tags={files.id: files.tags for files in part if files.tags},
    )


def _source_facts(files: PairFiles) -> SourceFacts:
    paths = {"ir": files.ir_path, "vis": files.vis_path, "labels": files.label_path, "boxes": files.boxes_path}
    found = {key: str(path.resolve()) for key, path in paths.items() if path is not None}
    return SourceFacts(**found, four_channel=files.four_channel, border=files.border, ir_range=files.ir_range)


def _method_facts(method: MethodPlan, computed: Mapping[str, Any], before: Manifest) -> MethodFacts:
    known = before.methods.get(method.label, MethodFacts())
    earlier = {name: fact for name in COMPUTED if (fact := getattr(known, name)) not in (None, "")}
    return method.facts.model_copy(update={**earlier, **computed})


def _control_facts(plan: Plan) -> dict[str, MethodFacts]:
    """The rows that merge decisions on the two sources, where a run holds both."""
    if not set(SOURCES) <= {method.label for method in plan.methods if method.source is not None}:
        return {}
    return {
        label: MethodFacts(name=label, title=label.replace("_", " ").capitalize(), kind="control", notes=about)
        for task in plan.tasks
        if task != METRICS
        for label, about in TASKS.get(task).controls.items()
    }


COMPUTED = ("parameters", "runtime")
"""Facts of a method that are known once it has fused."""


def _computed(plan: Plan, store: Store) -> dict[str, dict[str, Any]]:
    """Those facts by method label, as far as they are known."""
    index = [FusedIndex(store, dataset.name) for dataset in plan.datasets]
    found = {
        method.label: {name: next((fact for i in index if (fact := i.fact(method.label, name)) is not None), None)
                       for name in COMPUTED}
        for method in plan.methods
    }  # fmt: skip
    return {label: {name: fact for name, fact in facts.items() if fact is not None} for label, facts in found.items()}


def declared(name: str) -> TaskFacts:
    """What a task says of itself, whatever its settings."""
    if name == METRICS:
        return TaskFacts(name=name, title="Fusion metrics")
    cls = TASKS.get(name)
    return TaskFacts(
        name=name, title=cls.title or name.replace("_", " "), about=cls.about, summary=TASKS.summary(name),
        numbers=tuple(cls.numbers), ways=dict(cls.ways),
        contends=cls.contends and not cls.needs_method, controls=dict(cls.controls),
    )  # fmt: skip


def task_facts(name: str, plan: Plan) -> TaskFacts:
    """What a task says of itself and its settings."""
    facts = declared(name)
    if name == METRICS:
        return facts
    runner, setting = TASKS.get(name)(), _setting(name, plan)
    try:
        told = {
            "settings": dict(runner.facts(setting)), "judges": runner.judges(setting.options),
            "about": runner.about_under(setting.options),
        }  # fmt: skip
    except BenchError as error:  # a wrong setting is said where the task runs
        return facts.model_copy(update={"reason": str(error)})
    return facts.model_copy(update=told)


def task_starts(name: str, plan: Plan) -> Mapping[str, Path | None]:
    """The pretrained files that a task starts from, by name.

    Raises:
        BenchError: a wrong setting, or no file and no leave to start from random weights.
    """
    return {} if name == METRICS else TASKS.get(name)().starts_from(_setting(name, plan))


def _setting(name: str, plan: Plan) -> Setting:
    config = plan.config
    return Setting(
        config.preset or "quick", config.options_of(name), plan.device, config.weights_root, config.train_precision,
        plan.pretrained.folder if plan.pretrained else None,
    )  # fmt: skip


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
