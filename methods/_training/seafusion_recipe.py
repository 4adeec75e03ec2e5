"""What SeAFusion's training is made of: recipes, presets, ablations and options, and the plan they come to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.plugin.method import TrainRequest
from bench.plugin.settings import COUNT, POSITIVE, SHARE, Limits, read_number, refuse_unknown
from bench.train.precision import pick_precision
from bench.train.segmenter_schedule import SegmenterSchedule, light_schedule, short_schedule
from bench.train.sets import class_names, set_digest
from bench.weights.backbones import backbone_digest


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every number of the training.

    Attributes:
        rounds: M, how often fusion network and segmenter take turns.
        fusion_steps: p, optimiser steps of the fusion network per round.
        fusion_epochs: if not 0, p is this many epochs instead.
        segmenter_steps: q, optimiser steps of the segmenter per round.
        fusion_batch: pairs per fusion step.
        segmenter_batch: images per segmenter step.
        fusion_rate: Adam's learning rate.
        fusion_decay: the rate of the first tenth of a round is ``fusion_rate / fusion_decay``; every further tenth
            multiplies it by this. 1 keeps it constant.
        fusion_warm_up: steps of a new fusion network in which its rate rises evenly from nothing; 0 starts in full.
        mean_start: a new fusion network starts at the mean of the brighter source, else at grey as PyTorch draws it.
        betas: of Adam.
        fusion_weight_decay: of Adam.
        alpha: weight of the texture loss.
        gamma: growth of the semantic weight per round.
        fusion_auxiliary: lambda in the semantic loss of the fusion network.
        segmenter_auxiliary: weight of the auxiliary output when the segmenter itself is trained.
        fresh_network: every round starts from a new fusion network and optimiser; only the segmenter carries over.
        stretch_batch: images for the segmenter are stretched over batches of this size; 1 is per image, as published.
        shuffle: order of the segmenter's training images.
        hard_pixels: cross-entropies are over the hard pixels (OHEM), else over all.
        train_sobel: the gradient kernels of the fusion network are trained, else they stay Sobel's.
        warm_up: share of the segmenter's steps in which its rate rises to the peak; 0 starts there.
        fast_heads: the segmenter's heads have ten times the rate of the rest.
        short_schedule: the segmenter learns by ``bench.train.segmenter_step.short_schedule``, which has a warm-up and
            fast heads of its own.
        light_schedule: it learns by ``bench.train.segmenter_step.light_schedule`` instead.
        random_backbone: the segmenter may start from random weights where ImageNet's are not at hand.
        image_scale: images are shrunk to this share of their size.
        crop: share of an image's height and width that a step of the fusion network sees; 1 is whole images.
        segmenter_crop: the same of the segmenter's steps.
    """

    rounds: int = 4
    fusion_steps: int = 2700
    fusion_epochs: int = 0
    segmenter_steps: int = 20_000
    fusion_batch: int = 8
    segmenter_batch: int = 16
    fusion_rate: float = 1e-3
    fusion_decay: float = 1.0
    fusion_warm_up: int = 0
    mean_start: bool = False
    betas: tuple[float, float] = (0.9, 0.99)
    fusion_weight_decay: float = 2e-4
    alpha: float = 10.0
    gamma: float = 1.0
    fusion_auxiliary: float = 0.1
    segmenter_auxiliary: float = 0.1
    fresh_network: bool = False
    stretch_batch: int = 1
    shuffle: bool = True
    hard_pixels: bool = False
    train_sobel: bool = False
    warm_up: float = 0.0
    fast_heads: bool = False
    short_schedule: bool = False
    light_schedule: bool = False
    random_backbone: bool = False
    image_scale: float = 1.0
    crop: float = 1.0
    segmenter_crop: float = 1.0


