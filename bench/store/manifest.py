"""What a run says of itself in ``manifest.json``: the one model that is written, read and shown.

Every key has a type and a default, so that a manifest of an earlier version reads, and a mistyped key fails where it is
asked for. The meaning of each key stands in docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bench.errors import BenchError
from bench.plugin.proof import Record
from bench.types import Machine, Number, Problem, Status

Json = Any
"""A plain JSON value: what a task or a training says of its own settings."""


class Facts(BaseModel):
    """A frozen part of a manifest; keys that this version does not know are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Request(Facts):
    """What was asked for; ``bench.run.config.RunConfig`` says what each word does.

    Attributes:
        options: ``--option NAME.key=value`` as text.
    """

    methods: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    preset: str | None = None
    data_root: str | None = None
    weights_root: str | None = None
    datasets_file: str | None = None
    ir: str | None = None
    vis: str | None = None
    ir_range: str = ""
    device: str = "auto"
    jobs: int = 0
    executor: str = "local"
    limit: int | None = None
    seed: int = 0
    way: str = "published"
    precision: str = "exact"
    compile: str = "never"
    runtime: str = "torch"
    train_precision: str = "auto"
    engine: str = "auto"
    options: dict[str, str] = Field(default_factory=dict)

    def options_of(self, name: str) -> dict[str, str]:
        """The options meant for one task or method, without its name."""
        return {key.partition(".")[2]: value for key, value in self.options.items() if key.partition(".")[0] == name}


class CommandFacts(Facts):
    """One command that worked on this folder.

    Attributes:
        command: as typed.
        version: of this program.
        commit: of the checkout it ran from, ``-changed`` behind it where files differed; empty if there was none.
        started: UTC, ISO 8601.
        device: what it computed on.
        machine: processor, or GPU.
        covers: what it was about, e.g. ``{"methods": [...], "datasets": [...]}``.
        made: pieces of work done, by stage.
        rows: rows of the score table that it made or changed.
        engine: what computed metrics, ``numpy`` or ``numba``; empty if it computed none.
        complete: False while it runs, or where it was ended early.
    """

    command: tuple[str, ...] = ()
    version: str = ""
    commit: str = ""
    started: str = ""
    device: str = ""
    machine: str = ""
    covers: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    made: dict[str, int] = Field(default_factory=dict)
    rows: int = 0
    engine: str = ""
    complete: bool = False


class SourceFacts(Facts):
    """Where a pair's files lie, absolute; empty where there is none."""

    ir: str = ""
    vis: str = ""
    labels: str = ""
    boxes: str = ""
    four_channel: bool = False
    border: int = 0
    ir_range: str = ""


class PartFacts(Facts):
    """One part of a data set.

    Attributes:
        pairs: in listing order.
        sources: by pair.
        digests: of each pair's source files.
        tags: named subsets that a pair belongs to.
    """

    pairs: tuple[str, ...] = ()
    sources: dict[str, SourceFacts] = Field(default_factory=dict)
    digests: dict[str, str] = Field(default_factory=dict)
    tags: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class DatasetFacts(Facts):
    """One data set.

    Attributes:
        remark: what a reader of its numbers must know.
        split: the part that the metrics are computed on.
        subset: the named subset of it; empty for the whole part.
        listed: how many pairs the published list of that part has.
        found: how many of them are here and in order.
        parts: by name.
        fingerprint: of all sources.
        sequence: regular expression whose first group is a pair's drive or clip; empty where none is known.
    """

    title: str = ""
    licence: str = ""
    homepage: str = ""
    citation: str = ""
    remark: str = ""
    split: str = ""
    subset: str = ""
    listed: int | None = None
    found: int | None = None
    parts: dict[str, PartFacts] = Field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    fingerprint: str = ""
    classes: tuple[str, ...] = ()
    palette: tuple[tuple[int, int, int], ...] = ()
    box_classes: dict[str, str] = Field(default_factory=dict)
    box_ids: dict[str, str] = Field(default_factory=dict)
    box_aliases: dict[str, str] = Field(default_factory=dict)
    ir_range: str = ""
    sequence: str = ""

    @property
    def main(self) -> PartFacts:
        """The part that the metrics are computed on."""
        return self.parts.get(self.split, PartFacts())

    def source(self, pair: str, split: str | None = None) -> SourceFacts:
        """Where a pair of a part (None: the main one) lies; empty where that was not recorded."""
        return self.parts.get(split or self.split, PartFacts()).sources.get(pair, SourceFacts())


