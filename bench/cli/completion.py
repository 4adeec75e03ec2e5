"""What the shell completes: names of methods, data sets, metrics, conventions, tasks and options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import typer

Completer = Callable[[str], list[str]]


def by_comma(names: Callable[[], Iterable[str]]) -> Completer:
    """Completes the last name of a comma list, leaving out those that are there."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        taken = set(before.split(","))
        return [f"{before}{comma}{name}" for name in names() if name.startswith(last) and name not in taken]

    return complete


def one_of(names: Callable[[], Iterable[str]]) -> Completer:
    """Completes one name."""
    return lambda incomplete: [name for name in names() if name.startswith(incomplete)]


def setting(name: str) -> Completer:
    """Completes the values of a setting that has a closed list of them."""

    def known() -> tuple[str, ...]:
        from typing import get_args

        from bench.run.config import RunConfig

        return get_args(RunConfig.model_fields[name].annotation)

    return one_of(known)


def labels(context: typer.Context, incomplete: str) -> list[str]:
    """The methods of the run whose folder is in the command line."""
    from bench.errors import BenchError
    from bench.store.run_folder import Store

    # an option that still lacks its value ends the parsing of the others, which stay behind as words
    for folder in filter(None, (context.params.get("run_dir"), *context.args)):
        with suppress(BenchError):
            return [name for name in Store(Path(folder)).read_manifest().methods if name.startswith(incomplete)]
    return []


def methods() -> Iterator[str]:
    """``all`` and every method; variants are no files of their own, so listing them would import every method."""
    from bench.plugin.kinds import METHODS

    yield "all"
    yield from METHODS.names()


def method_names() -> list[str]:
    """Every method."""
    return [name for name in methods() if name != "all"]


def plugins() -> list[str]:
    """Every method, and the kinds that other plug-ins are named after."""
    return [*method_names(), "metric", "task", "segmenter", "detector", "dataset"]


def whole_datasets() -> list[str]:
    """Every data set."""
    return [name for name in datasets() if ":" not in name]


def devices() -> list[str]:
    """Where networks may compute."""
    return ["auto", "cpu", "cuda"]


def datasets() -> Iterator[str]:
    """Every data set and its named parts."""
    from bench.data.spec import load_datasets

    for name, spec in load_datasets(None).items():
        yield name
        yield from (f"{name}:{subset}" for subset in spec.subsets)


def metrics() -> list[str]:
    """``all`` and every metric."""
    from bench.metrics.catalogue import METRICS

    return ["all", *METRICS]


def conventions() -> list[str]:
    """Every convention."""
    from bench.metrics.catalogue import CONVENTIONS

    return list(CONVENTIONS)


def tasks() -> list[str]:
    """Every task."""
    from bench.plugin.kinds import TASKS

    return ["metrics", *TASKS.names()]


def options() -> Iterator[str]:
    """``TASK.OPTION=`` of every task, and ``METHOD.trained_on=``."""
    from bench.errors import BenchError
    from bench.plugin.kinds import TASKS

    for name in TASKS.names():
        try:
            yield from (f"{name}.{option}=" for option in TASKS.get(name).options)
        except BenchError:  # a package of it is missing
            continue
    yield from (f"{name}.trained_on=" for name in method_names())


def presets() -> tuple[str, ...]:
    """Every preset."""
    from typing import get_args

    from bench.data.spec import PresetName

    return get_args(PresetName)
