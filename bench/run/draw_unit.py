"""Units of work of the statements: the draws of one method's set-level numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.analysis.pairwise import Settings
from bench.analysis.set_draws import DRAWS, TaskWork, task_work
from bench.data.spec import recorded_spec
from bench.machine import count_cores
from bench.plugin.kinds import TASKS
from bench.run.executors import Executor, InlineExecutor, LocalExecutor
from bench.run.units import Unit
from bench.store.run_folder import Store

MUCH = 1500
"""Methods times images whose draws repay processes of their own; each takes a millisecond or two."""


@dataclass(frozen=True)
class DrawUnit(Unit):
    """All parts of the images of one task, data set and method; kept in the run folder."""

    task: TaskWork
    settings: Settings

    def run(self) -> None:
        """Draws, unless that is done."""
        self.task.draws(self.method, self.settings)

    def give_up(self, reason: str) -> list[Unit]:  # noqa: ARG002 - a Unit
        """Nothing is kept; who shows the numbers draws once more and says what is wrong."""
        return []


def draw_units(store: Store, settings: Settings = DRAWS) -> list[DrawUnit]:
    """What is to be drawn of the tasks of a run, as far as it is not kept.

    Raises:
        BenchError: no finished run.
    """
    known, scores = store.read_manifest().datasets, store.read_scores()
    units = []
    for task, dataset in dict.fromkeys(zip(scores["task"], scores["dataset"], strict=True)):
        if task in TASKS.names() and dataset in known:
            work = task_work(store, task, dataset, recorded_spec(known[dataset].model_dump()))
            lacking = work.lacking(settings)
            units += [DrawUnit(store.root, dataset, name, None, 0.0, work.of(name), settings) for name in lacking]
    return units


def draw_executor(units: Sequence[DrawUnit], jobs: int, wanted: Executor | None = None) -> Executor:
    """Where the draws are made: in this process where others would cost more than they save."""
    much = sum(len(unit.task.files) for unit in units) >= MUCH
    return (wanted or LocalExecutor()) if much and jobs > 1 else InlineExecutor()


def draw_ahead(store: Store, settings: Settings, jobs: int, listener: Callable[[str, int, int], None]) -> None:
    """Makes and keeps the draws that are lacking, on worker processes.

    Args:
        store: a run.
        settings: of the draws.
        jobs: worker processes; 0: one a core.
        listener: told (``draw``, methods done, methods in all).

    Raises:
        BenchError: no finished run.
    """
    units, done = draw_units(store, settings), 0
    if not units:
        return

    def note(unit: Unit, failed: bool) -> None:  # noqa: ARG001 - a callback of the executors
        nonlocal done
        done += 1
        listener("draw", done, len(units))

    listener("draw", 0, len(units))
    workers = min(jobs or count_cores(), len(units))
    draw_executor(units, workers).run(units, workers, 1, note)
