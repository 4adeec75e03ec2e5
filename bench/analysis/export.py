"""Tables as CSV, LaTeX and Markdown."""

from __future__ import annotations

import csv
import io
import re

from bench.analysis.captions import STRETCHED, TIED, TRAINED, caption, heading, marks, notes, remark
from bench.analysis.table import Cell, Table


def to_csv(table: Table, own: str = "") -> str:
    """The table as CSV: full precision, and for each column its spread, count, rank, tie and remark beside it.

    Where a column has intervals, both ends stand there too.

    The columns after the method say what the page says of the whole: convention, way, and training on this set.

    Args:
        table: what to write.
        own: the method that is marked; empty for none.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    drawn = [any(row.cells[at].interval for row in table.rows) for at in range(len(table.columns))]
    heads: list[str] = []
    for column, has_interval in zip(table.columns, drawn, strict=True):
        ends = (" low", " high") if has_interval else ()
        tails = ("", " spread", *ends, " n", " rank", " tied with the best", " remark")
        heads += [f"{heading(column)}{tail}" for tail in tails]
    writer.writerow(["method", "marked", *CSV_FACTS, *heads])
    for row in table.rows:
        trained = "yes" if row.method in table.trained else ""
        stretched = "yes" if row.method in table.stretched else ""
        way = table.ways.get(row.method, "")
        marked = "yes" if row.method == own else ""
        fields: list[object] = [inert(row.method), marked, table.dataset, table.convention, way, stretched, trained]
        for column, cell, has_interval in zip(table.columns, row.cells, drawn, strict=True):
            text = "; ".join(part for part in (cell.reason, column.note, table.caution) if part)
            fields += [_plain(cell.mean), _plain(cell.spread)]
            if has_interval:
                fields += [_plain(end) for end in cell.interval or (None, None)]
            fields += [cell.n, cell.rank or "", TIED if cell.tied else "", inert(text)]
        writer.writerow(fields)
    return buffer.getvalue()


CSV_FACTS = ("data set", "convention", "way", "its way stretches the contrast", "trained on this set")


def _plain(value: float | None) -> str:
    return "" if value is None else repr(value)


def inert(text: str) -> str:
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
    "↓": r"$\downarrow$", "²": "$^2$", "±": r"$\pm$", "×": r"$\times$", "−": "$-$", "–": "--", "…": r"\ldots{}",
    "µ": r"$\mu$", "°": r"$^{\circ}$",
}  # fmt: skip


def _latex(text: str) -> str:
    """Escaped text with its marks as LaTeX sets them."""
    text = latex_escape(text)
    for mark, command in _MARKS.items():
        text = text.replace(mark, command)
    return text


WIDE = 8
"""Beyond so many columns a table is set over both columns of a page, in small type."""


def to_latex(table: Table, title: str = "", spread: bool = False, own: str = "") -> str:
    r"""The table for a paper: booktabs, the best red, the second blue, a label to refer to.

    Args:
        table: what to print.
        title: what it shows; opens the caption; empty for no caption.
        spread: True adds the standard deviations and intervals.
        own: the method whose name is set bold; empty for none.

    Returns:
        A ``table`` environment; its first line names the packages it needs.
    """
    form = "table*" if len(table.columns) > WIDE else "table"
    heads = [_latex(heading(column)) for column in table.columns]
    lines = [r"% needs \usepackage{booktabs} and \usepackage{xcolor}", rf"\begin{{{form}}}[t]", r"\centering"]
    if title:
        said = [part for part in (caption(table, title), "; ".join(notes(table))) if part]
        lines.append(rf"\caption{{{_latex('. '.join(said))}.}}")
    lines.append(rf"\label{{{label_of(table)}}}")
    if form == "table*":
        lines += [r"\scriptsize", r"\setlength{\tabcolsep}{2pt}"]
    lines += [rf"\begin{{tabular}}{{l{'r' * len(heads)}}}", r"\toprule"]
    lines += [" & ".join(["Method", *heads]) + r" \\", r"\midrule"]
    for row in table.rows:
        cells = [
            _latex_cell(cell, column.digits, spread) for column, cell in zip(table.columns, row.cells, strict=True)
        ]
        lines.append(" & ".join([_latex_name(table, row.method, row.method == own), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", rf"\end{{{form}}}"]
    return "\n".join(lines) + "\n"


def label_of(table: Table) -> str:
    r"""What ``\ref`` refers to: letters, digits and hyphens only."""
    words = [table.task, table.dataset, table.convention]
    return "tab:" + "-".join(part for word in words if (part := re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-")))


def _latex_name(table: Table, method: str, own: bool) -> str:
    name = _latex(_name(table, method))
    return rf"\textbf{{{name}}}" if own else name


def _markdown_name(table: Table, method: str, own: bool) -> str:
    name = _markdown_escape(_name(table, method))
    return f"**{name}**" if own else name


def row_starts(table: Table, method: str) -> dict[str, tuple[str, str]]:
    """How a method's row begins in each form, plain and marked, so that a page can mark a row of a finished text."""
    quoted = io.StringIO()
    csv.writer(quoted, lineterminator="").writerow([inert(method)])
    return {
        "tex": (f"{_latex_name(table, method, False)} & ", f"{_latex_name(table, method, True)} & "),
        "md": (f"| {_markdown_name(table, method, False)} | ", f"| {_markdown_name(table, method, True)} | "),
        "csv": (f"{quoted.getvalue()},,", f"{quoted.getvalue()},yes,"),
    }


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
    return text + (_MARKS[TIED] if cell.tied else "") + _interval(cell, digits, spread) + said


def _interval(cell: Cell, digits: int, wanted: bool) -> str:
    """Both ends behind a number."""
    if not wanted or cell.interval is None:
        return ""
    low, high = cell.interval
    return f" [{low:.{digits}f}, {high:.{digits}f}]"


def to_markdown(table: Table, title: str = "", spread: bool = True, own: str = "") -> str:
    """The table in Markdown: the best and the marked method bold, the second in italics; caption above, notes below."""
    heads = ["Method", *(heading(column) for column in table.columns)]
    lines = [
        "| " + " | ".join(_markdown_escape(head) for head in heads) + " |",
        "|---" + "|---:" * len(table.columns) + "|",
    ]
    for row in table.rows:
        cells = [
            _markdown_cell(cell, column.digits, spread) for column, cell in zip(table.columns, row.cells, strict=True)
        ]
        lines.append("| " + " | ".join([_markdown_name(table, row.method, row.method == own), *cells]) + " |")
    if title:
        lines = [_markdown_escape(caption(table, title)) + ".", "", *lines]
        lines += ["", f"{_markdown_escape('; '.join(notes(table)))}."] if notes(table) else []
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
    text = f"{text} {_markdown_escape(_interval(cell, digits, spread))}".rstrip()
    return f"{text} ({_markdown_escape(remark(cell))})" if remark(cell) else text
