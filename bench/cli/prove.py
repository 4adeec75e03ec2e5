"""``bench prove``: how close each method comes to what its authors published."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import completion
from bench.cli.completion import one_of
from bench.cli.runs import DataRoot, WeightsRoot
from bench.cli.screen import fail, print_rows
from bench.errors import BenchError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(prove)


def prove(
    methods: Annotated[
        list[str] | None,
        typer.Argument(
            help="NAME (with its variants) or NAME:VARIANT.", autocompletion=one_of(completion.method_names)
        ),
    ] = None,
    reference: Annotated[Path | None, typer.Option(help="Folder with tno_published, authors_code, formula...")] = None,
    data_root: DataRoot = None,
    weights_root: WeightsRoot = None,
    formula: Annotated[
        bool, typer.Option("--formula", help="First write the methods' formula weights as their authors' files.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Where --formula writes; default: ./formula_weights.")] = None,
    fetch: Annotated[
        bool,
        typer.Option("--fetch", help="Get weights, and images without --reference, by address and checksum."),
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Also write the rows to FILE.json.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep what is found beside the methods.")] = False,
) -> None:
    """Prove the methods against published images, authors' programs and formula weights."""
    from bench.files import write_atomic
    from bench.fusion.formula_cases import write_formula_files
    from bench.fusion.proof_facts import as_json, table
    from bench.fusion.prove import prove as run_proofs

    if out is not None and not formula:
        raise BenchError(f"--out {out} is where --formula writes; give --formula too, or leave it out")
    if formula:
        for line in write_formula_files(methods or [], out or Path("formula_weights")):
            typer.echo(line)
    rows = run_proofs(
        methods or [], reference=reference, data_root=data_root, weights_root=weights_root, record=record, fetch=fetch,
        say=lambda text: typer.echo(text, err=True),
    )  # fmt: skip
    print_rows(table(rows))
    if json is not None:
        write_atomic(json, as_json(rows).encode())
    false = [row for row in rows if row.ok is False]
    for row in false:
        fail(f"{row.method} against {row.against or 'its known answer'}: {row.note}")
    raise typer.Exit(1 if false else 0)
