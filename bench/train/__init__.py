"""Training, for fusion methods and segmenters alike: the resumable loop, seeded batches, losses, logs, image stacks."""

from __future__ import annotations

from bench.train.batches import Batches, polynomial_rate, set_learning_rate, step_generator
from bench.train.log import TrainingLog
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
