"""How much a detector may learn on a method's images, per preset; every method gets exactly the same."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.train.batches import polynomial_rate


@dataclass(frozen=True, slots=True)
class TuningSchedule:
    """One training.

    Attributes:
        steps: of the optimiser, AdamW; 0 leaves it to ``epochs``.
        epochs: over the training images.
        batch: images per step.
        size: images are shrunk so that their longer side has at most this many pixels, as for detection.
        crop: a step sees a window of this share of each image's height and width.
        aimed: share of the windows that hold the middle of an object of their image, where it has one; the others lie
            anywhere.
        rate: the peak learning rate, reached after ``warmup`` of the steps; it falls to 0 in a straight line.
        warmup: share of the steps.
        weight_decay: of convolution weights.
        zoom: each image is enlarged by a factor between these two first.
        jitter: brightness, contrast and saturation are multiplied by factors from 1 - jitter to 1 + jitter.
        clip: the norm of the gradient is cut to this.
        seeds: how many trainings.
    """

    steps: int
    epochs: int
    batch: int
    size: int = 640
    crop: float = 1.0
    aimed: float = 0.0
    rate: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 5e-4
    zoom: tuple[float, float] = (0.7, 1.4)
    jitter: float = 0.3
    clip: float = 10.0
    seeds: int = 1

    def total(self, images: int) -> int:
        """Steps of the whole training."""
        return self.steps or max(1, math.ceil(self.epochs * images / self.batch))

    def learning_rate(self, step: int, total: int) -> float:
        """The rate of a step, from 0."""
        rising = self.warmup * total
        if step < rising:
            return self.rate * (step + 1) / (rising + 1)
        return polynomial_rate(self.rate, (step - rising) / (total - rising), 1.0)


SCHEDULES: dict[str, TuningSchedule] = {
    "paper": TuningSchedule(steps=0, epochs=100, batch=16, seeds=3),
    # about a minute of one CPU core per training, on images of 320x240: a quarter of each image per step
    "quick": TuningSchedule(steps=500, epochs=0, batch=4, rate=2e-3, crop=0.5, aimed=0.8, seeds=2),
    "smoke": TuningSchedule(steps=20, epochs=0, batch=4, rate=2e-3, crop=0.5),
}