RECIPES: dict[str, Recipe] = {
    # what the paper's text says; docs/training.md lists what it leaves open
    "paper": Recipe(),
    # what the released train.py does: new network per round, 10 epochs (of 135 steps) with decay, Adam's defaults,
    # 0.75 for the segmenter's auxiliary output, stretch over the whole batch, images in order, OHEM, trained gradient
    # kernels, 1000 of 80,000 steps of warm-up, heads ten times as fast
    "released": Recipe(
        fusion_steps=1350, fusion_decay=0.75, betas=(0.9, 0.999), fusion_weight_decay=0.0,
        segmenter_auxiliary=0.75, fresh_network=True, stretch_batch=16, shuffle=False, hard_pixels=True,
        train_sobel=True, warm_up=1000 / 80_000, fast_heads=True,
    ),
}  # fmt: skip
"""``paper`` is the default."""

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "quick": {
        "rounds": 3, "fusion_steps": 100, "fusion_epochs": 0, "segmenter_steps": 150, "fusion_batch": 4,
        "segmenter_batch": 4, "short_schedule": True, "crop": 0.5, "segmenter_crop": 0.5, "random_backbone": True,
        # at the paper's weights, which are for some thousand steps, half of the seeds hardly learn brightness in these
        # 300, so the texture counts as much as the intensity, and the semantic loss keeps its share of the texture's
        "alpha": 1.0, "gamma": 0.1,
        "mean_start": True, "fusion_warm_up": 10,
    },
    "smoke": {
        # a schedule of its own: a texture loss is several times an intensity loss, and most of it is sensor noise that
        # no image can match; at the paper's weight people are still dark after 500 steps, at 1 after 240 of some seeds
        "rounds": 2, "fusion_steps": 120, "fusion_epochs": 0, "segmenter_steps": 60, "fusion_batch": 2,
        "segmenter_batch": 4, "light_schedule": True, "image_scale": 0.5, "crop": 0.5,
        "random_backbone": True, "fusion_rate": 1.5e-3, "fusion_decay": 0.85, "alpha": 0.2, "gamma": 0.1,
        # a network that starts at grey may run past the dark of a night scene in its first fast steps, to where every
        # pixel is black and hardly learns: one seed in 24 lost a round so, none of 39 since
        "mean_start": True, "fusion_warm_up": 10,
    },
}  # fmt: skip
"""What a preset changes in a recipe; ``paper`` changes nothing."""

SEGMENTERS = {"paper": "banet", "quick": "banet", "smoke": "unet"}
"""That the fusion network learns with, by preset."""

ABLATIONS: dict[str, str] = {
    "full": "fusion network and segmenter in turns, round by round",
    "no_semantic_loss": "content loss alone; no segmenter is trained",
    "no_gradient_stream": "blocks without their gradient streams",
    "pretrained_infrared": "the segmenter is first trained on infrared images, then stays as it is",
    "pretrained_visible": "the segmenter is first trained on visible images, then stays as it is",
    "one_stage": "fusion network and segmenter learn in the same step, the semantic weight being gamma throughout",
}
"""The paper's ablations and training strategies."""

OPTIONS = frozenset({"segmenter", "compile", "classes", *(field.name for field in fields(Recipe))})


LIMITS = {
    **dict.fromkeys(("rounds", "fusion_steps", "segmenter_steps", "fusion_batch", "stretch_batch"), COUNT),
    "fusion_epochs": Limits(), "segmenter_batch": Limits(2),  # batch norm needs two
    **dict.fromkeys(("fusion_rate", "fusion_decay"), POSITIVE), "fusion_weight_decay": Limits(),
    "fusion_warm_up": Limits(),
    **dict.fromkeys(("alpha", "gamma", "fusion_auxiliary", "segmenter_auxiliary"), Limits()), "warm_up": Limits(0, 1),
    **dict.fromkeys(("image_scale", "crop", "segmenter_crop"), SHARE),
}  # fmt: skip
"""Of the recipe's numbers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A request made concrete."""

    request: TrainRequest
    recipe: Recipe
    ablation: str
    segmenter: str
    precision: str
    compile: bool
    classes: int

    def signature(self, backbone: Path | None) -> dict[str, Any]:
        """All that the result depends on."""
        return {
            "method": "seafusion", "recipe": asdict(self.recipe), "ablation": self.ablation,
            "segmenter": self.segmenter, "classes": self.classes, "precision": self.precision,
            "seed": self.request.seed, "dataset": self.request.dataset, "pairs": set_digest(self.request.pairs),
            "backbone": backbone_digest(backbone),
        }  # fmt: skip

    @property
    def trains_segmenter(self) -> bool:
        """False where the segmenter has no say at all."""
        return self.ablation != "no_semantic_loss"


