"""Tables of means: the one place that averages and ranks scores.

A table holds one task, one data set and, for fusion metrics, one convention: numbers of two conventions never share a
column. A method is ranked in a column only if it has a value for every pair that the column covers; a mean over fewer
pairs is shown with its count and stays out of the ranking, because it is a mean of something else.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bench.metrics.catalogue import CONVENTIONS, METRICS
from bench.metrics.convention_facts import SIX
from bench.types import BenchError

if TYPE_CHECKING:
    import pandas as pd

Better = Literal["higher", "lower", ""]


def headline(convention: str) -> tuple[str, ...]:
    """The metrics that lead a table: the six of the SeAFusion paper, or what stands for them in this convention."""
    return CONVENTIONS[convention].default if convention in CONVENTIONS else SIX


SET_LEVEL: dict[str, Better] = {
    "IoU": "higher", "mAcc": "higher", "mIoU": "higher",
    "AP@0.5": "higher", "AP@0.7": "higher", "AP@0.9": "higher", "AP@[0.5:0.95]": "higher",
    "latency_ms": "lower", "latency_ms_mean": "lower", "latency_ms_median": "lower", "latency_ms_p95": "lower",
    "images_per_second": "higher", "batch_size": "", "data_ms": "", "write_ms": "", "params_M": "lower",
    "flops_G": "lower", "peak_memory_MB": "lower", "max_difference": "lower", "compile_s": "", "seen_in_training": "",
}  # fmt: skip
"""Direction of the numbers that task runners give; fusion metrics keep theirs in ``bench.metrics.catalogue``."""

TITLES = {
    "latency_ms_mean": "Latency (ms)", "latency_ms_median": "Median (ms)", "latency_ms_p95": "95th percentile (ms)",
    "images_per_second": "Images/s", "batch_size": "at batch", "params_M": "Parameters (M)", "flops_G": "FLOPs (G)",
    "peak_memory_MB": "Peak memory (MB)", "data_ms": "Reading (ms)", "write_ms": "Writing (ms)",
    "max_difference": "Largest change (levels)", "compile_s": "Compiling (s)",
}  # fmt: skip

WHOLE = ("batch_size",)
"""Counts, shown without decimals."""

SAID_OTHERWISE = ("latency_ms_std", "compute_ms")
"""Not columns of their own: the spread of ``latency_ms_mean``, and its other name."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a table.

    Attributes:
        mean: of the finite values; None if there is none.
        spread: sample standard deviation over the pairs; None for fewer than two, or where the number is set-level.
        n: how many values the mean is over.
        rank: 1 is best, equal means share a rank; None if not ranked.
        reason: why there is no mean, or why it is not ranked.
    """

    mean: float | None = None
    spread: float | None = None
    n: int = 0
    rank: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its metric (and class label), heading, direction and the number of decimals shown."""

    metric: str
    label: str
    title: str
    better: Better
    digits: int = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One method and its cells, in the order of the table's columns."""

    method: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of means.

    Attributes:
        pairs: the most pairs any column covers; 0 for set-level tables.
    """

    task: str
    dataset: str
    convention: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    pairs: int = 0
    titles: dict[str, str] = field(default_factory=dict)

    def cell(self, method: str, metric: str, label: str = "") -> Cell:
        """The cell of one method and column.

        Raises:
            BenchError: the table has no such row or column.
        """
        for row in self.rows:
            if row.method == method:
                for column, cell in zip(self.columns, row.cells, strict=True):
                    if (column.metric, column.label) == (metric, label):
                        return cell
        raise BenchError(f"table of {self.dataset}: no cell {method!r}, {metric!r} {label!r}")

    def winner(self, metric: str, label: str = "") -> str | None:
        """The method ranked first in a column; None if none is ranked or the first place is shared."""
        firsts = [row.method for row in self.rows if self.cell(row.method, metric, label).rank == 1]
        return firsts[0] if len(firsts) == 1 else None

    def title_of(self, method: str) -> str:
        """How the method is named in print."""
        return self.titles.get(method, method)


def direction(metric: str) -> Better:
    """Which way a number is better: ``higher``, ``lower``, or empty where neither is meant or it is unknown."""
    if metric in SET_LEVEL:
        return SET_LEVEL[metric]
    return METRICS[metric].better if metric in METRICS else ""


def metric_order(metrics: Iterable[str], convention: str) -> list[str]:
    """The headline metrics first, then the convention's own order, then any others as given."""
    names = list(dict.fromkeys(metrics))
    known = CONVENTIONS[convention].metrics if convention in CONVENTIONS else ()
    return [name for name in dict.fromkeys([*headline(convention), *known, *names]) if name in names]


