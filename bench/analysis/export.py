"""Tables as CSV, LaTeX and Markdown."""

from __future__ import annotations

import csv
import io

from bench.analysis.captions import STRETCHED, TIED, TRAINED, caption, heading, marks, notes, remark
from bench.analysis.table import Cell, Table


def to_csv(table: Table) -> str:
    """The table as CSV: full precision, and for each column its spread, count, rank, tie and remark beside it.

    The columns after the method say what the page says of the whole: convention, way, and training on this set.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    heads = [heading(column) for column in table.columns]
    tails = ("", " spread", " n", " rank", " tied with the best", " remark")
    writer.writerow(["method", *CSV_FACTS, *(f"{head}{tail}" for head in heads for tail in tails)])
    for row in table.rows:
        trained = "yes" if row.method in table.trained else ""
        stretched = "yes" if row.method in table.stretched else ""
        way = table.ways.get(row.method, "")
        fields: list[object] = [_inert(row.method), table.dataset, table.convention, way, stretched, trained]
        for column, cell in zip(table.columns, row.cells, strict=True):
            text = "; ".join(part for part in (cell.reason, column.note) if part)
            fields += [_plain(cell.mean), _plain(cell.spread), cell.n, cell.rank or "", TIED if cell.tied else ""]
            fields.append(_inert(text))
        writer.writerow(fields)
    return buffer.getvalue()


CSV_FACTS = ("data set", "convention", "way", "its way stretches the contrast", "trained on this set")


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


_MARKS = {
    TRAINED: r"$^{\dagger}$", STRETCHED: r"$^{\ddagger}$", TIED: r"$^{\approx}$", "↑": r"$\uparrow$",
    "↓": r"$\downarrow$", "²": "$^2$",
}  # fmt: skip


def _latex(text: str) -> str:
    """Escaped text with its marks as LaTeX sets them."""
    text = latex_escape(text)
    for mark, command in _MARKS.items():
        text = text.replace(mark, command)
    return text


def to_latex(table: Table, title: str = "", spread: bool = False) -> str:
    r"""The table for a paper: booktabs, the best red, the second blue.

    Args:
        table: what to print.
        title: what it shows; opens the caption; empty for no caption.
        spread: True adds the standard deviations.

    Returns:
        A ``table`` environment; its first lines name the packages it needs.
    """
    heads = [_latex(heading(column)) for column in table.columns]
    lines = [r"% needs \usepackage{booktabs} and \usepackage{xcolor}", r"\begin{table}[t]", r"\centering"]
    if title:
        lines.append(rf"\caption{{{_latex('. '.join([caption(table, title), *notes(table)]))}.}}")
    lines += [rf"\begin{{tabular}}{{l{'r' * len(heads)}}}", r"\toprule"]
    lines += [" & ".join(["Method", *heads]) + r" \\", r"\midrule"]
    for row in table.rows:
        cells = [
            _latex_cell(cell, column.digits, spread) for column, cell in zip(table.columns, row.cells, strict=True)
        ]
        lines.append(" & ".join([_latex(_name(table, row.method)), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _name(table: Table, method: str) -> str:
    return table.title_of(method) + marks(table, method)


def _latex_cell(cell: Cell, digits: int, spread: bool) -> str:
    if cell.mean is None:
        return "--"
    text = f"{cell.mean:.{digits}f}"
    if spread and cell.spread is not None:
        text += rf" \pm {cell.spread:.{digits}f}"
    text = f"${text}$"
    colour = {1: "red", 2: "blue"}.get(cell.rank or 0)
    text = rf"\textcolor{{{colour}}}{{{text}}}" if colour else text
    said = f" ({latex_escape(remark(cell))})" if remark(cell) else ""
    return text + (_MARKS[TIED] if cell.tied else "") + said


def to_markdown(table: Table, title: str = "", spread: bool = True) -> str:
    """The table in Markdown: the best bold, the second in italics; caption above, notes below."""
    heads = ["Method", *(heading(column) for column in table.columns)]
    lines = [
        "| " + " | ".join(_markdown_escape(head) for head in heads) + " |",
        "|---" + "|---:" * len(table.columns) + "|",
    ]
    for row in table.rows:
        cells = [
            _markdown_cell(cell, column.digits, spread) for column, cell in zip(table.columns, row.cells, strict=True)
        ]
        lines.append("| " + " | ".join([_markdown_escape(_name(table, row.method)), *cells]) + " |")
    if title:
        lines = [_markdown_escape(caption(table, title)) + ".", "", *lines]
        lines += ["", *(f"{_markdown_escape(note)}.  " for note in notes(table))]
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
    text = {1: f"**{text}**", 2: f"*{text}*"}.get(cell.rank or 0, text) + (TIED if cell.tied else "")
    text = f"{text} ± {cell.spread:.{digits}f}" if spread and cell.spread is not None else text
    return f"{text} ({_markdown_escape(remark(cell))})" if remark(cell) else text
