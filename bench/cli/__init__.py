"""The command line: parse, build a configuration, call one function, print. Nothing is computed here.

Every command imports what it needs when it is called, so that ``bench --help`` and ``bench list`` stay instant.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bench.cli import answers, assets, audit, develop, export, outcomes, prove, runs
from bench.cli.installation import check_installation
from bench.cli.package_here import use_package_here
from bench.cli.screen import fail
from bench.errors import FATAL_ERRNO, INTERRUPTED, INTERRUPTED_TEXT, BenchError, StoppedError
from bench.files import VERSION
from bench.memory import use_one_heap


class _Commands(TyperGroup):
    """All commands; a word that is empty, as a shell makes of a variable that is not set, is refused for all of them.

    It would be taken for the default (``--metrics ""``) or for the current folder (``--out ""``).
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for before, word in zip(["", *args], args, strict=False):
            name, equals, value = word.partition("=") if word.startswith("--") else (before, "=", word)
            if equals and not value.strip(" ,\t\n"):
                where = name if name.startswith("-") else "an argument"
                raise BenchError(f"{where} is {value!r}, wanted a value; leave it out for its default")
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="bench",
    cls=_Commands,
    help="The infrared-visible image fusion benchmark: fuse, score, train, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ivif-bench {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """The infrared-visible image fusion benchmark: fuse, score, train, report."""
    del version  # its callback has ended the command


for module in (runs, outcomes, answers, audit, develop, prove, export, assets):
    module.register(app)


def main() -> None:
    """Entry point of the ``bench`` command; a fault ends in one line, and in exit code 2 if the request was wrong."""
    use_one_heap()
    try:
        check_installation()
        if found := use_package_here(Path.cwd()):
            fail(f"note: plug-ins of this folder: {', '.join(found)}")
        app()
    except SystemExit as error:
        if error.code == INTERRUPTED:  # typer turns the interrupt into an exit
            fail(INTERRUPTED_TEXT)
        raise
    except StoppedError as error:
        fail(str(error))
        sys.exit(1)
    except BenchError as error:
        fail(str(error))
        sys.exit(2)
    except OSError as error:
        if error.errno not in FATAL_ERRNO:
            raise
        fail(
            f"stopped: {error.strerror}{f': {error.filename}' if error.filename else ''}; free space, then do it again"
        )
        sys.exit(1)
    except KeyboardInterrupt:
        fail(INTERRUPTED_TEXT)
        sys.exit(INTERRUPTED)
