"""The latency passport side by side: every method in every form at one image size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.analysis.numbers import Better
from bench.analysis.table import Cell, Column, Row, Table, select
from bench.types import UNDER_LOAD

if TYPE_CHECKING:
    import pandas as pd

TASK = "efficiency"
BASES = ("torch", "as_run")
"""What the other forms' speed is given in: the first of them that was measured."""

SPEED, SHARE = "times_as_fast", "changed_share"
COLUMNS: tuple[tuple[str, str, Better, int, str], ...] = (
    ("total_ms_median", "File to file", "lower", 1, "ms"),
    (SPEED, "Times as fast", "higher", 2, ""),
    ("total_ms_p95", "95th percentile", "lower", 1, "ms"),
    ("total_ms_p99", "99th percentile", "lower", 1, "ms"),
    ("infer_ms_median", "Network alone", "lower", 1, "ms"),
    ("peak_MB", "Peak memory", "lower", 0, "MB"),
    ("energy_J", "Energy", "lower", 2, "J"),
    ("changed_levels", "Largest change", "lower", 0, "levels"),
    (SHARE, "Changed pixels", "lower", 4, "%"),
    ("psnr_dB", "PSNR", "higher", 1, "dB"),
    *((f"change_{name}", name, "", 4, "change") for name in ("EN", "MI", "VIF", "SF", "SD", "Qabf")),
)  # fmt: skip
"""Metric, heading, direction, decimals, unit."""


def sizes_of(labels: Iterable[str]) -> list[str]:
    """Those labels that are an image's width and height, the smallest first.

    >>> sizes_of(["car", "1024x768", "640x480", "x", ""])
    ['640x480', '1024x768']
    """
    found = {text: text.split("x") for text in labels}
    sizes = {text: words for text, words in found.items() if len(words) == 2 and all(w.isdecimal() for w in words)}
    return sorted(sizes, key=lambda text: int(sizes[text][0]) * int(sizes[text][1]))


def forms_tables(
    scores: pd.DataFrame, dataset: str, forms: Mapping[str, str], titles: Mapping[str, str], order: Sequence[str]
) -> list[tuple[str, str, Table]]:
    """A table for each image size whose rows are methods in forms.

    Args:
        scores: of the run.
        dataset: on whose pairs they were timed.
        forms: in the order of the rows.
        titles: how methods are named in print.
        order: of the methods.

    Returns:
        Size, the form that the speed of the others is given in, and the table; none where no passport was made.
    """
    rows = select(scores, TASK, dataset)
    rows = rows[rows["convention"].isin(list(forms)) & (rows["pair"] == "")]
    measured = rows[(rows["metric"] == "total_ms_median") & (rows["status"] == "ok")]
    base = next((form for form in BASES if form in set(measured["convention"])), "")
    if not base:
        return []
    known = list(dict.fromkeys(rows["method"]))
    methods = [name for name in order if name in known] + [name for name in known if name not in order]
    there = set(zip(rows["method"], rows["convention"], strict=True))
    pairs = [(name, form) for name in methods for form in forms if (name, form) in there]
    return [(size, base, _table(rows, dataset, size, base, pairs, titles)) for size in sizes_of(measured["label"])]


def _table(
    rows: pd.DataFrame, dataset: str, size: str, base: str, pairs: Sequence[tuple[str, str]], titles: Mapping[str, str]
) -> Table:
    own = rows[rows["label"].isin([size, ""])]  # a form that is not offered is offered at no size
    found = {
        (method, form, metric): (float(value) if status == "ok" else None, str(reason))
        for method, form, metric, value, status, reason in zip(
            own["method"], own["convention"], own["metric"], own["value"], own["status"], own["reason"], strict=True
        )
    }
    cells = {pair: [_cell(found, *pair, metric, base) for metric, *_ in COLUMNS] for pair in pairs}
    used = [place for place in range(len(COLUMNS)) if any(each[place].mean is not None for each in cells.values())]
    columns = tuple(
        Column(metric, "", title, better, digits, unit)
        for metric, title, better, digits, unit in (COLUMNS[place] for place in used)
    )
    body = tuple(Row(f"{name}/{form}", tuple(cells[name, form][place] for place in used)) for name, form in pairs)
    names = {f"{name}/{form}": f"{titles.get(name, name)}, {form}" for name, form in pairs}
    return Table(TASK, dataset, f"forms-{size}", columns, body, 0, names)


def _cell(
    found: Mapping[tuple[str, str, str], tuple[float | None, str]], method: str, form: str, metric: str, base: str
) -> Cell:
    if metric == SPEED:
        (own, why), (other, _) = (found.get((method, one, "total_ms_median"), (None, "")) for one in (form, base))
        return Cell(other / own if own and other else None, reason=why if UNDER_LOAD in why and own else "")
    value, why = found.get((method, form, metric), (None, ""))
    if value is None:
        refused = metric == COLUMNS[0][0] and not why
        return Cell(reason=found.get((method, form, "infer_ms_median"), (None, ""))[1] if refused else why)
    return Cell(100.0 * value if metric == SHARE else value, reason=why if UNDER_LOAD in why else "")
