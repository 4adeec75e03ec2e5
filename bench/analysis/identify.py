"""Which convention made a table: claimed values against what every convention gives on the same images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from bench.analysis.claims import Claim, ClaimColumn, ClaimTable, significant
from bench.analysis.variants import Numbers, Transform, variants
from bench.metrics.catalogue import CONVENTIONS, METRICS
from bench.metrics.facts import Use
from bench.metrics.spellings import ideas_of, written

NONE = "none"
NEAR = 0.02
"""Relative: a convention whose worst row is this close to the claims comes near."""
EXACT_TO = 1e-9
"""Relative: how exactly variants are known."""
_SLACK = 1e-6  # of half a digit: a tie of rounding may fall on either side

Source = tuple[str, str, str]
"""Convention, how the images were read (empty: as the convention does), metric as the convention writes it."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What the engine gives for the rows of a table.

    Attributes:
        values: source -> for each row of the table the values of its images; one image per row, or all of a method.
        pixels: for each row the numbers of pixels of its images.
    """

    values: Mapping[Source, Sequence[Numbers]]
    pixels: Sequence[Numbers]


@dataclass(frozen=True, slots=True)
class Match:
    """One way of computing a metric, against one column of claims.

    Attributes:
        convention: its name.
        variant: what differs from the convention; empty where nothing does.
        metric: as the convention writes it.
        worst_relative: largest relative difference to a claim.
        met: how many claims of the column it meets.
        claims: how many the column holds.
        misfit: mean squared difference in units of half a printed digit; about 1/3 for the right one.
    """

    convention: str
    variant: str
    metric: str
    worst_relative: float
    met: int
    claims: int
    misfit: float


@dataclass(frozen=True, slots=True)
class Identified:
    """What made one column.

    Attributes:
        column: its header.
        metric: as the verdict's convention writes it; the likeliest reading of the header where there is none.
        verdict: a convention, or ``none``.
        variant: of the verdict; empty where it is the convention itself.
        matches: all that meet every claim, the verdict first.
        near: up to three that do not, the nearest first.
    """

    column: str
    metric: str
    verdict: str
    variant: str
    matches: tuple[Match, ...]
    near: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Identification:
    """What made each column of a table, and which headers hold no metric."""

    columns: tuple[Identified, ...]
    ignored: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The form of ``bench identify --json``."""
        return {
            "columns": [
                {
                    "column": each.column, "metric": each.metric, "verdict": each.verdict, "variant": each.variant,
                    "matches": [_as_json(match) for match in each.matches],
                    "near": [{**_as_json(match), "met": match.met, "claims": match.claims} for match in each.near],
                }
                for each in self.columns
            ],
            "ignored": list(self.ignored),
            "caption": self.caption(),
        }  # fmt: skip

    def caption(self) -> str:
        """A sentence fit for a caption."""
        groups: dict[str, list[str]] = {}
        for each in self.columns:
            name = f"`{each.verdict}`" + (f" ({each.variant})" if each.variant else "")
            groups.setdefault(name if each.verdict != NONE else NONE, []).append(each.column)
        missed = groups.pop(NONE, [])
        parts = [f"{', '.join(columns)} as in ivif-bench convention {name}" for name, columns in groups.items()]
        if missed:
            parts.append(f"{', '.join(missed)} reproduced by none of its {len(CONVENTIONS)} conventions")
        return "; ".join(parts) + "."


def wanted_metrics(table: ClaimTable) -> dict[str, tuple[str, ...]]:
    """Convention -> metrics that some column may mean; what must be computed to judge a table.

    A header that is no metric's name may mean any of those that cost little.
    """
    wanted: dict[str, tuple[str, ...]] = {}
    for name, entry in CONVENTIONS.items():
        found = {use.metric for column in table.columns for use in candidates(column.header, name)}
        if found:
            wanted[name] = tuple(metric for metric in entry.uses if metric in found)
    return wanted


def candidates(header: str, convention: str) -> list[Use]:
    """The metrics of a convention that a header may mean."""
    ideas = ideas_of(header)
    uses = [use for use in CONVENTIONS[convention].uses.values() if not use.extra]
    return [use for use in uses if (METRICS[use.metric].idea in ideas if ideas else use.quick)]