def make_plan(request: TrainRequest) -> Plan:
    """Chooses recipe, preset, ablation and options.

    Raises:
        BenchError: one of them is unknown or not a number of the wanted kind.
    """
    name = request.recipe or "paper"
    if name not in RECIPES:
        raise BenchError(f"seafusion: recipe {name!r} is not known, wanted one of {', '.join(RECIPES)}")
    ablation = request.ablation or "full"
    if ablation not in ABLATIONS:
        raise BenchError(f"seafusion: ablation {ablation!r} is not known, wanted one of {', '.join(ABLATIONS)}")
    options = dict(request.options)
    refuse_unknown("seafusion", options, OPTIONS)
    recipe = _with_options(replace(RECIPES[name], **PRESETS[request.preset]), options)
    if recipe.fusion_epochs:
        per_epoch = max(1, len(request.pairs) // recipe.fusion_batch)
        recipe = replace(recipe, fusion_steps=recipe.fusion_epochs * per_epoch)
    return Plan(
        request=request,
        recipe=recipe,
        ablation=ablation,
        segmenter=options.get("segmenter", SEGMENTERS[request.preset]),
        precision=pick_precision(request.precision, request.device),
        compile=options.get("compile", "false").lower() in ("1", "true", "yes", "on"),
        classes=_count_classes(request, ablation, options),
    )


def _count_classes(request: TrainRequest, ablation: str, options: Mapping[str, str]) -> int:
    if ablation == "no_semantic_loss":  # needs no labels, so any data set will do
        return 0
    if "classes" not in options:
        return len(class_names(request))
    if not options["classes"].isdecimal() or not int(options["classes"]):
        raise BenchError(f"seafusion: option classes={options['classes']!r}, wanted a number of classes above 0")
    return int(options["classes"])


def _with_options(recipe: Recipe, options: Mapping[str, str]) -> Recipe:
    changed: dict[str, Any] = {}
    for field in fields(Recipe):
        if field.name not in options:
            continue
        text, kind = options[field.name], type(getattr(recipe, field.name))
        option = f"seafusion: option {field.name}"
        if kind is bool:
            if text.lower() not in ("true", "false"):
                raise BenchError(f"{option} is {text!r}, wanted true or false")
            changed[field.name] = text.lower() == "true"
        elif kind is tuple:
            changed[field.name] = _betas(option, text)
        else:
            changed[field.name] = read_number(option, text, kind, LIMITS[field.name])
    return replace(recipe, **changed)


def _betas(option: str, text: str) -> tuple[float, float]:
    first, colon, second = text.partition(":")
    try:
        found = float(first), float(second)
    except ValueError:
        found = (math.nan, math.nan)
    if not colon or not all(0 <= beta < 1 for beta in found):
        raise BenchError(f"{option} is {text!r}, wanted two numbers from 0 to below 1, e.g. 0.9:0.999")
    return found


def make_schedule(recipe: Recipe, steps: int) -> SegmenterSchedule:
    """The segmenter's schedule over all rounds.

    Args:
        recipe: its numbers.
        steps: of the segmenter in all.
    """
    sizes: dict[str, Any] = {
        "steps": max(1, steps), "batch": recipe.segmenter_batch, "image_scale": recipe.image_scale,
        "crop": recipe.segmenter_crop, "shuffle": recipe.shuffle,
    }  # fmt: skip
    if recipe.light_schedule or recipe.short_schedule:
        short = light_schedule if recipe.light_schedule else short_schedule
        return replace(short(**sizes), hard_pixels=recipe.hard_pixels)
    return SegmenterSchedule(
        **sizes, warmup=recipe.warm_up, fast_heads=recipe.fast_heads, hard_pixels=recipe.hard_pixels
    )