def select(
    scores: pd.DataFrame, task: str, dataset: str | None = None, convention: str | None = None, split: str | None = None
) -> pd.DataFrame:
    """The rows of one task, and of one data set, convention and split where given."""
    keep = scores["task"] == task
    for column, wanted in (("dataset", dataset), ("convention", convention), ("split", split)):
        if wanted is not None:
            keep &= scores[column] == wanted
    return scores[keep]


def pair_values(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One metric as pairs x methods; a missing, skipped, failed or non-finite value is NaN.

    Args:
        rows: scores of one task, data set and convention.
        metric: its name.
    """
    wanted = rows[(rows["metric"] == metric) & (rows["pair"] != "") & (rows["status"] == "ok")]
    table = wanted.pivot_table(index="pair", columns="method", values="value", aggfunc="last", sort=False, dropna=False)
    return table.where(np.isfinite(table.astype("float64")))


def mean_table(
    scores: pd.DataFrame,
    dataset: str,
    convention: str = "",
    task: str = "metrics",
    *,
    split: str | None = None,
    unranked: Collection[str] = (),
    order: Sequence[str] = (),
    labels: Sequence[str] = (),
    titles: dict[str, str] | None = None,
) -> Table:
    """Means, spreads and ranks of every method on one data set.

    Args:
        scores: the score table.
        dataset: data set name.
        convention: for task ``metrics``; empty for the others.
        task: ``metrics``, ``efficiency``, ``segmentation``, ``detection`` or a plug-in's.
        split: keep only this part of the data set.
        unranked: methods that are shown but not ranked, such as a source passed through.
        order: methods in the order of the rows; others follow as found.
        labels: class names in the order of the columns, for set-level numbers; others follow as found.
        titles: how methods are named in print.

    Returns:
        The table; without rows if there are no such scores.
    """
    rows = select(scores, task, dataset, convention, split)
    found = list(dict.fromkeys(rows["method"]))
    methods = [name for name in order if name in found] + [name for name in found if name not in order]
    columns, cells, pairs = (
        _pair_columns(rows, methods, convention) if task == "metrics" else _set_columns(rows, methods, labels)
    )
    ranked = {
        column: _ranked(column, cells[column], [name for name in methods if name not in unranked]) for column in columns
    }
    body = tuple(Row(name, tuple(ranked[column][name] for column in columns)) for name in methods)
    return Table(task, dataset, convention, tuple(columns), body, pairs, dict(titles or {}))


def _pair_columns(
    rows: pd.DataFrame, methods: Sequence[str], convention: str
) -> tuple[list[Column], dict[Column, dict[str, Cell]], int]:
    columns, cells, pairs = [], {}, 0
    reasons = _reasons(rows)
    for metric in metric_order(rows.loc[rows["pair"] != "", "metric"], convention):
        values = pair_values(rows, metric)
        covered = int(values.notna().any(axis=1).sum())
        pairs = max(pairs, covered)
        made = {name: _mean_cell(values, name, covered, reasons.get((name, metric, ""), "")) for name in methods}
        column = Column(metric, "", TITLES.get(metric, metric), direction(metric), _digits(made.values()))
        columns.append(column)
        cells[column] = made
    return columns, cells, pairs


def _mean_cell(values: pd.DataFrame, method: str, covered: int, reason: str) -> Cell:
    if method not in values.columns:
        return Cell(reason=reason or "no value")
    numbers = values[method].dropna().to_numpy(dtype=np.float64)
    if numbers.size == 0:
        return Cell(reason=reason or "no finite value")
    spread = float(numbers.std(ddof=1)) if numbers.size > 1 else None
    partial = f"{numbers.size} of {covered} pairs, so not ranked" if numbers.size < covered else ""
    return Cell(float(numbers.mean()), spread, int(numbers.size), None, partial)


def _set_columns(
    rows: pd.DataFrame, methods: Sequence[str], labels: Sequence[str]
) -> tuple[list[Column], dict[Column, dict[str, Cell]], int]:
    rows = rows[rows["pair"] == ""]
    reasons = _reasons(rows)
    values = {
        (metric, label, method): float(value)
        for metric, label, method, value, status in zip(
            rows["metric"], rows["label"], rows["method"], rows["value"], rows["status"], strict=True
        )
        if status == "ok" and value is not None and math.isfinite(value)
    }
    columns, cells = [], {}
    for metric, label in _set_order(rows, labels):
        made: dict[str, Cell] = {}
        for name in methods:
            value = values.get((metric, label, name))
            spread = values.get(("latency_ms_std", label, name)) if metric == "latency_ms_mean" else None
            why = reasons.get((name, metric, label), "") if value is None else ""
            if metric == "params_M" and value == 0:  # having none is no place in a ranking of sizes
                why = "none, so not ranked"
            if metric == "peak_memory_MB" and value == 0:
                why = "too little to measure, so not ranked"
            made[name] = Cell(value, spread, int(value is not None), None, why)
        if all(cell.mean is None for cell in made.values()):
            continue
        digits = 0 if metric in WHOLE else _digits(made.values())
        column = Column(metric, label, _set_title(metric, label), direction(metric), digits)
        columns.append(column)
        cells[column] = made
    return columns, cells, 0


def seed_table(
    scores: pd.DataFrame,
    task: str,
    convention: str,
    *,
    factor: float = 1.0,
    unranked: Collection[str] = (),
    labels: Sequence[str] = (),
    titles: dict[str, str] | None = None,
) -> Table:
    """Set-level numbers of several seeds: mean and standard deviation over the seeds.

    Args:
        scores: set-level scores with the columns ``method`` and ``seed``.
        task: ``segmentation``, or ``metrics`` whose numbers are means over the set.
        convention: of the numbers.
        factor: 100 shows parts as percent.
        unranked: rows that are shown but not ranked.
        labels: class names in the order of the columns; others follow as found.
        titles: how rows are named in print.

    Returns:
        The table, with rows as found; a row that lacks a seed in a column is not ranked there.
    """
    rows = select(scores, task, convention=convention)
    rows = rows[rows["pair"] == ""]
    reasons = _reasons(rows)
    methods = list(dict.fromkeys(scores["method"]))
    order = _set_order(rows, labels)
    if task == "metrics":
        order = [(name, "") for name in metric_order(rows["metric"], convention)]
    columns: list[Column] = []
    cells: dict[Column, dict[str, Cell]] = {}
    for metric, label in order:
        own = rows[(rows["metric"] == metric) & (rows["label"] == label) & (rows["status"] == "ok")]
        values = {name: _finite(own.loc[own["method"] == name, "value"], factor) for name in methods}
        most = max(map(len, values.values()))
        if not most:
            continue
        made = {name: _seed_cell(found, most, reasons.get((name, metric, label), "")) for name, found in values.items()}
        digits = 2 if factor == 100.0 else _digits(made.values())
        column = Column(metric, label, _set_title(metric, label), direction(metric), digits)
        columns.append(column)
        cells[column] = _ranked(column, made, [name for name in methods if name not in unranked])
    body = tuple(Row(name, tuple(cells[column][name] for column in columns)) for name in methods)
    shown = tuple(row for row in body if any(cell.mean is not None for cell in row.cells))
    dataset = str(rows["dataset"].iloc[0]) if len(rows) else ""
    return Table(task, dataset, convention, tuple(columns), shown, 0, dict(titles or {}))


def _finite(values: pd.Series[float], factor: float) -> list[float]:
    return [factor * float(value) for value in values if value is not None and math.isfinite(value)]


def _seed_cell(values: Sequence[float], most: int, reason: str) -> Cell:
    if not values:
        return Cell(reason=reason or "no value")
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    partial = f"{len(values)} of {most} seeds, so not ranked" if len(values) < most else ""
    return Cell(float(np.mean(values)), spread, len(values), None, partial)


def _set_order(rows: pd.DataFrame, labels: Sequence[str]) -> list[tuple[str, str]]:
    """Labels in the order given, others after them, numbers without a label last; known metrics as in ``SET_LEVEL``."""
    found = [key for key in dict.fromkeys(zip(rows["metric"], rows["label"], strict=True)) if key[0]]
    ranks = {
        label: place for place, label in enumerate(dict.fromkeys([*labels, *(label for _, label in found if label)]))
    }
    metrics = {metric: place for place, metric in enumerate(SET_LEVEL)}
    kept = [key for key in found if key[0] not in SAID_OTHERWISE]
    return sorted(kept, key=lambda key: (ranks.get(key[1], len(ranks)), metrics.get(key[0], len(metrics))))


def _set_title(metric: str, label: str) -> str:
    title = TITLES.get(metric, metric)
    if not label:
        return title
    return label if metric == "IoU" else f"{title} {label}"


def _reasons(rows: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    """(method, metric, label) -> why there is no value."""
    bad = rows[rows["status"] != "ok"]
    columns = (bad[name] for name in ("method", "metric", "label", "status", "reason"))
    return {
        (method, metric, label): f"{status}: {reason}" if reason else status
        for method, metric, label, status, reason in zip(*columns, strict=True)
    }


def _digits(cells: Iterable[Cell]) -> int:
    """Four decimals as the papers print; fewer where the numbers are large."""
    largest = max((abs(cell.mean) for cell in cells if cell.mean is not None), default=0.0)
    return 4 if largest < 10 else 3 if largest < 100 else 2


def _ranked(column: Column, cells: dict[str, Cell], methods: Sequence[str]) -> dict[str, Cell]:
    if not column.better:
        return cells
    covered = max((cells[name].n for name in methods), default=0)
    means = {name: cells[name].mean for name in methods if cells[name].n == covered and not cells[name].reason}
    sign = -1.0 if column.better == "higher" else 1.0
    keys = {name: sign * mean for name, mean in means.items() if mean is not None}
    # alone there is nothing to be better than; and all alike, as in a class that nobody finds, nobody is best
    if len(set(keys.values())) < 2:
        return cells
    return {
        name: replace(cell, rank=1 + sum(other < keys[name] for other in keys.values())) if name in keys else cell
        for name, cell in cells.items()
    }


def pair_standing(rows: pd.DataFrame, metrics: Sequence[str], methods: Sequence[str]) -> pd.DataFrame:
    """How well each method does on each pair, against the other methods.

    Args:
        rows: scores of one task, data set and convention.
        metrics: those that count, each alike.
        methods: those that are compared.

    Returns:
        Pairs x methods: the mean over the metrics of the method's rank on that pair, 1 is best; NaN where a method
        has no value.
    """
    import pandas as pd

    ranks = []
    for metric in metrics:
        better = direction(metric)
        values = pair_values(rows, metric).reindex(columns=list(methods))
        if better and not values.empty:
            ranks.append(values.rank(axis=1, ascending=better == "lower", method="average"))
    if not ranks:
        return pd.DataFrame(columns=list(methods))
    return pd.concat(ranks).groupby(level=0, sort=False).mean()


def pair_disagreement(rows: pd.DataFrame, metrics: Sequence[str], methods: Sequence[str]) -> pd.Series[float]:
    """How much the methods differ on each pair: the spread over methods, in units of the metric's overall spread.

    Args:
        rows: scores of one task, data set and convention.
        metrics: those that count, each alike.
        methods: those that are compared.

    Returns:
        Per pair, largest first; 1 means the methods differ on this pair as much as all values of the run do.
    """
    import pandas as pd

    parts = []
    for metric in metrics:
        values = pair_values(rows, metric).reindex(columns=list(methods))
        overall = float(np.nanstd(values.to_numpy(dtype=np.float64))) if values.notna().to_numpy().any() else 0.0
        if overall > 0:
            parts.append(values.std(axis=1, ddof=0) / overall)
    if not parts:
        return pd.Series(dtype="float64")
    return pd.concat(parts, axis=1).mean(axis=1).sort_values(ascending=False, kind="stable")


def task_conventions(scores: pd.DataFrame, task: str, dataset: str) -> list[str]:
    """The ways in which a task scored a data set, such as ``single_scale``; empty text where it has just one."""
    rows = select(scores, task, dataset)
    found = list(dict.fromkeys(rows.loc[rows["pair"] == "", "convention"]))
    return sorted(found, key=lambda name: (name.count("/"), found.index(name)))


def image_iou(matrices: np.ndarray) -> np.ndarray:
    """Mean intersection over union of single images, over the classes that truth or prediction of the image has.

    Args:
        matrices: (N, classes, classes), one confusion matrix per image, row = truth.

    Returns:
        float64 (N,), 0 to 1; NaN for an image without a labelled pixel. For sorting pictures, not for tables: the mean
        of these is not the set's mIoU.
    """
    right = np.diagonal(matrices, axis1=1, axis2=2).astype(np.float64)
    union = matrices.sum(axis=1) + matrices.sum(axis=2) - right
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(union > 0, right / union, np.nan)
    counted = (union > 0).sum(axis=1)
    return np.where(counted > 0, np.nansum(each, axis=1) / np.maximum(counted, 1), np.nan)


def most_disagreed(values: pd.DataFrame) -> pd.Series[float]:
    """Pairs by how much the methods' values differ (standard deviation over methods), most first.

    Args:
        values: pairs x methods.
    """
    return values.std(axis=1, ddof=0).dropna().sort_values(ascending=False, kind="stable")


def way_changes(scores: pd.DataFrame, dataset: str, convention: str, beside: dict[str, str]) -> list[dict[str, Any]]:
    """What the authors' way of writing images alone moves: mean of published minus plain, over the pairs of both.

    Args:
        scores: the score table.
        dataset: data set name.
        convention: metric convention.
        beside: label of the plain images -> label of the same method's published ones.

    Returns:
        One row per method: ``method``, ``pairs``, and per metric ``(published, plain, change)`` means.
    """
    rows = select(scores, "metrics", dataset, convention)
    metrics = metric_order(rows.loc[rows["pair"] != "", "metric"], convention)
    values = {metric: pair_values(rows, metric) for metric in metrics}
    found: list[dict[str, Any]] = []
    for plain, published in beside.items():
        row: dict[str, Any] = {"method": published, "pairs": 0}
        for metric, table in values.items():
            if plain in table.columns and published in table.columns:
                both = table[[published, plain]].dropna()
                means = both.mean()
                row["pairs"] = max(row["pairs"], len(both))
                row[metric] = (float(means[published]), float(means[plain]), float(means[published] - means[plain]))
        if row["pairs"]:
            found.append(row)
    return found


def wins(table: Table) -> dict[str, list[str]]:
    """Method -> the columns in which it alone is first, most first."""
    found: dict[str, list[str]] = {}
    for column in table.columns:
        winner = table.winner(column.metric, column.label)
        if winner is not None:
            found.setdefault(winner, []).append(column.title)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def format_number(value: float | None, digits: int) -> str:
    """A number with a fixed count of decimals and a true minus sign; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


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
