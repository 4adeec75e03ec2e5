"""Can the request be met? Asked before any work is done: what cannot be evaluated at all is refused at once."""

from __future__ import annotations

from collections.abc import Sequence

from bench.errors import BenchError
from bench.plugin.kinds import TASKS
from bench.plugin.task import Task
from bench.run.config import RunConfig
from bench.run.plan import METRICS, DatasetPlan


def check_tasks(config: RunConfig, datasets: Sequence[DatasetPlan]) -> tuple[str, ...]:
    """Looks at every task that was asked for by name.

    Args:
        config: the request.
        datasets: as they were found.

    Returns:
        Remarks on data sets that a task passes over, for others have what it needs.

    Raises:
        BenchError: no data set has what a task compares with.
    """
    notes: list[str] = []
    for name in dict.fromkeys(config.tasks):
        if name == METRICS or config.rerun == "none":
            continue
        runner = TASKS.get(name)()
        lacking = {data.name: why for data in datasets if (why := _lacks(runner, data, config.options_of(name)))}
        if len(lacking) == len(datasets):
            seen = "; ".join(f"{data} {why}" for data, why in lacking.items())
            raise BenchError(f"--tasks {name}: {seen}; see bench data check, or choose another data set")
        notes += [f"{name} passes {data} over: it {why}" for data, why in lacking.items()]
    return tuple(notes)


def check_ready(config: RunConfig) -> None:
    """Packages and files that the named tasks need.

    Raises:
        BenchError: one is missing; says how to get it.
    """
    for name in dict.fromkeys(config.tasks):
        if name != METRICS and config.rerun != "none":
            runner = TASKS.get(name)()
            runner.check()
            runner.ready(config.options_of(name), config.weights_root)


def _lacks(runner: Task, data: DatasetPlan, options: dict[str, str]) -> str:
    """What keeps a task from a data set, in words; empty if nothing."""
    if missing := runner.lacks(data.spec):
        return missing
    for role, part in data.roles(type(runner), runner.splits_for(options)).items():
        if not any(runner.has_truth(files) for files in part):
            return f"has no {runner.truth} on disk for {role}"
    return ""
