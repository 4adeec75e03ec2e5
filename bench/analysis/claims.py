"""Tables of claimed values as papers print them: CSV, Markdown or LaTeX, read with the precision of their print."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import BenchError
from bench.metrics.spellings import ideas_of

PAIR_HEADERS = ("pair", "pairs", "image", "images", "img", "name", "file", "filename", "id")
METHOD_HEADERS = ("method", "methods", "algorithm", "algorithms", "model", "approach", "network")
SUMMARIES = ("mean", "average", "avg", "std", "sd", "median", "all")
"""First cells of rows that sum up others in a table of images."""

NO_METRICS = (
    "year", "venue", "publication", "journal", "params", "parameters", "flops", "time", "runtime", "fps", "size",
    "rank", "no", "index", "reference", "type", "",
)  # fmt: skip
"""Headers of columns that hold no metric, letters only."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_BRACED = re.compile(r"\\(?:caption|label|footnote)\s*\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}")
_POWER = re.compile(
    r"(?:\\times|×|\\cdot|·|(?<=\d)\s*x)\s*10\s*(?:\^\s*\{?|<sup>)?\s*([-+−⁻]?[\d⁰¹²³⁴⁵⁶⁷⁸⁹]+)(?:\}|</sup>)?"
)
_RAISED = str.maketrans("⁻−⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")
_UNIFORM_SHARE = 0.8
_FEWEST = 5  # claims of a column that can say how it was printed
Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Claim:
    """One printed number.

    Attributes:
        value: as printed.
        half: half of its last printed digit.
        text: the digits as printed.
    """

    value: float
    half: float
    text: str


@dataclass(frozen=True, slots=True)
class ClaimColumn:
    """One column of claims, aligned with the table's rows; None where a cell holds no number."""

    header: str
    claims: tuple[Claim | None, ...]


@dataclass(frozen=True, slots=True)
class ClaimTable:
    """A table of claims.

    Attributes:
        rows: (method, pair) of each row; an empty method: the only one; an empty pair: a mean over the images.
        columns: those that hold numbers of metrics.
        ignored: headers of columns that hold no metric.
    """

    rows: tuple[tuple[str, str], ...]
    columns: tuple[ClaimColumn, ...]
    ignored: tuple[str, ...] = ()


