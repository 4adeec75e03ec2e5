"""Commands about what numbers mean: selftest."""

from __future__ import annotations

import typer

from bench.cli.screen import fail, print_rows


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(selftest)


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
