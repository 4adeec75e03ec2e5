"""The units of work a run consists of.

A unit is small, picklable and self-contained: it finds all it needs on disk and leaves its results in the store's
journals, so it may run in any process on any machine that shares the folder, may be killed at any moment and run again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.frames import write_frames
from bench.errors import describe, is_fatal
from bench.files import digest
from bench.run.sources import MethodSource, load_fuser
from bench.store.run_folder import Store
from bench.store.work_mark import mark_work
from bench.types import PairFiles, Score

if TYPE_CHECKING:
    from bench.data.spec import DatasetSpec
    from bench.plugin.method import Preset, TrainRequest
    from bench.plugin.task import Job
    from bench.train.precision import TrainPrecision


@dataclass(frozen=True)
class Unit(ABC):
    """One piece of a run.

    Attributes:
        out: the run folder.
        dataset: data set name.
        method: the method's label; empty for units that serve all methods.
        time_limit_s: the executor ends the unit's process after this long; None for no limit.
        gpus: how many GPUs it asks for.
    """

    out: Path
    dataset: str
    method: str
    time_limit_s: float | None
    gpus: float

    @property
    def weight(self) -> int:
        """How many progress steps the unit stands for."""
        return 1

    @abstractmethod
    def run(self) -> None:
        """Does the work and writes the results; raises only if nothing more of this unit can be done."""

    @abstractmethod
    def give_up(self, reason: str) -> list[Unit]:
        """Called when ``run`` raised, was stopped by the time limit, or its process died.

        Returns:
            Units to try instead; empty if the failure has been written to the journal.
        """


@dataclass(frozen=True)
class WholeUnit(Unit):
    """A unit whose result is one journal line with all its scores; a failure is a line too."""

    key: str

    @property
    @abstractmethod
    def kind(self) -> str:
        """The journal's kind."""

    @abstractmethod
    def work(self) -> dict[str, Any]:
        """Does the work; returns what the journal line holds besides method, key and status."""

    def run(self) -> None:
        """Works and notes the result or why there is none."""
        try:
            line = {"status": "ok", **self.work()}
        except Exception as error:
            if is_fatal(error):
                raise
            line = {"status": "failed", "reason": describe(error)}
        self._journal().append({"method": self.method, "key": self.key, **line})

    def give_up(self, reason: str) -> list[Unit]:
        """Notes the failure."""
        self._journal().append({"method": self.method, "key": self.key, "status": "failed", "reason": reason})
        return []

    def _journal(self) -> Any:
        return Store(self.out).journal(self.kind, self.dataset, digest(self.method, self.key)[:16])

    def progress(self) -> Callable[[str, int, int], None]:
        """Leaves the present state of long work in the run folder, where the command line reads it."""
        path = self.out / "parts" / "progress" / f"{digest(self.kind, self.dataset, self.method)[:16]}.txt"

        def note(what: str, done: int, total: int) -> None:
            path.parent.mkdir(parents=True, exist_ok=True)  # not before: a dry run asks for the function alone
            path.write_text(f"{self.method}: {what} {done}/{total}", encoding="utf-8")

        return note


