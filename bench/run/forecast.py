"""What the long work of a run will cost on this machine, measured on a few steps of each kind and said beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.plugin.kinds import METHODS, TASKS

if TYPE_CHECKING:
    from bench.plugin.task import Job
    from bench.run.units import TrainUnit


def forecast(trainings: Sequence[TrainUnit], jobs: Sequence[tuple[str, Job, int]], workers: int) -> Iterator[str]:
    """One text per training and per task that can tell; nothing is written.

    Args:
        trainings: still to be done.
        jobs: (task, one method's job, how many methods), of tasks still to be done; the job's images may be any of the
            right sizes, for its methods' are not made yet.
        workers: how many of each are done at a time, one thread each on a CPU.
    """
    with one_thread():
        for unit in trainings:
            cls: Any = METHODS.get(unit.name)
            if hasattr(cls, "estimate_cost"):
                yield _said(unit.method, cls.estimate_cost, unit.request())
        for task, job, count in jobs:
            text = _said(task, TASKS.get(task)().estimate_cost, job)
            if text:
                yield f"{text}; {count} methods, {workers} at a time"


def _said(who: str, estimate: Callable[[Any], str], what: Any) -> str:
    try:
        return estimate(what)
    except (BenchError, OSError) as error:  # what is wrong is said again, with its consequences, where the work is done
        return f"{who}: cost not known ({error})"


@contextmanager
def one_thread() -> Iterator[None]:
    """Workers compute with one thread each; so does what stands for them."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
