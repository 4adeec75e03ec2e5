"""Printing: one line for a fault, plain tables, a progress display."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bench.cli.pace import Pace
from bench.machine import in_words
from bench.types import PART

if TYPE_CHECKING:
    from rich.console import Console

    from bench.run.stages import Listener


def fail(text: str) -> None:
    """Prints a fault as one line on standard error."""
    typer.echo(f"bench: {' '.join(text.split())}", err=True)


def names(text: str | None) -> tuple[str, ...]:
    """Splits a comma list."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def typed(context: typer.Context, *options: str) -> bool:
    """True if one of the options was typed, rather than set in the environment for every command."""
    sources = (context.get_parameter_source(name) for name in options)
    return any(source is not None and source.name == "COMMANDLINE" for source in sources)


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
"""How often long work is noted where the output is not a terminal; a stage has a line as often, and at each quarter."""


@contextmanager
def progress(out: Path | None = None) -> Iterator[Listener]:
    """A bar for each stage and for each method at work in it, with the time they will still take.

    ``out``'s notes of long work are shown as bars of their own, which keep moving inside a unit of a stage.

    Yields:
        A function to call with (stage, done, total); ``STAGE · METHOD`` is a method's share of a stage.
    """
    from rich.console import Console

    console = Console(stderr=True)
    display = _Bars(console) if console.is_terminal else _Lines(console)
    with display, _watched_notes(out, 1.0 if console.is_terminal else NOTE_EVERY_S, display.note):
        yield display.listen


class _Lines:
    """Progress where nobody watches: a line each quarter of a stage and each minute, the notes of long work."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console
        self.clock = clock
        self.said: dict[str, tuple[int, float]] = {}
        self.paces: dict[str, Pace] = {}

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def listen(self, stage: str, done: int, total: int) -> None:
        stage, _, method = stage.partition(PART)
        pace = self.paces.setdefault(stage, Pace())
        if method:
            pace.tell(method, done, total)
            return
        if not pace.parts or "" in pace.parts:  # a stage that names no methods
            pace.tell("", done, total)
        quarter, now = done * 4 // max(total, 1), self.clock()
        before, when = self.said.get(stage, (-1, now))
        if quarter != before or now - when >= NOTE_EVERY_S:  # a smaller one: the stage has begun again
            self.said[stage] = quarter, now
            left = pace.left() if 0 < done < total else None
            self.console.print(
                f"{stage}: {done}/{total}" + (f", {in_words(left)} left" if left is not None else ""), highlight=False
            )

    def note(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False)


class _Bars:
    """Progress at a terminal."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self.display = Progress(
            TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"), console=console,
        )  # fmt: skip
        self.bars: dict[str, Any] = {}
        self.paces: dict[str, Pace] = {}

    def __enter__(self) -> _Bars:
        self.display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.display.stop()

    def listen(self, name: str, done: int, total: int) -> None:
        stage, _, method = name.partition(PART)
        pace = self.paces.setdefault(stage, Pace())
        if method or not pace.parts or "" in pace.parts:
            pace.tell(method, done, total)
        self._show(
            name, done, total, pace.left(method) if done < total else None, visible=not method or 0 < done < total
        )

    def _show(self, name: str, done: int, total: int, left: float | None, visible: bool = True) -> None:
        if name not in self.bars:
            shown = f"  {name.partition(PART)[2]}" if PART in name else name
            self.bars[name] = self.display.add_task(shown, total=total, left="")
        text = f"{in_words(left)} left" if left is not None else ""
        self.display.update(self.bars[name], completed=done, total=total, visible=visible, left=text)

    def note(self, text: str) -> None:
        """A note of long work that ends in ``DONE/TOTAL`` moves a bar of its own."""
        name, _, count = text.rpartition(" ")
        done, slash, total = count.partition("/")
        if slash and done.isdecimal() and total.isdecimal():
            self.listen(f"work{PART}{name.partition(':')[0]}", int(done), int(total))


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