@dataclass(frozen=True)
class TaskUnit(WholeUnit):
    """Runs one task runner on one method and data set; journal named after the task."""

    task: str
    spec: DatasetSpec
    parts: tuple[tuple[str, tuple[PairFiles, ...]], ...]
    source: MethodSource
    preset: str
    seed: int
    seen: frozenset[tuple[str, str]] | None
    weights_root: Path | None
    options: tuple[tuple[str, str], ...]
    train_precision: str = "auto"
    pretrained: Path | None = None
    engine: str = "auto"

    @property
    def kind(self) -> str:
        """The task's name."""
        return self.task

    def job(self) -> Job:
        """The task runner's view of this unit."""
        from bench.plugin.task import FusedSet, Job

        store, source = Store(self.out), self.source
        parts = {
            split: FusedSet(self.method, files, tuple(store.fused_of(item, self.method) for item in files))
            for split, files in self.parts
        }
        return Job(
            dataset=self.dataset, spec=self.spec, method=self.method, parts=parts,
            work_dir=store.work_dir(self.task, self.dataset, self.method), preset=self.preset, seed=self.seed,
            device=source.device, precision=source.precision, weights=source.weights, seen=self.seen,
            weights_root=self.weights_root, progress=self.progress(), options=dict(self.options),
            load=None if source.folder else partial(load_fuser, source),
            train_precision=self.train_precision, pretrained=self.pretrained, engine=self.engine, key=self.key,
        )  # fmt: skip

    def work(self) -> dict[str, Any]:
        """Runs the task; what it leaves in its folder is marked with the key of the scores that it belongs to."""
        job = self.job()
        mark_work(job.work_dir, "")
        scores = [asdict(score) for score in self.scores(job)]
        mark_work(job.work_dir, self.key)
        return {"scores": scores}

    def scores(self, job: Job) -> Iterable[Score]:
        """What the task makes of the method's images."""
        from bench.plugin.kinds import TASKS

        return TASKS.get(self.task)().run(job)


@dataclass(frozen=True)
class ControlUnit(TaskUnit):
    """Merges what a task decided on the two sources, each by itself; ``method`` is the control's label.

    Attributes:
        sources: the finished units of the visible and the infrared images.
    """

    sources: tuple[TaskUnit, ...] = ()

    @property
    def work_dir(self) -> Path:
        """Its own."""
        return Store(self.out).work_dir(self.task, self.dataset, self.method)

    def job(self) -> Job:
        """That of the first source, whose images it shows, under its own name."""
        return replace(self.sources[0].job(), method=self.method, work_dir=self.work_dir, progress=self.progress())

    def scores(self, job: Job) -> Iterable[Score]:
        """What the task makes of both."""
        from bench.plugin.kinds import TASKS

        return TASKS.get(self.task)().run_control(job, {unit.method: unit.job() for unit in self.sources})


@dataclass(frozen=True)
class TrainUnit(WholeUnit):
    """Trains one method on one data set; journal ``trained``.

    Attributes:
        name: of the method that is trained; ``method`` is what its row is called.
        trained_on: ``NAME`` or ``NAME:SUBSET``, what the files are.
        classes: of their labels.
        weights_root: where backbones may lie.
        pretrained: the folder of the run that holds the one copy of each.
        ablation: the variant of the training; empty for the published one.
        options: of the training.
    """

    name: str
    files: tuple[PairFiles, ...]
    preset: Preset
    seed: int
    device: str
    trained_on: str
    classes: tuple[str, ...] = ()
    weights_root: Path | None = None
    precision: TrainPrecision = "auto"
    pretrained: Path | None = None
    ablation: str = ""
    options: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> str:
        """``trained``."""
        return "trained"

    def request(self) -> TrainRequest:
        """What the method is asked for."""
        from bench.plugin.method import TrainRequest

        return TrainRequest(
            dataset=self.trained_on, pairs=self.files, preset=self.preset, out=self.folder(), device=self.device,
            seed=self.seed, progress=self.progress(), classes=self.classes, weights_root=self.weights_root,
            precision=self.precision, pretrained=self.pretrained, ablation=self.ablation, options=self.options,
        )  # fmt: skip

    def work(self) -> dict[str, Any]:
        """Trains, or goes on where an interrupted training stood."""
        from bench.plugin.kinds import METHODS

        cls: Any = METHODS.get(self.name)
        weights = cls.train(self.request())
        write_frames(weights, self.trained_on, self.files)
        return {"weights": str(weights.relative_to(self.out))}

    def folder(self) -> Path:
        """Where this training's checkpoints and weights lie; another request gets another folder."""
        return Store(self.out).trained_dir / self.method / self.key[:16]
