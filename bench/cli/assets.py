"""Commands for what a user downloads: data, weights, and doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.runs import DataRoot, DatasetsFile, WeightsRoot
from bench.cli.screen import fail, print_rows

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
    from bench.assets import data_rows

    print_rows(data_rows(data_root, datasets_file))


@data.command("fetch")
def data_fetch(
    names: Annotated[list[str], typer.Argument(help="Data sets.")],
    data_root: DataRoot = None,
    datasets_file: DatasetsFile = None,
) -> None:
    """Download data sets that have a direct file; for the others print where they come from."""
    from bench.assets import fetch_data

    for line in fetch_data(names, data_root, datasets_file):
        typer.echo(line)


@data.command("check")
def data_check(
    names: Annotated[list[str] | None, typer.Argument(help="Data sets; default: all that are here.")] = None,
    data_root: DataRoot = None,
    datasets_file: DatasetsFile = None,
) -> None:
    """Read every pair and name what is wrong."""
    from bench.assets import check_data

    rows, problems = check_data(names or [], data_root, datasets_file)
    print_rows(rows)
    for line in problems:
        fail(line)
    raise typer.Exit(1 if problems else 0)


@weights.command("list")
def weights_list(weights_root: WeightsRoot = None) -> None:
    """Say which weights are here, where from, and whether they are the published files."""
    from bench.weights import status_rows

    print_rows(status_rows(weights_root))


@weights.command("fetch")
def weights_fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Methods; default: all.")] = None,
    weights_root: WeightsRoot = None,
) -> None:
    """Download published weights and check them."""
    from bench.weights import fetch

    for line in fetch(names or [], weights_root):
        typer.echo(line)


@weights.command("import")
def weights_import(folder: Annotated[Path, typer.Argument(help="Folder with <Method>/<file> as published.")]) -> None:
    """Convert published files that are already on disk and keep the result."""
    from bench.weights import import_folder

    for line in import_folder(folder):
        typer.echo(line)


def doctor(data_root: DataRoot = None, weights_root: WeightsRoot = None) -> None:
    """Say what is installed, found and missing, and how to mend it."""
    from bench.doctor import examine

    rows, healthy = examine(data_root, weights_root)
    print_rows(rows)
    raise typer.Exit(0 if healthy else 1)
