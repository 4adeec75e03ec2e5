"""What the templates of every page may use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from bench.analysis.captions import caption, heading, marks, notes, remark
from bench.analysis.export import row_starts, to_csv, to_latex, to_markdown
from bench.analysis.numbers import FUSION, Numbers, headline
from bench.analysis.sections import format_p
from bench.analysis.table import Column, Table, format_number
from bench.store.manifest import TaskFacts, WeightFacts
from reports.conventions import definition, task_convention, text_of
from reports.source import RunData


def shared(run: RunData, now: datetime, nav: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What every template of a run's report may use.

    Args:
        run: the run.
        now: when it is built.
        nav: (page, text) of the head's links.
    """
    by_label = {method.label: method for method in run.methods}
    return {
        "built": now.strftime("%Y-%m-%d %H:%M UTC"),
        "version": run.manifest.version or "(version not recorded)",
        "nav": list(nav),
        "run": run,
        "own": run.own,
        "by_label": by_label.__getitem__,
        "short": run.places.short,
        "number": format_number,
        "format_p": format_p,
        "exports": partial(exports, own=run.own),
        "export_names": export_names,
        "is_headline": partial(is_headline, run.numbers),
        "caption": caption,
        "table_notes": notes,
        "marks": marks,
        "remark": remark,
        "heading": heading,
        "definition": definition,
        "task_convention": task_convention,
        "no_weights": WeightFacts(),
        "convention_text": text_of,
        "task_facts": lambda task: run.manifest.tasks.get(task, TaskFacts()),
        "headline": headline,
        "all_conventions": list(dict.fromkeys(name for data in run.datasets for name in data.conventions)),
    }


def exports(table: Table, title: str, own: str = "") -> list[tuple[str, str, str]]:
    """The table as text that says what the page says: name of the form, file extension, text."""
    short, full = (to_latex(table, title, spread=spread, own=own) for spread in (False, True))
    return [
        ("LaTeX", "tex", short),
        *([(f"LaTeX with {_ranges(table)}", "tex", full)] if full != short else []),
        ("Markdown", "md", to_markdown(table, title, own=own)),
        ("CSV", "csv", to_csv(table, own)),
    ]


def _ranges(table: Table) -> str:
    """What the longer form has besides the numbers."""
    cells = [cell for row in table.rows for cell in row.cells]
    found = [
        name
        for name, there in (
            ("±", any(cell.spread is not None for cell in cells)),
            ("intervals", any(cell.interval for cell in cells)),
        )
        if there
    ]
    return " and ".join(found)


def export_names(table: Table) -> dict[str, dict[str, tuple[str, str]]]:
    """Method -> how its row begins in each form, plain and marked, for the script that marks a row."""
    return {row.method: row_starts(table, row.method) for row in table.rows}


def is_headline(numbers: Numbers, table: Table, column: Column) -> bool:
    """True for a column that leads a table and stays in sight."""
    if table.task == FUSION:
        return column.metric in headline(table.convention)
    return (column.metric, column.label) in numbers.headlines(table.task)
