"""``bench audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import completion
from bench.cli.completion import by_comma, one_of
from bench.cli.runs import Jobs
from bench.cli.screen import names, print_rows, progress


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(audit)


def audit(
    run_dir: Annotated[Path, typer.Argument(help="The --out of a bench run.")],
    convention: Annotated[
        str,
        typer.Option(
            help="Of the metrics; default: the first of the run.", autocompletion=one_of(completion.conventions)
        ),
    ] = "",
    metrics: Annotated[
        str, typer.Option(help="By comma; default: all in the run.", autocompletion=by_comma(completion.metrics))
    ] = "",
    pairs: Annotated[int, typer.Option(min=1, help="How many pairs of each data set are tricked.")] = 12,
    opinions: Annotated[
        Path | None, typer.Option(help="People's scores, CSV: pair, method, score; they judge instead of a task.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    jobs: Jobs = 0,
) -> None:
    """Say which metrics follow a task, can be gamed, repeat each other, or hang on the choice of pairs."""
    from bench.analysis.audit import audit_rows
    from bench.run.audit_command import Wanted, audit_command
    from reports import build_report

    wanted = Wanted(convention, names(metrics), pairs, opinions, seed=seed, jobs=jobs)
    with progress() as listener:
        found = audit_command(run_dir, wanted, listener)
    for each in found:
        judge = f"held against {each.judge}" if each.judge else "no task of this run says which method is best"
        typer.echo(
            f"\n{each.dataset} ({each.convention}): {len(each.methods)} methods, {each.pairs} pairs, {each.tricked} of "
            f"them tricked; {judge}"
        )
        print_rows(audit_rows(each.metrics))
        for metric in each.metrics:
            typer.echo(metric.verdict)
    typer.echo(f"report: {build_report(run_dir, jobs=jobs)}")