def read_claims(path: Path) -> ClaimTable:
    """Reads a table of claims.

    Raises:
        BenchError: no such file, no table in it, or no column of numbers.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: cannot be read as text ({error}), wanted a CSV, Markdown or LaTeX table") from error
    return parse_claims(text, str(path))


def parse_claims(text: str, where: str = "the table") -> ClaimTable:
    """The claims of a table given as text; whether it is CSV, Markdown or LaTeX is told by its lines.

    Raises:
        BenchError: no table, or no column of numbers.
    """
    rows = _cells(text)
    if len(rows) < 2:
        raise BenchError(f"{where}: {len(rows)} table rows, wanted a header and at least one row of values")
    width = max(len(row) for row in rows)
    rows = _upright(_one_header([row + [""] * (width - len(row)) for row in rows]))
    headers, body = rows[0], _dotted(rows[1:])
    pair, method = _labels(headers, body)
    if pair is not None:
        body = [row for row in body if row[pair].casefold() not in SUMMARIES]
    keys = tuple((row[method] if method is not None else "", row[pair] if pair is not None else "") for row in body)
    columns, ignored = [], []
    for index, header in enumerate(headers):
        if index in (pair, method):
            continue
        claims = () if _is_no_metric(header) else _claims([row[index] for row in body], "%" in header)
        if any(claims):
            columns.append(ClaimColumn(header, claims))
        elif header:
            ignored.append(header)
    if not columns:
        raise BenchError(f"{where}: no column of numbers under {', '.join(headers)}; wanted one metric a column")
    return ClaimTable(keys, tuple(columns), tuple(ignored))


def _one_header(rows: Rows) -> Rows:
    """Two lines of headers as one: the lower one, and the upper one where that is empty."""
    if len(rows) < 3 or any(_NUMBER.match(cell) for cell in rows[1]):
        return rows
    upper, lower = rows[:2]
    if sum(bool(ideas_of(cell)) for cell in lower) <= sum(bool(ideas_of(cell)) for cell in upper):
        return rows
    return [[below or above for above, below in zip(upper, lower, strict=True)], *rows[2:]]


def _dotted(rows: Rows) -> Rows:
    """Numbers with a point: a comma between digits separates decimals, or thousands where it can do so everywhere."""
    cells = [cell for row in rows for cell in row if re.match(r"[-+]?\d+,\d", cell)]
    point = any(re.match(r"[-+]?\d+\.\d", cell) for row in rows for cell in row)
    thousands = all(re.match(r"[-+]?\d{1,3}(,\d{3})+(?!\d)", cell) for cell in cells)
    if not cells or not (point or thousands or not any("." in cell for cell in cells)):
        return rows
    mark = "" if thousands else "."
    return [[re.sub(r"(?<=\d),(?=\d)", mark, cell) for cell in row] for row in rows]


def _is_no_metric(header: str) -> bool:
    """True for years and the like, and for the spread of a metric that has a column of its own."""
    if re.sub(r"[^a-z]", "", re.sub(r"\(.*?\)", "", header.casefold())) in NO_METRICS:
        return True
    spread = re.fullmatch(r"(.+?)[\s_-]+(?:std|stdev|sd|deviation|±)", header, flags=re.IGNORECASE)
    return spread is not None and bool(ideas_of(spread[1]))


def _cells(text: str) -> Rows:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if any(re.search(r"(?<!\\)&", line) and "\\\\" in line for line in lines):
        return _latex(text)
    if sum(line.strip().startswith("|") or line.count("|") > 1 for line in lines) > 1:
        return _markdown(lines)
    delimiter = max((";", "\t", ","), key=lambda mark: lines[0].count(mark)) if lines else ","
    return [[plain(cell) for cell in row] for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)]


def _markdown(lines: Sequence[str]) -> Rows:
    rows = [line.strip().strip("|").split("|") for line in lines if "|" in line]
    return [[plain(cell) for cell in row] for row in rows if not all(re.fullmatch(r"\s*:?-+:?\s*", c) for c in row)]


def _latex(text: str) -> Rows:
    text = re.sub(r"(?<!\\)%.*", "", text)
    text = _BRACED.sub(" ", text)
    text = re.sub(r"\\(?:begin|end)\{[^}]*\}(?:\[[^]]*\])?(?:\{[^}]*\})?", "\n", text)
    text = re.sub(r"\\(?:toprule|midrule|bottomrule|hline|centering)", " ", text)
    text = re.sub(r"\\c(?:mid|)(?:rule|line)(?:\([^)]*\))?\{[^}]*\}", " ", text)
    rows = []
    for line in re.split(r"\\\\(?:\[[^]]*\])?", text):
        cells: list[str] = []
        for cell in re.split(r"(?<!\\)&", line.replace("\n", " ")):
            wide = re.search(r"\\multicolumn\{(\d+)\}\{[^}]*\}", cell)
            cells += [plain(cell), *[""] * (int(wide.group(1)) - 1 if wide else 0)]
        if len(cells) > 1:
            rows.append(cells)
    return rows


def plain(cell: str) -> str:
    """A cell without the marks of Markdown and LaTeX: emphasis, arrows, math, citations."""
    cell = _POWER.sub(lambda found: f"e{found[1].translate(_RAISED)}", cell)
    cell = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", cell)
    cell = re.sub(r"<sup>|<sub>", " ^", cell)
    cell = re.sub(r"\\(?:cite|citep|citet|ref|footnote|textsuperscript)\w*\*?(?:\[[^]]*\])*\{[^}]*\}", "", cell)
    cell = re.sub(r"\\multi(?:column|row)\{[^}]*\}\{[^}]*\}", "", cell)
    cell = re.sub(r"\\(?:color|textcolor|cellcolor|rowcolor)(?:\[[^]]*\])?\{[^}]*\}", "", cell)
    cell = cell.replace("\\%", "%").replace("\\_", "_").replace("\\&", "&").replace("\\#", "#").replace("\\pm", "±")
    cell = re.sub(r"\\(?:up|down|left|right)?arrow\b|[↑↓⬆⬇]|\\[a-zA-Z]+\*?|[{}$]", " ", cell)
    cell = re.sub(r"\*\*|__|</?\w+/?>|`", "", cell)
    return " ".join(cell.split()).strip("*~^†‡ ")


def _upright(rows: Rows) -> Rows:
    """The table with methods or images down; papers also print metrics down and methods across."""
    across = sum(bool(ideas_of(header)) for header in rows[0][1:])
    down = sum(bool(ideas_of(row[0])) for row in rows[1:])
    if down > across:
        turned = [list(column) for column in zip(*rows, strict=True)]
        turned[0][0] = turned[0][0] if turned[0][0].casefold() in PAIR_HEADERS else "method"
        return turned
    return rows


def _labels(headers: Sequence[str], body: Rows) -> tuple[int | None, int | None]:
    """Which columns name the pair and the method; a first column of words under any other header names the method."""
    names = [header.casefold() for header in headers]
    pair = next((index for index, name in enumerate(names) if name in PAIR_HEADERS), None)
    method = next((index for index, name in enumerate(names) if name in METHOD_HEADERS), None)
    words = not any(_NUMBER.fullmatch(row[0]) for row in body)
    if pair is None and method is None and words and not ideas_of(headers[0]):
        method = 0
    return pair, method


def _claims(cells: Sequence[str], percent: bool = False) -> tuple[Claim | None, ...]:
    """The claims of a column; where most are printed alike, those with fewer digits have lost their trailing zeros.

    Writers of CSV drop them: 7.10 among 6.83, 7.42, ... stands there as 7.1. Printed alike means equally many decimals,
    or equally many significant digits, whichever holds for more of the column.
    """
    claims = [_claim(cell, percent) for cell in cells]
    texts = [claim.text for claim in claims if claim is not None and "e" not in claim.text.lower()]
    if len(texts) < _FEWEST or any(claim is not None and claim.text not in texts for claim in claims):
        return tuple(claims)
    decimals, digits = [_decimals(text) for text in texts], [significant(text) for text in texts]
    alike = decimals.count(max(decimals)), digits.count(max(digits))
    if max(alike) < _UNIFORM_SHARE * len(texts):
        return tuple(claims)
    places = max(decimals) if alike[0] >= alike[1] else None
    digits_kept = max(digits) if alike[1] >= alike[0] else None
    return tuple(claim and _sharpened(claim, places, digits_kept) for claim in claims)


def _sharpened(claim: Claim, decimals: int | None, digits: int | None) -> Claim:
    """The claim with the decimals, or significant digits, of its column; the coarser where both may hold."""
    halves = [] if decimals is None else [0.5 * 10.0**-decimals]
    if digits is not None and claim.value != 0.0:
        halves.append(0.5 * 10.0 ** (math.floor(math.log10(abs(claim.value))) + 1 - digits))
    return replace(claim, half=min(claim.half, max(halves, default=claim.half)))


def _claim(cell: str, percent: bool) -> Claim | None:
    cell = cell.replace("−", "-").strip("( <>~≈")
    found = _NUMBER.match(cell)
    if not found:
        return None
    text = found.group()
    mantissa, _, exponent = text.lower().partition("e")
    shift = -2 if percent or cell[found.end() :].lstrip().startswith("%") else 0
    return Claim(
        float(f"{mantissa}e{int(exponent or 0) + shift}"),
        0.5 * 10.0 ** (int(exponent or 0) + shift - _decimals(mantissa)),
        text,
    )


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def significant(text: str) -> int:
    """How many significant digits a number is printed with."""
    return len(text.lstrip("+-").replace(".", "").lstrip("0"))
