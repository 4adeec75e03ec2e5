"""The command line in this process, for tests."""

from __future__ import annotations

import typer
from typer.testing import CliRunner, Result

from bench.cli import app
from bench.errors import BenchError

COMMAND = typer.main.get_command(app)
"""Built once: that takes longer than most of what a test does with it."""


class Runner(CliRunner):
    """Typer's own, for the command that is built already."""

    def invoke(self, *arguments: object) -> Result:  # type: ignore[override]
        """The outcome of the command with these arguments."""
        return super(CliRunner, self).invoke(COMMAND, [str(argument) for argument in arguments])  # type: ignore[arg-type]


def bench(*arguments: object) -> Result:
    """As typed: a fault of the request is one line and exit code 2, which stays in ``exception``; others are raised."""
    result = Runner().invoke(*arguments)
    if isinstance(result.exception, BenchError):
        result.exit_code, result.output_bytes = 2, f"{result.exception}\n".encode()
        result.stdout_bytes = result.output_bytes
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
