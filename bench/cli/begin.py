"""What ``bench run`` says before any work: what is here, what can be fetched, what lies ahead."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from bench.cli.screen import fail, print_rows, progress

if TYPE_CHECKING:
    from bench.run.config import RunConfig
    from bench.run.inventory import Inventory


def prepare(config: RunConfig, fetch: bool, dry_run: bool) -> None:
    """Prints what is missing, and fetches what can be, if that is wanted.

    Args:
        config: the request.
        fetch: fetch without asking; else somebody at a terminal is asked.
        dry_run: nothing is fetched, and the table is printed whether or not anything is missing.

    Raises:
        BenchError: an unknown data set or method.
    """
    from bench.run.inventory import take_inventory

    inventory = take_inventory(config, fetch)
    if inventory.missing or dry_run:
        print_rows(inventory.rows())
        for line in inventory.advice():
            typer.echo(line)
    if dry_run or not inventory.fetchable:
        return
    if fetch or _agreed(inventory):
        _fetch(inventory, config)
    else:
        typer.echo("the same command with --fetch gets what can be fetched")


def _agreed(inventory: Inventory) -> bool:
    """Whether somebody is there and says yes."""
    if not somebody_is_there():
        return False
    names = ", ".join(item.name for item in inventory.fetchable)
    return typer.confirm(f"fetch {names} now?", default=False)


def somebody_is_there() -> bool:
    """Whether a question would be seen and answered."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _fetch(inventory: Inventory, config: RunConfig) -> None:
    from bench.run.inventory import fetch_missing

    with progress() as listener:
        failed = fetch_missing(inventory, config, typer.echo, listener)
    for line in failed:
        fail(f"not fetched: {line}")


def show_plan(config: RunConfig) -> None:
    """Prints what a run would do and take; for ``--dry-run``."""
    from bench.run.estimate import estimate_run

    estimate = estimate_run(config, lambda text: typer.echo(text, err=True))
    print_rows(estimate.rows)
    for line in estimate.lines:
        typer.echo(line)
