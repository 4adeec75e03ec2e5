"""Printing: one line for a fault, plain tables, a progress display."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from bench.run.stages import Listener


def fail(text: str) -> None:
    """Prints a fault as one line on standard error."""
    typer.echo(f"bench: {' '.join(text.split())}", err=True)


def names(text: str | None) -> tuple[str, ...]:
    """Splits a comma list."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> None:
    """Prints rows as a table; plain, aligned text when the output is not a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = list(columns or (rows[0] if rows else ()))
    if not Console().is_terminal:
        _print_plain(rows, columns)
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column))) for column in columns))
    Console().print(table)


def print_records(rows: Sequence[Mapping[str, Any]]) -> None:
    """Prints each row as a block of ``name: value`` lines, for long texts; empty values are left out."""
    for row in rows:
        for name, value in row.items():
            if _cell(value):
                typer.echo(f"{name}: {_cell(value)}")
        typer.echo()


def _print_plain(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    cells = [list(columns)] + [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    for line in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return " ".join(str(value).split())


NOTE_EVERY_S = 60.0
"""How often long work is noted where the output is not a terminal."""


@contextmanager
def progress(out: Path | None = None) -> Iterator[Listener]:
    """A progress display by stage; ``out``'s notes of long work are shown beside it, and keep moving inside a stage.

    Yields:
        A function to call with (stage, done, total).
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as display:
        bars: dict[str, Any] = {}
        said: dict[str, int] = {}

        def listen(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = display.add_task(stage, total=total, note="")
            display.update(bars[stage], completed=done, total=total, note=_note(out) if done < total else "")
            quarter = done * 4 // max(total, 1)
            if not console.is_terminal and quarter != said.get(stage):  # a smaller one: the stage has begun again
                said[stage] = quarter
                console.print(f"{stage}: {done}/{total}", highlight=False)

        def show(note: str) -> None:
            if console.is_terminal:
                for task in display.tasks:
                    if not task.finished:
                        display.update(task.id, note=note)
            else:
                console.print(note, highlight=False, markup=False)

        with _watched_notes(out, 1.0 if console.is_terminal else NOTE_EVERY_S, show):
            yield listen


@contextmanager
def _watched_notes(out: Path | None, every_s: float, show: Callable[[str], None]) -> Iterator[None]:
    """Shows the newest note of long work whenever it has changed, from a thread of its own."""
    if out is None:
        yield
        return
    stop = threading.Event()

    def watch() -> None:
        last = _note(out)
        while not stop.wait(every_s):
            note = _note(out)
            if note and note != last:
                show(note)
            last = note

    thread = threading.Thread(target=watch, name="notes", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _note(out: Path | None) -> str:
    """The newest note of long work, at most 60 characters; empty if there is none."""
    notes: list[tuple[float, Path]] = []
    for path in (out / "parts" / "progress").glob("*.txt") if out is not None else ():
        with suppress(OSError):  # it may be gone by now
            notes.append((path.stat().st_mtime, path))
    try:
        return max(notes)[1].read_text(encoding="utf-8", errors="replace")[:60] if notes else ""
    except OSError:
        return ""
