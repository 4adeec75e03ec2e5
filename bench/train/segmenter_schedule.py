"""How long and how a segmenter learns; the numbers alone, without PyTorch.

The defaults are those of the SeAFusion authors' released code, which follows the PyTorch BiSeNet of CoinCheung.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bench.train.batches import polynomial_rate


@dataclass(frozen=True, slots=True)
class SegmenterSchedule:
    """How long and how a segmenter learns.

    Attributes:
        steps: optimiser steps of the whole schedule; the rate falls to zero over them.
        batch: images per step.
        image_scale: images are shrunk to this share of their size first (1 in the published protocol).
        crop: share of an image's height and width that a step sees (1 in the published protocol).
        optimiser: ``sgd`` (published) or ``adamw``, which gets somewhere in a few hundred steps from random weights.
        rate: the peak learning rate of all but the heads.
        warmup: share of the steps in which the rate rises exponentially from ``warmup_from``; 0 starts at the peak.
        warmup_from: learning rate of the first step.
        power: of the polynomial decay.
        momentum: of SGD.
        weight_decay: of convolution weights.
        scales: one is drawn per image before it is cropped.
        jitter: brightness, contrast and saturation are multiplied by factors from 1 - jitter to 1 + jitter.
        shuffle: False takes the images in order, as the released code does.
        hard_pixels: the loss is the mean over the hard pixels (OHEM), else over all that are not ignored.
        fast_heads: heads have ten times the rate of the rest, else the same.
        balance: of ``segmenter_loss.class_weights``; the loss is then over all pixels; 0 weighs all classes alike.
    """

    steps: int
    batch: int
    image_scale: float = 1.0
    crop: float = 1.0
    optimiser: Literal["sgd", "adamw"] = "sgd"
    rate: float = 1e-2
    warmup: float = 1000 / 80000
    warmup_from: float = 1e-5
    power: float = 0.9
    momentum: float = 0.9
    weight_decay: float = 5e-4
    scales: tuple[float, ...] = (0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
    jitter: float = 0.5
    shuffle: bool = True
    hard_pixels: bool = True
    fast_heads: bool = True
    balance: float = 0.0

    def learning_rate(self, step: int) -> float:
        """The rate of a step, from 0; 0 after the last."""
        warmup_steps = self.warmup * self.steps
        if step <= warmup_steps:
            share = step / warmup_steps if warmup_steps else 1.0
            return self.warmup_from * (self.rate / self.warmup_from) ** share
        left = self.steps - warmup_steps
        return polynomial_rate(self.rate, (step - warmup_steps) / left if left > 0 else 1.0, self.power)


def short_schedule(
    steps: int, batch: int, image_scale: float = 1.0, crop: float = 1.0, shuffle: bool = True
) -> SegmenterSchedule:
    """A schedule of a few hundred steps from random weights.

    In so few, the published SGD and its strong augmentation find nothing but the background; AdamW and weaker
    augmentation find most classes.
    """
    scales = (0.75, 1.0, 1.25) if crop < 1 else (1.0, 1.25, 1.5)
    return SegmenterSchedule(
        steps, batch, image_scale, crop, optimiser="adamw", rate=1e-3, warmup=0.05, warmup_from=1e-4, scales=scales,
        jitter=0.2, shuffle=shuffle,
    )  # fmt: skip


def light_schedule(
    steps: int, batch: int, image_scale: float = 1.0, crop: float = 1.0, shuffle: bool = True
) -> SegmenterSchedule:
    """Of a small network that learns for half a minute on one core: a higher rate, and rare classes weigh more.

    Images are enlarged less than elsewhere: so short a training learns the sizes that it is asked for.
    """
    schedule = short_schedule(steps, batch, image_scale, crop, shuffle)
    return replace(schedule, rate=4e-3, warmup_from=2e-4, balance=1.1, scales=(1.0, 1.25))