class WeightFacts(Facts):
    """One file of weights that a method loaded."""

    path: str = ""
    sha256: str = ""
    licence: str = ""


class MethodFacts(Facts):
    """One method, or a folder of images.

    Attributes:
        kind: ``learned``, ``classical``, ``reference``, ``folder``, or ``control``: decisions on the sources, merged.
        origin: where its weights come from.
        proofs: what its port was compared with, source by source; empty for weights trained here.
        trained_on: data sets its weights have seen.
        seen: pairs of the scored part of a data set that its weights were trained on, by data set.
        way: how its images were read and written.
        stretches: True if the way of its authors stretches the contrast of each image.
        beside: the method that this row only shows in another way; such a row is not ranked.
        variant: of an ablation, what is varied; empty in other runs.
        seed: of an ablation's training and tasks; None: the run's.
        runtime: that its networks computed on, with its version, and why another one that was asked for did not.
        parameters: of its networks; None where unknown.
        training: what its training recorded, if it was trained here.
    """

    name: str = ""
    title: str = ""
    year: int | None = None
    paper: str = ""
    licence: str = ""
    kind: str = ""
    origin: str = ""
    agreement: str = ""
    proofs: tuple[Record, ...] = ()
    weights: tuple[WeightFacts, ...] = ()
    trained_on: tuple[str, ...] = ()
    seen: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    notes: str = ""
    way: str = ""
    stretches: bool = False
    beside: str = ""
    variant: str = ""
    seed: int | None = None
    precision: str = ""
    compile: str = ""
    runtime: str = ""
    status: Status = "ok"
    reason: str = ""
    parameters: int | None = None
    training: dict[str, Json] | None = None

    @field_validator("training", mode="before")
    @classmethod
    def _only_objects(cls, value: object) -> object:
        return value if isinstance(value, Mapping) else None


class TaskFacts(Facts):
    """One task: what it says of itself and of its settings.

    Attributes:
        ways: way of scoring -> what it is, in words.
        contends: False if a source passed through is no contender in it (it measures the method).
        controls: label of a row that merges decisions on the two sources -> what it is.
        judges: models that judge the images, the one that speaks first; ways of others begin with their name.
    """

    name: str = ""
    title: str = ""
    summary: str = ""
    about: str = ""
    reason: str = ""
    numbers: tuple[Number, ...] = ()
    ways: dict[str, str] = Field(default_factory=dict)
    contends: bool = True
    controls: dict[str, str] = Field(default_factory=dict)
    judges: tuple[str, ...] = ()
    settings: dict[str, Json] = Field(default_factory=dict)


class Manifest(Facts):
    """A run.

    Attributes:
        protocol: of what its numbers mean, see ``bench.files.PROTOCOL``; empty in runs that are older.
        command: the latest, as typed.
        commands: every command that worked on the folder, oldest first.
        config: the latest request, with the conventions, metrics and tasks of earlier ones.
        pretrained: SHA-256 of each pretrained file that trainings and tasks started from, by its name; ``random`` where
            they started from random weights.
        complete: False while work is going on or was ended early, or where a result failed.
    """

    version: str = ""
    protocol: str = ""
    created: str = ""
    updated: str = ""
    command: tuple[str, ...] = ()
    commands: tuple[CommandFacts, ...] = ()
    config: Request = Request()
    seed: int | None = None
    device: str = ""
    machine: Machine = Machine()
    datasets: dict[str, DatasetFacts] = Field(default_factory=dict)
    methods: dict[str, MethodFacts] = Field(default_factory=dict)
    tasks: dict[str, TaskFacts] = Field(default_factory=dict)
    pretrained: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    complete: bool | None = None

    def __bool__(self) -> bool:
        """False if there is none yet."""
        return bool(self.version or self.datasets or self.methods or self.tasks)

    def without_times(self) -> dict[str, Json]:
        """Its content as plain values, less what changes although nothing of the run did."""
        return self.model_dump(mode="json", exclude={"updated", "complete", "command", "commands"})


def parse_manifest(where: object, data: object) -> Manifest:
    """A manifest from JSON values.

    Args:
        where: the file, for the message.
        data: what it holds.

    Raises:
        BenchError: not an object, or a key has a value of another kind.
    """
    if not isinstance(data, dict):
        raise BenchError(f"{where}: holds a {type(data).__name__}, wanted an object")
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BenchError(f"{where}: {key[:200]}: {first['msg']}; run bench run again to rebuild it") from error
