"""How much a segmenter may learn and how it is scored, per preset; every method gets exactly the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.errors import BenchError
from bench.plugin.kinds import SEGMENTERS
from bench.plugin.settings import refuse_unknown
from bench.train.segmenter_schedule import SegmenterSchedule, light_schedule, short_schedule


@dataclass(frozen=True, slots=True)
class Budget:
    """One preset's sizes.

    Attributes:
        schedule: of the retraining.
        multi_scale: whether the published multi-scale convention is scored as well.
        segmenter: which adapter; several with commas between them are each trained, and the first speaks.
        precision: ``auto`` or ``float32``, of the training's forward pass; the run says which.
        compile: whether ``torch.compile`` is used for the training.
        random_backbone: whether the segmenter may start from random weights where ImageNet's are not at hand.
        auxiliary: weight of every output but the main one in the loss; None takes the segmenter's own, which is the
            0.75 of the released code for ``banet``.
    """

    schedule: SegmenterSchedule
    multi_scale: bool = True
    segmenter: str = "banet"
    precision: str = "auto"
    compile: bool = False
    random_backbone: bool = True
    auxiliary: float | None = None

    @property
    def segmenters(self) -> tuple[str, ...]:
        """The adapters, the one that speaks first."""
        return tuple(self.segmenter.split(","))

    def each(self) -> tuple[Budget, ...]:
        """One for every segmenter, with what it needs changed in the schedule.

        Raises:
            BenchError: an unknown segmenter.
        """
        return tuple(
            replace(self, segmenter=name, schedule=SEGMENTERS.get(name)().schedule(self.schedule))
            for name in self.segmenters
        )

    def loss_weights(self, own: Sequence[float]) -> tuple[float, ...]:
        """Weights of the outputs in the loss, the main one's first; ``own`` are the segmenter's."""
        return tuple(own) if self.auxiliary is None else (own[0], *[self.auxiliary] * (len(own) - 1))


BUDGETS: dict[str, Budget] = {
    # 80,000 steps of 16 images at full size (the paper and the released code)
    "paper": Budget(SegmenterSchedule(steps=80_000, batch=16), random_backbone=False),
    # minutes on two CPU cores: a quarter of each image per step, and what short schedules need
    "quick": Budget(short_schedule(steps=900, batch=4, crop=0.5)),
    # half a minute, on images of half their size: a narrow U-Net that hears rare classes tells the methods apart
    "smoke": Budget(light_schedule(steps=400, batch=4, image_scale=0.5), multi_scale=False, segmenter="unet"),
}

OPTIONS = (
    "segmenter", "compile", "multi_scale", "random_backbone", "auxiliary", "steps", "batch", "image_scale", "crop",
)  # fmt: skip
"""What may be set."""

WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def make_budget(preset: str, options: Mapping[str, str], precision: str = "auto") -> Budget:
    """The preset's budget with options put in.

    Args:
        preset: ``smoke``, ``quick`` or ``paper``.
        options: of ``OPTIONS``.
        precision: of the training, as the run was asked for.

    Raises:
        BenchError: an unknown preset or option, or a value that does not fit.
    """
    if preset not in BUDGETS:
        raise BenchError(f"segmentation: preset {preset!r} is not known, wanted one of {', '.join(BUDGETS)}")
    refuse_unknown("segmentation", options, OPTIONS)
    budget = replace(BUDGETS[preset], precision=precision)
    for name, text in options.items():
        try:
            budget = _with_option(budget, name, text)
        except (KeyError, ValueError) as error:
            raise BenchError(f"segmentation: option {name}={text!r}, wanted {_kind(name)}") from error
    if len(set(budget.segmenters)) < len(budget.segmenters):
        raise BenchError(f"segmentation: segmenter {budget.segmenter!r} names one twice; leave it out")
    schedule = budget.schedule
    if not (0 < schedule.image_scale <= 1 and 0 < schedule.crop <= 1 and schedule.steps >= 1 and schedule.batch >= 2):
        raise BenchError(
            f"segmentation: image_scale {schedule.image_scale}, crop {schedule.crop}, steps {schedule.steps}, batch "
            f"{schedule.batch}; wanted the first two above 0 and up to 1, steps >= 1, batch >= 2 (batch norm needs two)"
        )
    if budget.auxiliary is not None and not (math.isfinite(budget.auxiliary) and budget.auxiliary >= 0):
        raise BenchError(f"segmentation: auxiliary {budget.auxiliary}, wanted a weight of 0 or more, e.g. 0.75")
    return budget


def _kind(name: str) -> str:
    """What the value of an option must be, in words."""
    if name in ("compile", "multi_scale", "random_backbone"):
        return "true or false"
    return "a whole number" if name in ("steps", "batch") else "a number"


def _with_option(budget: Budget, name: str, text: str) -> Budget:
    match name:
        case "segmenter":
            return replace(budget, segmenter=text)
        case "compile":
            return replace(budget, compile=WORDS[text.lower()])
        case "multi_scale":
            return replace(budget, multi_scale=WORDS[text.lower()])
        case "random_backbone":
            return replace(budget, random_backbone=WORDS[text.lower()])
        case "auxiliary":
            return replace(budget, auxiliary=float(text))
        case "steps":
            return replace(budget, schedule=replace(budget.schedule, steps=int(text)))
        case "batch":
            return replace(budget, schedule=replace(budget.schedule, batch=int(text)))
        case "image_scale":
            return replace(budget, schedule=replace(budget.schedule, image_scale=float(text)))
        case "crop":
            return replace(budget, schedule=replace(budget.schedule, crop=float(text)))
    raise AssertionError(name)  # OPTIONS has names that are not read here
