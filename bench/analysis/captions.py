"""What is said beside a table, once for the page, the exports and the leaderboard: what it is over, and its marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bench.analysis.numbers import FUSION
from bench.analysis.table import Cell, Column, Table
from bench.store.manifest import MethodFacts

TRAINED, STRETCHED, TIED = "†", "‡", "≈"
ARROWS = {"higher": "↑", "lower": "↓", "": ""}

PARTS = {
    "": "all pairs", "day": "day", "night": "night", "unseen": "pairs unseen in training",
    "small": "objects of less than 32x32 pixels", "medium": "objects of 32x32 to 96x96 pixels",
    "large": "objects of more than 96x96 pixels",
}  # fmt: skip
"""Endings of a way of scoring that name a part of the data set; ``unseen/day`` is a part of a part."""


def way_of(convention: str) -> tuple[str, str]:
    """A convention as the way of scoring and the part; the part is empty for all.

    >>> way_of("joint/single_scale/day"), way_of("coco/unseen/small"), way_of("coco")
    (('joint/single_scale', 'day'), ('coco', 'unseen/small'), ('coco', ''))
    """
    words = convention.split("/")
    first = len(words)
    while first > 1 and words[first - 1] in PARTS:
        first -= 1
    return "/".join(words[:first]), "/".join(words[first:])


def part_words(part: str) -> str:
    """A part of the data set in words."""
    return ", ".join(PARTS.get(word, word) for word in part.split("/"))


def way_words(convention: str) -> str:
    """A way of scoring as a caption says it."""
    way, part = way_of(convention)
    return f"{way}, {part_words(part)}"


def trained_on(facts: MethodFacts, dataset: str) -> bool:
    """True if a method's weights were trained on a data set."""
    return dataset in facts.seen or any(name.partition(":")[0] == dataset for name in facts.trained_on)


def described(table: Table, methods: Mapping[str, MethodFacts]) -> Table:
    """The table with what is known of its methods: the way their images were made, and their marks."""
    known = {row.method: methods[row.method] for row in table.rows if row.method in methods}
    return replace(
        table,
        ways={name: facts.way for name, facts in known.items() if facts.way},
        trained=frozenset(name for name, facts in known.items() if trained_on(facts, table.dataset)),
        seen={name: len(facts.seen[table.dataset]) for name, facts in known.items() if table.dataset in facts.seen},
        stretched=frozenset(name for name, facts in known.items() if facts.stretches and facts.way == "published"),
    )


def marks(table: Table, method: str) -> str:
    """The marks behind a method's name."""
    return (TRAINED if method in table.trained else "") + (STRETCHED if method in table.stretched else "")


def heading(column: Column) -> str:
    """A column's title with unit and arrow."""
    unit = f" ({column.unit})" if column.unit and f"({column.unit})" not in column.title else ""
    return f"{column.title}{unit} {ARROWS[column.better]}".rstrip()


def remark(cell: Cell) -> str:
    """What must stand behind a number: over how many of the pairs it is, or why it is not ranked."""
    return cell.reason.replace(", so not ranked", "") if cell.mean is not None else ""


def coverage(table: Table) -> str:
    """Over how many pairs the means are; empty for numbers of a whole set."""
    if not table.pairs:
        return ""
    counts = [cell.n for row in table.rows for cell in row.cells if cell.mean is not None] or [table.pairs]
    low, high = min(counts), max(counts)
    pairs = "pair" if high == 1 else "pairs"
    return f"mean over {high} {pairs}" if low == high else f"mean over {low} to {high} {pairs}, as marked"


def ways_in_words(table: Table) -> str:
    """How the images of the table were made; empty where no method says."""
    ways = {way for way in table.ways.values() if way in ("published", "plain")}
    if ways == {"published"}:
        return "each method's published way"
    if ways == {"plain"}:
        return "the plain way for all"
    return "published and plain ways, as marked" if ways else ""


def caption(table: Table, title: str) -> str:
    """The sentence above a table.

    Args:
        table: what it is about.
        title: what it shows, e.g. the data set.
    """
    way = f"convention {table.convention}" if table.task == FUSION else way_words(table.convention)
    parts = (title, coverage(table), way if table.convention else "", ways_in_words(table))
    return ", ".join(part for part in parts if part)


def left_out_words(left_out: Mapping[str, str]) -> str:
    """The end of a heading that names what is not compared, and why; empty if all is."""
    named = ", ".join(f"{name} ({reason})" for name, reason in left_out.items())
    return f"; left out: {named}" if named else ""


def saw(table: Table, mark: str, method: str) -> str:
    """How many of the scored pairs themselves a method was trained on; empty for none."""
    count = table.seen.get(method, 0) if mark == TRAINED else 0
    return f" (on {count} of the pairs scored here)" if count else ""


def notes(table: Table) -> list[str]:
    """The sentences below a table: what its marks mean, and what its columns leave out."""
    cells = [cell for row in table.rows for cell in row.cells]
    found = []
    if any(column.better for column in table.columns):
        found.append("↑ higher is better, ↓ lower is better")
    if any(cell.tied for cell in cells):
        by_pair = "the paired tests cannot tell it from the best (Wilcoxon, Holm within the metric, 5 %; "
        drawn = (
            "the 95 % interval of its difference from the best, images drawn anew, holds 0 or is of too few images ("
        )
        found.append(f"{TIED} {by_pair if table.task == FUSION else drawn}no correction across metrics)")
    if any(cell.interval for cell in cells):
        found.append("[low, high] 95 % interval, images drawn anew")
    for mark, names, text in (
        (TRAINED, table.trained, "trained on this set"),
        (STRETCHED, table.stretched, "its published way stretches the contrast"),
    ):
        listed = [
            table.title_of(row.method) + saw(table, mark, row.method) for row in table.rows if row.method in names
        ]
        if listed:
            found.append(f"{mark} {text}: {', '.join(listed)}")
    plain = [table.title_of(name) for name, way in table.ways.items() if way == "plain"]
    if plain and "published" in table.ways.values():
        found.append(f"plain way: {', '.join(plain)}")
    if any(remark(cell) for cell in cells):
        found.append("a number with a remark is not ranked")
    found += [f"{column.title} {column.note}" for column in table.columns if column.note]
    return found + ([table.caution] if table.caution else [])
