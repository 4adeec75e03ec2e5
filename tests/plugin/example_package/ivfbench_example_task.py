"""Example task: how bright the fused test images are on average."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench.plugin.task import Number, Task
from bench.types import Score

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.plugin.task import Job


class BrightnessTask(Task):
    """Needs no truth; the direction can be turned for the test of it."""

    name = "brightness"
    title = "Brightness"
    about = "The mean level of the fused images, 0 to 255."
    truth = ""
    splits = ()
    runs = "named"
    numbers = (Number("level", os.environ.get("EXAMPLE_BETTER", "higher"), "Level", 1, headline=True),)  # type: ignore[arg-type]

    def check(self) -> None:
        """Needs nothing."""

    def run(self, job: Job) -> Iterable[Score]:
        """One number for the set."""
        levels = [float(fused.image.mean()) for part in job.parts.values() for fused in part]
        split = next(iter(job.parts))
        yield Score(self.name, job.dataset, split, job.method, "level", sum(levels) / len(levels))

    def fingerprint(self, job: Job) -> str:
        """It has no settings."""
        return "1"
