"""The static HTML report; imports no torch and computes no metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def build_report(
    run_dir: Path, jobs: int = 0, progress: Callable[[str, int, int], None] | None = None, highlight: str = ""
) -> Path:
    """Writes the HTML report of a run and returns the path of its first page; see ``reports.build.build_report``."""
    from reports.build import build_report as build

    return build(run_dir, jobs, progress, highlight)


def prepare_report() -> None:
    """Imports and compiles what a report is built with, for a program that waits for something else meanwhile."""
    import reports.build  # noqa: F401
    from reports.site import compile_templates

    compile_templates()


__all__ = ["build_report", "prepare_report"]
