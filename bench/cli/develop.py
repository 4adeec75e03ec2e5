"""Commands for those who add to the benchmark: list, check, new."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bench.cli import completion
from bench.cli.completion import one_of
from bench.cli.runs import DatasetsFile, WeightsRoot
from bench.cli.screen import fail, print_records, print_rows, typed
from bench.errors import BenchError

Kind = Literal["methods", "datasets", "metrics", "conventions", "tasks"]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("list")(list_)
    app.command()(check)
    app.command()(new)


def list_(
    context: typer.Context,
    kind: Annotated[Kind, typer.Argument(help="methods, datasets, metrics, conventions or tasks.")],
    long: Annotated[bool, typer.Option("--long", "-l", help="Definitions, sources and known defects.")] = False,
    datasets_file: DatasetsFile = None,
) -> None:
    """List what there is."""
    if kind != "datasets" and typed(context, "datasets_file"):
        raise BenchError(f"--datasets-file is for bench list datasets, not for {kind}; leave it out")
    listers: dict[str, Callable[[bool], list[dict[str, Any]]]] = {
        "methods": _methods,
        "datasets": partial(_datasets, datasets_file),
        "metrics": _metrics,
        "conventions": _conventions,
        "tasks": _tasks,
    }
    (print_records if long else print_rows)(listers[kind](long))


def _methods(long: bool) -> list[dict[str, Any]]:
    from bench.plugin.kinds import METHODS

    rows = [{"method": n, "about": METHODS.summary(n), "origin": METHODS.entry(n).origin} for n in METHODS.names()]
    if not long:
        return rows
    return [row for short in rows for row in _method_records(short)]


def _method_records(row: dict[str, Any]) -> list[dict[str, Any]]:
    """A method and its variants in full, or why it cannot be imported."""
    from bench.plugin.kinds import METHODS
    from bench.plugin.proof import in_words

    try:
        names = [row["method"], *METHODS.variants(row["method"])]
        infos = [METHODS.get(name).info for name in names]
    except BenchError as error:
        return [{**row, "about": str(error)}]
    return [
        {
            **row, "method": name, "title": info.title, "year": info.year, "paper": info.paper, "kind": info.kind,
            "licence": info.licence, "trained on": info.learned_from,
            "proof": in_words(info.proof) if info.proof else "none", "notes": info.notes,
        }
        for name, info in zip(names, infos, strict=True)
    ]  # fmt: skip


def _tasks(long: bool) -> list[dict[str, Any]]:
    from bench.plugin.kinds import TASKS

    rows = [
        {"task": "metrics", "about": "The metrics of the chosen conventions, per pair."},
    ]
    rows += [{"task": name, "about": TASKS.summary(name)} for name in TASKS.names()]
    return [rows[0], *(_task_record(row) for row in rows[1:])] if long else rows


def _task_record(row: dict[str, Any]) -> dict[str, Any]:
    """A task in full, or why it cannot be imported."""
    from bench.plugin.kinds import TASKS

    try:
        cls = TASKS.get(row["task"])
    except BenchError as error:
        return {**row, "about": str(error)}
    return {
        **row, "about": cls.about or row["about"], "compares with": cls.truth or "nothing",
        "parts": ", ".join(cls.splits) or "the part that is scored", "runs": cls.runs,
        "numbers": ", ".join(f"{number.metric} ({number.better} is better)" if number.better else number.metric
                             for number in cls.numbers),
        "ways": "; ".join(f"{name}: {text}" for name, text in cls.ways.items()),
    }  # fmt: skip


def _datasets(datasets_file: Path | None, long: bool) -> list[dict[str, Any]]:
    from bench.data.spec import load_datasets

    rows = []
    for name, spec in load_datasets(datasets_file).items():
        row = {"dataset": name, "title": spec.title, "subsets": ", ".join(spec.subsets), "licence": spec.licence}
        rows.append({**row, "homepage": spec.homepage, "how to get it": spec.instructions} if long else row)
    return rows


def _metrics(long: bool) -> list[dict[str, Any]]:
    from bench.metrics.catalogue import metric_rows

    return metric_rows(long)


def _conventions(long: bool) -> list[dict[str, Any]]:
    from bench.metrics.catalogue import convention_rows

    return convention_rows(long)


def check(
    name: Annotated[
        str,
        typer.Argument(
            help="A method as in bench list methods; or KIND NAME.", autocompletion=one_of(completion.plugins)
        ),
    ],
    other: Annotated[
        str, typer.Argument(metavar="[NAME]", help="After metric, task, segmenter, detector or dataset.")
    ] = "",
    weights_root: WeightsRoot = None,
) -> None:
    """Run the contract tests on one plug-in, one sentence per broken promise; methods also with their weights."""
    from bench.fusion.check_kinds import check as check_plugin

    kind, wanted = (name, other) if other else ("method", name)
    broken = check_plugin(kind, wanted, weights_root)
    for sentence in broken:
        fail(sentence)
    typer.echo(f"{wanted}: {'keeps the contract' if not broken else f'{len(broken)} promises broken'}")
    raise typer.Exit(1 if broken else 0)


def new(
    context: typer.Context,
    kind: Annotated[Literal["method", "metric", "task", "package"], typer.Argument(help="What to write.")],
    name: Annotated[str, typer.Argument(help="Lower case, the paper's own name.")],
    form: Annotated[
        Literal["classical", "learned", "external"],
        typer.Option("--kind", help="Of a method: learned has network, training and weights, external is a program."),
    ] = "classical",
    folder: Annotated[
        Path | None,
        typer.Option(help="A checkout, or where your package of plug-ins is; default: here."),
    ] = None,
) -> None:
    """Write a plug-in that works as it is, and its test."""
    from bench.plugin.scaffold import new_plugin

    asked = context.get_parameter_source("form")
    if kind != "method" and asked is not None and asked.name == "COMMANDLINE":
        raise BenchError(f"--kind is for bench new method, not for {kind}; leave it out")
    written = new_plugin(kind, name, folder, form)
    for path in written.files:
        typer.echo(f"wrote {path}")
    typer.echo(f"next: {'; '.join(written.next)}")
