"""The last screen of ``bench run``: what came out, where the report lies, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bench.cli.screen import fail, print_rows

if TYPE_CHECKING:
    from bench.run.config import RunConfig
    from bench.run.stages import RunResult


def show_result(config: RunConfig, result: RunResult) -> None:
    """Prints numbers, remarks, faults, places and the next commands."""
    _show_numbers(config)
    for line in result.notes:
        typer.echo(f"note: {line}")
    for line in result.skipped:
        typer.echo(f"skipped: {line}")
    for line in result.failed:
        fail(f"failed: {line}")
    done = ", ".join(f"{stage} {count}" for stage, count in result.computed.items())
    typer.echo(f"computed now: {done or 'nothing'}; {result.scores} rows in {config.out / 'scores.csv'}")
    typer.echo(f"report: {result.report}")
    for line in result.answers:
        typer.echo(line)
    typer.echo(f"next: bench open {config.out}   bench stats {config.out}   bench run --help")


def _show_numbers(config: RunConfig) -> None:
    """Means with intervals, and who is told from whom."""
    from bench.analysis.summary import summary_sections
    from bench.store.run_folder import Store

    for heading, rows in summary_sections(Store(config.out)):
        typer.echo(f"\n{heading}")
        if rows:
            print_rows(rows, list(dict.fromkeys(key for row in rows for key in row)))
    typer.echo()
