"""What the templates of every page may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bench.analysis.captions import caption, heading, marks, notes, remark
from bench.analysis.export import to_csv, to_latex, to_markdown
from bench.analysis.numbers import headline
from bench.analysis.sections import format_p
from bench.analysis.table import Table, format_number
from bench.store.manifest import TaskFacts, WeightFacts
from reports.conventions import definition, task_convention, text_of
from reports.source import RunData


def shared(run: RunData, now: datetime, nav: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What every template of a run's report may use."""
    by_label = {method.label: method for method in run.methods}
    return {
        **base_context(now, run.manifest.version or "(version not recorded)", nav, by_label),
        "run": run,
        "format_p": format_p,
        "no_weights": WeightFacts(),
        "convention_text": text_of,
        "task_facts": lambda task: run.manifest.tasks.get(task, TaskFacts()),
        "headline": headline,
        "all_conventions": list(dict.fromkeys(name for data in run.datasets for name in data.conventions)),
    }


def base_context(
    now: datetime, version: str, nav: Sequence[tuple[str, str]], by_label: Mapping[str, Any]
) -> dict[str, Any]:
    """What the templates of any report use.

    Args:
        now: when it is built.
        version: of the suite that made the numbers.
        nav: (page, text) of the head's links.
        by_label: label -> who a table's row stands for: ``title``, ``page``, ``reference``, ``in_domain``.
    """
    return {
        "built": now.strftime("%Y-%m-%d %H:%M UTC"),
        "version": version,
        "nav": list(nav),
        "number": format_number,
        "exports": exports,
        "caption": caption,
        "table_notes": notes,
        "marks": marks,
        "remark": remark,
        "heading": heading,
        "definition": definition,
        "task_convention": task_convention,
        "by_label": by_label.__getitem__,
    }


def exports(table: Table, title: str) -> list[tuple[str, str, str]]:
    """The table as text that says what the page says: name of the form, file extension, text."""
    return [
        ("LaTeX", "tex", to_latex(table, title)),
        ("LaTeX with ±", "tex", to_latex(table, title, spread=True)),
        ("Markdown", "md", to_markdown(table, title)),
        ("CSV", "csv", to_csv(table)),
    ]
