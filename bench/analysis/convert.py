"""Converts a table of metric values from one convention to another, where that is exact; refuses by name elsewhere."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.claims import Claim, ClaimColumn, ClaimTable
from bench.errors import BenchError
from bench.metrics.catalogue import METRICS, convention
from bench.metrics.facts import Convention, Use
from bench.metrics.spellings import ideas_of

_NAT = 1.0 / math.log(2.0)  # bits
_HARMLESS = ("stretch",)
"""Parameters that move no value: a stretch to 0..255 merges no levels, and joint histograms do not know their names."""


@dataclass(frozen=True, slots=True)
class Rule:
    """value x factor + offset, and how that is said."""

    factor: float
    offset: float
    formula: str


@dataclass(frozen=True, slots=True)
class Converted:
    """One column after the conversion, or why there is none.

    Attributes:
        header: as in the table.
        metric: name in the new convention; empty where refused.
        formula: what was done; empty where refused.
        refusal: why not; empty where converted.
        cells: the new values as text, aligned with the rows; empty cells stay empty.
    """

    header: str
    metric: str
    formula: str
    refusal: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converted table.

    Attributes:
        rows: (method, pair) of each row.
        columns: converted or refused.
        condition: under which the conversion is exact; empty: always.
    """

    rows: tuple[tuple[str, str], ...]
    columns: tuple[Converted, ...]
    condition: str

    def records(self) -> list[dict[str, str]]:
        """The rows of the new table: labels and the columns that could be converted."""
        kept = [column for column in self.columns if not column.refusal]
        records = []
        for index, (method, pair) in enumerate(self.rows):
            labels = {"method": method, "pair": pair}
            record = {name: text for name, text in labels.items() if any(row[name == "pair"] for row in self.rows)}
            records.append(record | {column.metric: column.cells[index] for column in kept})
        return records


def convert(table: ClaimTable, source: str, target: str) -> Conversion:
    """Converts every column of a table that has an exact counterpart; images are not needed.

    All conversions are affine, so that they hold for means over images as for single values.

    Args:
        table: values in the convention ``source``.
        source: convention of the table.
        target: convention wanted.

    Raises:
        BenchError: unknown convention, or two equal ones.
    """
    old, new = convention(source), convention(target)
    if old is new:
        raise BenchError(f"both conventions are {source}, wanted two")
    condition = ""
    if old.grey != new.grey:
        condition = f"exact for grey images; in colour {source} takes {old.input_text}, {target} {new.input_text}"
    return Conversion(table.rows, tuple(_column(column, old, new) for column in table.columns), condition)


def _column(column: ClaimColumn, old: Convention, new: Convention) -> Converted:
    use = _use(column.header, old)
    if use is None:
        return _refused(column, f"{old.name} defines no metric of that name")
    idea = METRICS[use.metric].idea
    counterparts = [each for each in new.uses.values() if METRICS[each.metric].idea == idea]
    if not counterparts:
        return _refused(column, f"{new.name} does not define {use.metric}")
    for counterpart in counterparts:
        rule = find_rule(use, counterpart)
        if rule is not None:
            cells = tuple(_text(claim, rule) if claim else "" for claim in column.claims)
            formula = f"{new.name} {counterpart.metric} = {rule.formula.replace('x', f'{old.name} {use.metric}', 1)}"
            return Converted(column.header, counterpart.metric, formula, "", cells)
    there = counterparts[0]
    return _refused(
        column, f"not exact: {old.name} {use.metric}: {_said(use)} {new.name} {there.metric}: {_said(there)}"
    )


def _refused(column: ClaimColumn, why: str) -> Converted:
    return Converted(column.header, "", "", why, ())


def _use(header: str, old: Convention) -> Use | None:
    """The metric of a convention that a header names: by its own name, else by the ideas the header may mean."""
    for use in old.uses.values():
        if use.metric.casefold() == header.strip().casefold():
            return use
    uses = [use for idea in ideas_of(header) for use in old.uses.values() if METRICS[use.metric].idea == idea]
    return uses[0] if uses else None


def _said(use: Use) -> str:
    changed = ", ".join(f"{name} {value}" for name, value in use.parameters)
    return use.definition + (f" ({changed})" if changed else "")


def find_rule(old: Use, new: Use) -> Rule | None:
    """The exact conversion between two ways to compute a metric; None if there is none."""
    if old.formula != new.formula or "channels" in (old.channels, new.channels):
        return None
    if {old.channels, new.channels} == {"mean", "side_by_side"}:
        return None
    before, after = dict(old.parameters), dict(new.parameters)
    differing = {name for name in before | after if before.get(name) != after.get(name)} - set(_HARMLESS)
    if not differing:
        return Rule(1.0, 0.0, "x")
    if len(differing) > 1:
        return None
    name = differing.pop()
    make = _RULES.get((old.formula, name))
    return make(before[name], after[name]) if make else None


def _unit(before: Any, after: Any) -> Rule:
    if before == "nat" and after == "bit":
        return Rule(_NAT, 0.0, "x / ln 2")
    return Rule(1.0 / _NAT, 0.0, "x * ln 2")


def _scale(before: Any, after: Any) -> Rule:
    return Rule(before / after, 0.0, f"x * {before:g}" if before > after else f"x / {after:g}")


def _squared_scale(before: Any, after: Any) -> Rule:
    factor = (before / after) ** 2
    return Rule(factor, 0.0, f"x * {before:g}^2" if before > after else f"x / {after:g}^2")


def _decibel(before: Any, after: Any) -> Rule:
    offset = 20.0 * math.log10(after / before)
    sign = "+" if offset > 0 else "-"
    return Rule(1.0, offset, f"x {sign} 20 log10({max(after / before, before / after):g}), {abs(offset):.4f} dB")


def _combine(before: Any, after: Any) -> Rule:  # noqa: ARG001 - one of several with one signature
    return Rule(0.5, 0.0, "x / 2") if before == "sum" else Rule(2.0, 0.0, "2 x")


_RULES: dict[tuple[str, str], Callable[[Any, Any], Rule]] = {
    ("entropy", "unit"): _unit,
    ("mutual_information", "unit"): _unit,
    ("structural_similarity", "combine"): _combine,
    ("spatial_frequency", "scale"): _scale,
    ("mean_squared_error", "scale"): _squared_scale,
    ("peak_signal_to_noise", "scale"): _decibel,
}
"""(Formula, the one parameter that differs) -> how the value changes."""


def _text(claim: Claim, rule: Rule) -> str:
    """The new value, to a tenth of what its printed digits allow."""
    value, unit = claim.value * rule.factor + rule.offset, 2.0 * claim.half * rule.factor
    if rule.factor == 1.0:
        return f"{value:.{max(0, round(-math.log10(unit)))}f}"
    return f"{value:.{max(0, math.ceil(-math.log10(unit)) + 1)}f}"


def as_text(records: Sequence[Mapping[str, str]], suffix: str) -> str:
    """A table as a file holds it: Markdown for ``.md``, else CSV."""
    headers = list(records[0]) if records else []
    if suffix == ".md":
        lines = [headers, ["---"] * len(headers), *([record[name] for name in headers] for record in records)]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)
    written = io.StringIO()
    writer = csv.DictWriter(written, headers, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return written.getvalue()
