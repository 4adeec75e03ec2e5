"""Tables as CSV, LaTeX and Markdown."""

from __future__ import annotations

import csv
import io

from bench.analysis.table import Cell, Table


def to_csv(table: Table) -> str:
    """The table as CSV: full precision, and for each column its spread, count and rank beside it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    heads = [column.title for column in table.columns]
    writer.writerow(["method", *(f"{head}{tail}" for head in heads for tail in ("", " spread", " n", " rank"))])
    for row in table.rows:
        fields: list[object] = [_inert(row.method)]
        for cell in row.cells:
            fields += [_plain(cell.mean), _plain(cell.spread), cell.n, cell.rank or ""]
        writer.writerow(fields)
    return buffer.getvalue()


def _plain(value: float | None) -> str:
    return "" if value is None else repr(value)


def _inert(text: str) -> str:
    """A spreadsheet takes a text that starts with one of these for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def latex_escape(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))


def to_latex(table: Table, caption: str = "", spread: bool = False) -> str:
    r"""The table for a paper: booktabs, the best red, the second blue.

    Args:
        table: what to print.
        caption: put under ``\caption``; empty for none.
        spread: True adds the standard deviations.

    Returns:
        A ``table`` environment; its first lines name the packages it needs.
    """
    arrows = {"higher": r" $\uparrow$", "lower": r" $\downarrow$", "": ""}
    heads = [latex_escape(column.title) + arrows[column.better] for column in table.columns]
    lines = [r"% needs \usepackage{booktabs} and \usepackage{xcolor}", r"\begin{table}[t]", r"\centering"]
    if caption:
        lines.append(rf"\caption{{{latex_escape(caption)}}}")
    lines += [rf"\begin{{tabular}}{{l{'r' * len(heads)}}}", r"\toprule"]
    lines += [" & ".join(["Method", *heads]) + r" \\", r"\midrule"]
    for row in table.rows:
        cells = [
            _latex_cell(cell, column.digits, spread) for column, cell in zip(table.columns, row.cells, strict=True)
        ]
        lines.append(" & ".join([latex_escape(table.title_of(row.method)), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _latex_cell(cell: Cell, digits: int, spread: bool) -> str:
    if cell.mean is None:
        return "--"
    text = f"{cell.mean:.{digits}f}"
    if spread and cell.spread is not None:
        text += rf" \pm {cell.spread:.{digits}f}"
    text = f"${text}$"
    colour = {1: "red", 2: "blue"}.get(cell.rank or 0)
    return rf"\textcolor{{{colour}}}{{{text}}}" if colour else text


def to_markdown(table: Table, spread: bool = True) -> str:
    """The table in Markdown: the best bold, the second in italics."""
    heads = ["Method", *(column.title for column in table.columns)]
    lines = [
        "| " + " | ".join(_markdown_escape(head) for head in heads) + " |",
        "|---" + "|---:" * len(table.columns) + "|",
    ]
    for row in table.rows:
        cells = [
            _markdown_cell(cell, column.digits, spread) for column, cell in zip(table.columns, row.cells, strict=True)
        ]
        lines.append("| " + " | ".join([_markdown_escape(table.title_of(row.method)), *cells]) + " |")
    return "\n".join(lines) + "\n"


def _markdown_escape(text: str) -> str:
    text = " ".join(text.split())
    for character in "\\`*_{}[]<>|":
        text = text.replace(character, "\\" + character)
    return text


def _markdown_cell(cell: Cell, digits: int, spread: bool) -> str:
    if cell.mean is None:
        return "–"
    text = f"{cell.mean:.{digits}f}"
    text = {1: f"**{text}**", 2: f"*{text}*"}.get(cell.rank or 0, text)
    return f"{text} ± {cell.spread:.{digits}f}" if spread and cell.spread is not None else text