def identify(table: ClaimTable, scored: Scored) -> Identification:
    """Says for every column which convention, or variant of one, reproduces the claims.

    A claim is met within half of its last printed digit or the convention's stated error, whichever is larger; variants
    have none. Columns met by several conventions go to the fewest conventions that explain the table; among those to
    one that writes the metric as the header does, then to the one that explains most of the table, then to the closest.
    A convention itself goes before a variant of another. One short number alone is met by a variant, or by a metric of
    another name, only where its convention explains another column too.

    Args:
        table: the claims.
        scored: values of :func:`wanted_metrics` for the same rows.
    """
    judged = _without_coincidences(table.columns, [_judge(column, scored) for column in table.columns])
    exact = [[match for match in _met(matches) if not match.variant] for matches in judged]
    chosen = _fewest(exact)
    columns = []
    for column, matches, own in zip(table.columns, judged, exact, strict=True):
        met = sorted(_met(matches), key=lambda match: _order(match, bool(own), chosen, column.header))
        first = met[0] if met else None
        missed = [match for match in matches if match.met < match.claims]
        near = sorted(missed, key=lambda match: (-match.met, match.worst_relative))
        columns.append(
            Identified(
                column.header,
                first.metric if first else (ideas_of(column.header) or ("",))[0],
                first.convention if first else NONE,
                first.variant if first else "",
                tuple(met),
                tuple(match for match in near if match.worst_relative <= NEAR or 2 * match.met > match.claims)[:3],
            )
        )
    return Identification(tuple(columns), table.ignored)


SHORT = 4
"""Significant digits below which one number alone may be met by chance."""


def _without_coincidences(columns: Sequence[ClaimColumn], judged: Sequence[list[Match]]) -> list[list[Match]]:
    """The matches, less those of one short number by what nothing else in the table speaks for."""
    plain = [
        {match.convention for match in _met(matches) if not match.variant and _is_spelt(match, column)}
        for column, matches in zip(columns, judged, strict=True)
    ]
    found = []
    for index, (column, matches) in enumerate(zip(columns, judged, strict=True)):
        elsewhere = set().union(*plain[:index], *plain[index + 1 :])
        claims = [claim for claim in column.claims if claim is not None]
        weak = len(claims) == 1 and significant(claims[0].text) < SHORT
        found.append([
            replace(match, met=0)
            if weak and (match.variant or not _is_spelt(match, column)) and match.convention not in elsewhere
            else match
            for match in matches
        ])  # fmt: skip
    return found


def _is_spelt(match: Match, column: ClaimColumn) -> bool:
    return written(match.metric).replace("/", "") == written(column.header).replace("/", "")


def _judge(column: ClaimColumn, scored: Scored) -> list[Match]:
    """Every way to compute what the header may mean, against the claims."""
    matches = []
    named = bool(ideas_of(column.header))
    for name in CONVENTIONS:
        for use in candidates(column.header, name):
            for (convention, images, metric), rows in scored.values.items():
                if (convention, metric) != (name, use.metric):
                    continue
                for variant in variants(use) if named else variants(use)[:1]:
                    text = ", ".join(part for part in (images, variant.name) if part)
                    matches.append(_match(column, (name, text, metric), rows, scored.pixels, variant.change))
    return matches


def _match(
    column: ClaimColumn, key: Source, rows: Sequence[Numbers], pixels: Sequence[Numbers], change: Transform
) -> Match:
    # what single precision left of the original says nothing of a variant, whose program nobody has seen
    error = EXACT_TO if key[1] else CONVENTIONS[key[0]].stated_error(key[2])
    worst, misfit = 0.0, 0.0
    apart: list[float] = []  # in halves of a printed digit
    met: list[bool] = []
    for claim, values, sizes in zip(column.claims, rows, pixels, strict=True):
        if claim is None:
            continue
        found = float(np.mean(change(values, sizes))) if values.size else float("nan")
        difference = abs(found - claim.value)
        allowed = max(claim.half * (1.0 + _SLACK), error * abs(found))
        met.append(bool(difference <= allowed))  # False for NaN, too
        apart.append(difference / claim.half)
        worst = max(worst, _relative(difference, claim))
        misfit += (difference / claim.half) ** 2 if np.isfinite(difference) else np.inf
    count = len(met)
    right = sum(met) - _alone(apart, met)
    return Match(key[0], key[1], key[2], worst, right, count, _rounded(misfit / max(count, 1)))


