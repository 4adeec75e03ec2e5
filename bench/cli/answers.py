"""Commands about what numbers mean: selftest, identify, convert."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import completion
from bench.cli.completion import one_of
from bench.cli.screen import fail, print_rows


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(selftest)
    app.command()(identify)
    app.command()(convert)


def selftest() -> None:
    """Prove the metrics on images whose values are known exactly; needs no data."""
    import time

    from bench.metrics.known_answers.proof import prove, summary_rows

    start = time.perf_counter()
    proof = prove()
    print_rows(summary_rows(proof))
    for line in proof.refuted:
        fail(line)
    typer.echo(f"{proof.wrong_kept_out} of {proof.wrong} published wrong answers did not come out")
    missed = f", {len(proof.refuted)} refuted" if proof.refuted else ""
    typer.echo(f"proved {proof.count} known answers{missed} in {time.perf_counter() - start:.1f} s")
    raise typer.Exit(1 if proof.refuted else 0)


def identify(
    fused: Annotated[Path, typer.Option(help="Fused images; a folder per method where the table holds several.")],
    ir: Annotated[Path, typer.Option(help="Infrared images.")],
    vis: Annotated[Path, typer.Option(help="Visible images of equal names.")],
    claim: Annotated[Path, typer.Option(help="CSV, Markdown or LaTeX; a column pair: a row an image; else means.")],
    json: Annotated[Path | None, typer.Option(help="Also write the verdicts to FILE.json.")] = None,
) -> None:
    """Say which convention made a table of metric values, column by column."""
    from bench.analysis.identify import summary_rows
    from bench.files import write_atomic
    from bench.run.identify_command import identify_command

    identification, notes = identify_command(claim, fused, ir, vis)
    print_rows(summary_rows(identification))
    for line in notes:
        fail(line)
    typer.echo(identification.caption())
    if json is not None:
        import json as writer

        write_atomic(json, (writer.dumps(identification.as_json(), indent=2) + "\n").encode())


def convert(
    table: Annotated[Path, typer.Argument(help="CSV, Markdown or LaTeX table of metric values.")],
    source: Annotated[
        str, typer.Option("--from", help="Convention of the table.", autocompletion=one_of(completion.conventions))
    ],
    target: Annotated[
        str, typer.Option("--to", help="Convention wanted.", autocompletion=one_of(completion.conventions))
    ],
    out: Annotated[Path | None, typer.Option(help="Write the table to FILE.csv or FILE.md.")] = None,
) -> None:
    """Convert metric values to another convention where that is exact; say the formula, or refuse by name."""
    from bench.analysis.claims import read_claims
    from bench.analysis.convert import as_text
    from bench.analysis.convert import convert as convert_table
    from bench.files import write_atomic

    conversion = convert_table(read_claims(table), source, target)
    records = conversion.records()
    done = [column for column in conversion.columns if not column.refusal]
    if done:
        print_rows(records)
        if out is not None:
            write_atomic(out, as_text(records, out.suffix.lower()).encode())
    for column in done:
        typer.echo(column.formula)
    if done and conversion.condition:
        typer.echo(conversion.condition)
    refused = [column for column in conversion.columns if column.refusal]
    for column in refused:
        fail(f"{column.header}: {column.refusal}")
    raise typer.Exit(1 if refused else 0)
