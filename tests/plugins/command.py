"""The command line in this process, for tests."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from bench.cli import app
from bench.errors import BenchError


def bench(*arguments: object) -> Result:
    """As typed: a fault of the request is one line and exit code 2, which stays in ``exception``; others are raised."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, BenchError):
        result.exit_code, result.output_bytes = 2, f"{result.exception}\n".encode()
        result.stdout_bytes = result.output_bytes
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
