"""The plan of a run as values: data sets, methods and tasks, nothing computed yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.data.catalogue import Dataset
from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.run.config import RunConfig, Trial
from bench.run.pretrained import Pretrained
from bench.run.sources import MethodSource
from bench.store.manifest import MethodFacts
from bench.types import PairFiles, Problem

if TYPE_CHECKING:
    from bench.plugin.task import Task

METRICS = "metrics"
"""The one task that no runner stands for: every fused image is scored against its pair."""


@dataclass(frozen=True)
class DatasetPlan:
    """One chosen data set.

    Attributes:
        opened: where it lies on disk.
        parts: the pairs of each part that some task needs, by split.
        main: the split that the metrics are computed on.
        listed: how many pairs the published list of ``main`` has.
        digests: digest of each pair's source files, by (part, pair).
        label_digests: digest of each pair's truth files, by (part, pair); empty where there are none.
    """

    opened: Dataset
    selection: str
    main: str
    parts: dict[str, tuple[PairFiles, ...]]
    listed: int
    problems: tuple[Problem, ...]
    digests: dict[tuple[str, str], str]
    label_digests: dict[tuple[str, str], str]

    @property
    def name(self) -> str:
        """As in ``datasets.yaml``."""
        return self.opened.name

    @property
    def spec(self) -> DatasetSpec:
        """Its entry there."""
        return self.opened.spec

    def roles(self, task: type[Task], splits: Sequence[str]) -> dict[str, tuple[PairFiles, ...]]:
        """The pairs that serve a task in each of its roles; ``splits`` empty for the part that is scored."""
        if not splits:
            return {self.main: self.parts.get(self.main, ())}
        return {role: self.parts.get(self.opened.part_for(role, task.truth), ()) for role in splits}

    def files(self) -> list[PairFiles]:
        """All pairs of all parts; parts may use the same names."""
        return [files for part in self.parts.values() for files in part]


@dataclass(frozen=True)
class MethodPlan:
    """One chosen method or folder of images.

    Attributes:
        label: what tables call it.
        by_name: asked for by name, so that skipping it counts as a failure.
        source: how its images are made; None if it cannot run.
        reason: why not.
        facts: what the manifest says of it.
        train: True if its weights are to be trained in this run first.
        train_on: the data set whose training part it learns from; empty for the first chosen one that has any.
        trial: what it is of an ablation, if it is of one.
    """

    label: str
    by_name: bool
    source: MethodSource | None
    reason: str = ""
    facts: MethodFacts = field(default_factory=MethodFacts)
    train: bool = False
    train_on: str = ""
    trial: Trial | None = None

    @property
    def ready(self) -> MethodSource:
        """How the images of a method that can run are made.

        Raises:
            BenchError: it cannot run.
        """
        if self.source is None:
            raise BenchError(self.why_not)
        return self.source

    @property
    def why_not(self) -> str:
        """The reason with the method's name in front of it, once."""
        return self.reason if self.reason.startswith(f"{self.label}:") else f"{self.label}: {self.reason}"


@dataclass(frozen=True)
class Plan:
    """All that a run will do.

    Attributes:
        config: what was asked for.
        device: that the workers compute on.
        datasets: those that are on disk.
        methods: all that were asked for, with those that cannot run.
        tasks: by name.
        metrics: of each convention.
        notes: remarks on the request.
        absent: one line for each data set asked for that is not on disk.
        pretrained: the files that trainings start from, once they are chosen.
    """

    config: RunConfig
    device: str
    datasets: tuple[DatasetPlan, ...]
    methods: tuple[MethodPlan, ...]
    tasks: tuple[str, ...]
    metrics: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]
    absent: tuple[str, ...] = ()
    pretrained: Pretrained | None = None

    def seed_of(self, method: MethodPlan) -> int:
        """Of what is trained for a method or on its images."""
        return method.trial.seed if method.trial else self.config.seed
