"""Training, for fusion methods and segmenters alike: the resumable loop, seeded batches, losses, logs, image stacks.

PyTorch is imported with the loop alone: a run reads schedules of trainings when it is planned, and must answer at once
where all is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.train.batches import Batches, polynomial_rate, set_learning_rate, step_generator
from bench.train.log import TrainingLog

if TYPE_CHECKING:
    from bench.train.loop import Phase, State, TrainingStopped, completed, run_phases, write_record

__all__ = [
    "Batches",
    "Phase",
    "State",
    "TrainingLog",
    "TrainingStopped",
    "completed",
    "polynomial_rate",
    "run_phases",
    "set_learning_rate",
    "step_generator",
    "write_record",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from bench.train import loop

        return getattr(loop, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
