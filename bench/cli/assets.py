"""Commands for what a user downloads: data, weights, and doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import completion
from bench.cli.completion import one_of
from bench.cli.runs import DataRoot, DatasetsFile, WeightsRoot
from bench.cli.screen import fail, print_rows, progress
from bench.errors import BenchError

data = typer.Typer(no_args_is_help=True, help="Data sets on this machine.")
weights = typer.Typer(no_args_is_help=True, help="Weights on this machine.")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(data, name="data")
    app.add_typer(weights, name="weights")
    app.command()(doctor)


@data.command("list")
def data_list(data_root: DataRoot = None, datasets_file: DatasetsFile = None) -> None:
    """Say which data sets are here and how complete they are."""
    from bench.data.commands import status_rows as data_rows

    rows = data_rows(data_root, datasets_file)
    print_rows(
        [
            {
                "dataset": row.name,
                "on disk": ", ".join(f"{split} {found} of {listed}" for split, (found, listed) in row.counts.items()),
                "folder": row.folder or "not there",
                "how": row.how,
                "subsets": row.subsets,
                "licence": row.licence,
            }
            for row in rows
        ]
    )


@data.command("fetch")
def data_fetch(
    names: Annotated[list[str], typer.Argument(help="Data sets.", autocompletion=one_of(completion.whole_datasets))],
    data_root: DataRoot = None,
    datasets_file: DatasetsFile = None,
) -> None:
    """Download data sets that have a direct file; for the others print where they come from."""
    from bench.data.commands import fetch_dataset

    with progress() as listener:
        fetched = [fetch_dataset(name, data_root, datasets_file, listener) for name in names]
    for item in fetched:
        typer.echo(f"{item.name}: {f'{item.folder}: ' if item.folder else ''}{item.text}")
    raise typer.Exit(0 if all(item.folder for item in fetched) else 1)


@data.command("check")
def data_check(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Data sets; default: all that are here.", autocompletion=one_of(completion.whole_datasets)),
    ] = None,
    data_root: DataRoot = None,
    datasets_file: DatasetsFile = None,
) -> None:
    """Read every pair, name what is wrong, and say how far its two images are from lying on each other."""
    from bench.data.commands import check_dataset
    from bench.data.commands import status_rows as data_rows

    wanted = names or [row.name for row in data_rows(data_root, datasets_file) if row.folder]
    if not wanted:
        typer.echo("nothing to check: no data set is here; see bench data list, or give --data-root")
    with progress() as listener:
        reports = [check_dataset(name, data_root, datasets_file, listener) for name in wanted]
    print_rows([{"dataset": report.name, "listed": report.listed, "good": report.good} for report in reports])
    faults = [problem for report in reports for problem in report.problems if problem.fault]
    for problem in faults:
        fail(f"{problem.where}: {problem.text}")
    for remark in (remark for report in reports for remark in report.alignment):
        typer.echo(f"note: {remark.where}: {remark.text}")
    raise typer.Exit(1 if faults else 0)


@data.command("describe")
def data_describe(
    folder: Annotated[Path, typer.Argument(help="Folder of a data set, as it lies.")],
    out: Annotated[Path | None, typer.Option(help="FILE.yaml for --datasets-file; default: print it.")] = None,
) -> None:
    """Look at a folder and write its description, saying what is unsure."""
    from bench.data.describe import describe_folder
    from bench.files import write_atomic

    found = describe_folder(folder)
    if out is None:
        typer.echo(found.text())
        return
    write_atomic(out, found.text().encode())
    counts = ", ".join(f"{part} {count} pairs" for part, count in found.pairs.items())
    typer.echo(f"{found.name}: {counts}")
    for sentence in found.unsure:
        typer.echo(f"unsure: {sentence}")
    typer.echo(f"bench run --datasets {found.name} --datasets-file {out} --data-root {found.top.parent}")


@weights.command("list")
def weights_list(weights_root: WeightsRoot = None) -> None:
    """Say which weights are here, where from, and whether they are the published files."""
    from bench.weights.commands import status_rows

    print_rows(status_rows(weights_root))


@weights.command("fetch")
def weights_fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Methods; default: all.", autocompletion=one_of(completion.method_names)),
    ] = None,
    weights_root: WeightsRoot = None,
) -> None:
    """Download published weights and check them."""
    from bench.weights.commands import fetch

    for line in fetch(names or [], weights_root):
        typer.echo(line)


@weights.command("import")
def weights_import(
    path: Annotated[Path, typer.Argument(help="Folder with <Method>/<file> as published, or one file of weights.")],
    method: Annotated[
        str,
        typer.Option(
            help="Whose the file is, where its tensors fit several.", autocompletion=one_of(completion.method_names)
        ),
    ] = "",
) -> None:
    """Convert weights that are already on disk and keep the result; a file is recognised by its tensors."""
    from bench.weights.commands import import_folder
    from bench.weights.recognise import import_file

    if method and path.is_dir():
        raise BenchError(f"--method {method} is for one file; a folder's files are known by their names, leave it out")
    for line in import_folder(path) if path.is_dir() else import_file(path, method):
        typer.echo(line)


def doctor(
    data_root: DataRoot = None,
    weights_root: WeightsRoot = None,
    datasets_file: DatasetsFile = None,
    warm: Annotated[bool, typer.Option("--warm", help="Compile now what runs would compile.")] = False,
    gpu: Annotated[bool, typer.Option("--gpu", help="Time training steps on the GPU, and whether they wait.")] = False,
) -> None:
    """Say what is installed, found and missing, and how to mend it."""
    from bench.cli.doctor import examine, examine_gpu

    if gpu:
        raise typer.Exit(0 if examine_gpu(typer.echo) else 1)
    if warm:
        from bench.fusion import winograd
        from bench.metrics.choice import compile_kernels
        from bench.plugin.kinds import TASKS

        compile_kernels(typer.echo)
        winograd.compile_kernels()
        for name in TASKS.names():
            TASKS.get(name)().warm()
    rows, healthy = examine(data_root, weights_root, datasets_file)
    print_rows(rows)
    raise typer.Exit(0 if healthy else 1)
