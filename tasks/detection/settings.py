"""The task's options, ``--option detection.NAME=VALUE``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from bench.errors import BenchError
from bench.plugin.settings import COUNT, read_number, refuse_unknown
from tasks.detection.tuning_budget import SCHEDULES, TuningSchedule

ORIGINAL = re.compile(r"^yolov5[nsmlx]6?$")
"""Names of checkpoints of the original YOLOv5; those of the ultralytics package end in ``u``."""

UNTUNED = "untuned"
"""Beginning of the ways of scoring of a detector that is fine-tuned, as it was before."""
TAKEN = (UNTUNED, "unseen", "day", "night", "small", "medium", "large", "coco", "yolov5_val")
"""Words of the column ``convention``, which no detector may be called."""


@dataclass(frozen=True, slots=True)
class Judge:
    """One detector that looks at every method's images.

    Attributes:
        model: name or file of its weights.
        detector: the plug-in that runs it, where that was said; else the name says.
    """

    model: str
    detector: str = ""

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.model.rpartition("/")[2].removesuffix(".pt")

    @property
    def plug_in(self) -> str:
        """The detector's name in the registry."""
        return self.detector or ("yolov5" if ORIGINAL.match(self.name) else "ultralytics")


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be chosen.

    Attributes:
        model: name or file of the detector's weights, ``yolov5n``; several with commas between them: each looks at all
            images, and the first is the one that speaks.
        detector: which plug-in runs them; empty takes ``yolov5`` for the original's names, else ``ultralytics``.
        finetune: True trains the detector on each method's fused training images first.
        seeds: how many trainings of each, with seeds from the run's on; 0 takes the preset's.
        random_start: whether a training may start from random weights where the detector's are not at hand; preset
            ``paper`` wants it said.
        steps: of a training; 0 takes the preset's.
        epochs: of a training, in place of steps; 0 takes the preset's.
        batch: images per step; 0 takes the preset's.
        pictures: False draws none.
        padding: ``stride``: sides are padded to a multiple of the detector's stride; ``val``: as the rectangular
            inference of YOLOv5's ``val.py``, half a stride more and rounded up, the longer side stretched to full size.
    """

    model: str = "yolov5n"
    detector: str = ""
    finetune: bool = False
    seeds: int = 0
    random_start: bool = False
    steps: int = 0
    epochs: int = 0
    batch: int = 0
    pictures: bool = True
    padding: str = "stride"

    @property
    def judges(self) -> tuple[Judge, ...]:
        """The detectors that look, the one that speaks first."""
        return tuple(Judge(model, self.detector) for model in self.model.split(","))

    def schedule(self, preset: str) -> TuningSchedule:
        """Of fine-tuning under a preset."""
        schedule = SCHEDULES.get(preset, SCHEDULES["quick"])
        if self.epochs:
            schedule = replace(schedule, steps=0, epochs=self.epochs)
        if self.steps:
            schedule = replace(schedule, steps=self.steps)
        return replace(schedule, batch=self.batch or schedule.batch, seeds=self.seeds or schedule.seeds)

    def seeds_under(self, preset: str) -> int:
        """How many trainings of each detector; 1 look where none learns."""
        return self.schedule(preset).seeds if self.finetune else 1

    def may_start_at_random(self, preset: str) -> bool:
        """Whether random weights will do where the detector's are not at hand."""
        return self.finetune and (self.random_start or preset != "paper")


OPTIONS = tuple(field.name for field in fields(Settings))
"""What may be set."""
SWITCHES = ("finetune", "random_start", "pictures")
COUNTS = ("seeds", "steps", "epochs", "batch")
OF_TRAINING = (*COUNTS, "random_start")


def read_settings(options: Mapping[str, str]) -> Settings:
    """Options as given, checked.

    Raises:
        BenchError: an unknown option, or a value that is none.
    """
    refuse_unknown("detection", options, OPTIONS)
    padding = options.get("padding", "stride")
    if padding not in ("stride", "val"):
        raise BenchError(f"option detection.padding is {padding!r}, wanted stride or val")
    switches = {name: _switch(name, options[name]) for name in SWITCHES if name in options}
    counts = {name: _count(name, options[name]) for name in COUNTS if name in options}
    texts = {name: options[name] for name in ("model", "detector", "padding") if name in options}
    settings = Settings(**texts, **switches, **counts)  # type: ignore[arg-type]
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    names = [judge.name for judge in settings.judges]
    if len(names) > 1 and {*names} & {*TAKEN}:
        raise BenchError(f"option detection.model is {settings.model!r}; give the file another name than a way's")
    if not all(names) or len(set(names)) < len(names):
        raise BenchError(
            f"option detection.model is {settings.model!r}, wanted a name or file, or several different ones with "
            "commas between them"
        )
    idle = [name for name in OF_TRAINING if getattr(settings, name)]
    if idle and not settings.finetune:
        raise BenchError(
            f"option detection.{idle[0]} is given, but nothing is trained; add --option detection.finetune=true"
        )
    if settings.steps and settings.epochs:
        raise BenchError("options detection.steps and detection.epochs say the same twice; leave one out")


def _count(name: str, text: str) -> int:
    return int(read_number(f"option detection.{name}", text, int, COUNT))


def _switch(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise BenchError(f"option detection.{name} is {text!r}, wanted true or false")
    return text.lower() == "true"