FAR = 3.0
"""Halves of a printed digit."""


def _alone(apart: Sequence[float], met: Sequence[bool]) -> bool:
    """True if one claim is met by the stated error alone, and by far, where all others are met to the digit.

    Such an error stands for arithmetic that nobody can repeat, which moves many claims a little, not one by more than
    a digit: that one is another number.
    """
    loose = [distance for distance in apart if distance > 1.0 + _SLACK]
    return len(met) > 2 and all(met) and len(loose) == 1 and loose[0] >= FAR


def _rounded(misfit: float) -> float:
    """To six digits, so that rounding does not choose between equal values."""
    return float(f"{misfit:.6g}")


def _relative(difference: float, claim: Claim) -> float:
    if not np.isfinite(difference):
        return float("inf")
    return difference / abs(claim.value) if claim.value else difference / claim.half


def _met(matches: Iterable[Match]) -> list[Match]:
    return [match for match in matches if match.met == match.claims]


def _fewest(exact: Sequence[Sequence[Match]]) -> dict[str, tuple[float, float, int]]:
    """Convention -> its place in the order of preference: the fewest conventions that explain all that can be.

    Among equally few the set that explains most counts, then the one whose misfit is smallest, then the catalogue's
    order; conventions outside the set come after those in it.
    """
    columns = [{match.convention: match.misfit for match in matches} for matches in exact if matches]
    names = [name for name in CONVENTIONS if any(name in column for column in columns)]
    for size in range(1, len(names) + 1):
        covers = [group for group in combinations(names, size) if all(set(group) & set(column) for column in columns)]
        if covers:
            best = min(covers, key=lambda group: _cost(group, columns))
            return {name: (float(name not in best), *_place(name, columns)) for name in names}
    return {}


def _cost(group: Sequence[str], columns: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    explained = sum(name in column for name in group for column in columns)
    misfit = sum(min(column[name] for name in group if name in column) for column in columns)
    return (-float(explained) if len(group) > 1 else 0.0, _rounded(misfit))


def _place(name: str, columns: Sequence[Mapping[str, float]]) -> tuple[float, int]:
    return -float(sum(name in column for column in columns)), list(CONVENTIONS).index(name)


def _order(match: Match, own: bool, chosen: Mapping[str, tuple[float, float, int]], header: str) -> tuple[Any, ...]:
    """Chosen conventions first, those that write the metric as the header does before others."""
    outside, *place = chosen.get(match.convention, (2.0, 0.0, len(CONVENTIONS)))
    listed = list(CONVENTIONS).index(match.convention)
    spelt = match.metric != header
    return (own and bool(match.variant), outside, spelt, *place, bool(match.variant), match.misfit, listed)


def summary_rows(identification: Identification) -> list[dict[str, Any]]:
    """The screen table: one row per column."""
    rows = []
    for each in identification.columns:
        others = [_in_words(match) for match in each.matches[1:]]
        near = [f"{_in_words(match)} ({match.met}/{match.claims}, {match.worst_relative:.2g})" for match in each.near]
        rows.append({
            "column": each.column, "verdict": each.verdict, "variant": each.variant, "metric": each.metric,
            "worst": f"{each.matches[0].worst_relative:.1e}" if each.matches else "",
            "also met by": ", ".join(others[:6]) + (", ..." if len(others) > 6 else ""), "near": ", ".join(near),
        })  # fmt: skip
    return rows


def _in_words(match: Match) -> str:
    return f"{match.convention} ({match.variant})" if match.variant else match.convention


def _as_json(match: Match) -> dict[str, Any]:
    return {
        "convention": match.convention, "variant": match.variant, "metric": match.metric,
        "worst_relative": match.worst_relative if np.isfinite(match.worst_relative) else None,
    }  # fmt: skip
