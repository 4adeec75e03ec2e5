"""Which files make a pair, and which fused image is whose: names compared, and read where none fits as it stands.

Names that are equal go first. Where none is, the text around the pair's own name is looked for; where that can be read
in two ways, the user is asked for a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.names import PAIR, Found, Names, Place, key_of, natural
from bench.errors import BenchError
from bench.types import Problem

ROLES = {
    "ir": frozenset({
        "ir", "i", "inf", "infra", "infrared", "lwir", "tir", "thermal", "therm", "th", "t", "nir", "swir", "mwir",
        "previewdata", "fir",
    }),
    "vis": frozenset({
        "vi", "v", "vis", "visible", "visual", "rgb", "color", "colour", "tv", "eo", "vl", "viz",
    }),
}  # fmt: skip
"""Words that tell the two sides of a pair apart in file and folder names."""


# ------------------------------------------------------------------ names within names


def _boundaries(stem: str) -> list[int]:
    """Where one word or number of a name ends and the next begins."""

    def kind(letter: str) -> int:
        return 0 if letter.isdigit() else 1 if letter.isalpha() else 2

    inner = [
        at
        for at in range(1, len(stem))
        if kind(stem[at - 1]) != kind(stem[at])
        or kind(stem[at]) == 2
        or (stem[at - 1].islower() and stem[at].isupper())
    ]
    return [0, *inner, len(stem)]


MOST_BOUNDARIES = 40
"""Longer names have no readable structure, and would cost time."""


def _parts(stem: str) -> Iterator[tuple[str, str, str]]:
    """Every way to write a name as (before, word or words, after)."""
    cuts = _boundaries(stem)[:MOST_BOUNDARIES]
    for first, start in enumerate(cuts):
        for end in cuts[first + 1 :]:
            yield stem[:start], stem[start:end], stem[end:]


Affix = tuple[str, str]
"""The text before and behind a pair's name, in lower case."""


def fit_names(names: Names, wanted: Sequence[str], role: str = "") -> dict[str, Found]:
    """The file of each wanted name that has one, by the name as it is wanted.

    Names that stand there as they are wanted go first. If none does, the one text around them that most files share is
    taken for part of their pattern.

    Args:
        names: of a place.
        wanted: names of pairs.
        role: ``ir`` or ``vis``, where both sides may lie in one folder.

    Raises:
        BenchError: the names can be read in two ways.
    """
    keys = {key_of(name): name for name in wanted}
    plain = {keys[key]: found for key, found in names.files.items() if key in keys}
    if plain or any(key in keys for key in names.twins) or names.place.pattern:
        return plain
    readings: dict[Affix, dict[str, list[Found]]] = {}
    for found in names.files.values():
        for before, middle, after in _parts(found.name):
            if key_of(middle) in keys:
                affix = key_of(before), key_of(after)
                readings.setdefault(affix, {}).setdefault(keys[key_of(middle)], []).append(found)
    return _best_reading(names, readings, role)


def _best_reading(names: Names, readings: dict[Affix, dict[str, list[Found]]], role: str) -> dict[str, Found]:
    if role:
        of_role = {affix: found for affix, found in readings.items() if _has_role(affix, role)}
        readings = of_role or readings
    if not readings:
        return {}
    order = sorted(readings, key=lambda affix: (-len(readings[affix]), affix))
    best = readings[order[0]]
    if len(order) > 1 and len(readings[order[1]]) == len(best):
        shown = " and ".join(f"{before}{PAIR}{after}" for before, after in order[:2])
        raise BenchError(
            f"{names.place.folder}: its names can be read as {shown}; say which, e.g. {names.place.folder}/"
            f"{order[0][0]}{PAIR}{order[0][1]}"
        )
    return {name: found[0] for name, found in best.items() if len(found) == 1}


def _has_role(affix: Affix, role: str) -> bool:
    return any(middle in ROLES[role] for text in affix for _, middle, _ in _parts(text))


def leftovers(names: Names, taken: Iterable[Found]) -> list[str]:
    """Files that belong to no pair, as paths below the folder; twins are named elsewhere."""
    used = {found.path for found in taken}
    return sorted((names.below(f.path) for f in names.files.values() if f.path not in used), key=natural)


# ------------------------------------------------------------------ two sides


@dataclass(frozen=True, slots=True)
class Sides:
    """The pairs of two places.

    Attributes:
        ir: the infrared file of each pair's name; a name may be on one side alone.
        vis: the visible file of each pair's name.
        pattern: how the names were read, in words; empty where they are equal as they stand.
    """

    ir: dict[str, Found]
    vis: dict[str, Found]
    pattern: str = ""

    def names(self) -> list[str]:
        """All pairs, in natural order."""
        return sorted({**self.vis, **self.ir}, key=natural)


def match_sides(ir: Names, vis: Names) -> Sides:
    """Finds which infrared and which visible file make a pair.

    Equal names go first; where there are none, or both sides are one folder, the words of ``ROLES`` tell the sides
    apart, if they do so in one way only. Where no word does, names that differ by leading zeros are taken for equal.

    Raises:
        BenchError: the names can be paired in two ways.
    """
    one_folder = _same_place(ir.place, vis.place)
    plain = _plain_sides(ir, vis)
    if not one_folder and (ir.files.keys() & vis.files.keys() or ir.place.pattern or vis.place.pattern):
        return plain
    best = _by_role(ir, vis, one_folder)
    if best is None and not one_folder:
        best = _by_number(ir, vis)
    return plain if best is None else best


def _by_number(ir: Names, vis: Names) -> Sides | None:
    """Names that differ by zeros before their numbers alone, ``1`` and ``0001``; None if there are none."""
    sides: tuple[dict[str, list[Found]], dict[str, list[Found]]] = ({}, {})
    for side, names in zip(sides, (ir, vis), strict=True):
        for key, found in names.files.items():
            side.setdefault(_without_zeros(key), []).append(found)
    if not sides[0].keys() & sides[1].keys():
        return None
    spelled: dict[str, str] = {}
    visible = _single(vis, sides[1], spelled)
    return Sides(_single(ir, sides[0], spelled), visible, "numbers in names are read without the zeros before them")


def _without_zeros(name: str) -> str:
    """The name without the zeros that its numbers begin with.

    >>> _without_zeros("a007_00_120")
    'a7_0_120'
    """
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", name)


def _same_place(ir: Place, vis: Place) -> bool:
    try:
        return ir.pattern == vis.pattern and ir.folder.samefile(vis.folder)
    except OSError:
        return False


def _plain_sides(ir: Names, vis: Names) -> Sides:
    spelled = {key: found.name for side in (ir, vis) for key, found in side.files.items()}
    return Sides(
        {spelled[key]: found for key, found in ir.files.items()},
        {spelled[key]: found for key, found in vis.files.items()},
    )


def _by_role(ir: Names, vis: Names, one_folder: bool) -> Sides | None:
    readings = {role: _role_readings(side.files.values(), role) for role, side in (("ir", ir), ("vis", vis))}
    if not one_folder:  # one side may have the plain names
        readings["ir"][""] = {key: [found] for key, found in ir.files.items()}
        readings["vis"][""] = {key: [found] for key, found in vis.files.items()}
    ranked = _ranked(readings)
    if not ranked:  # both the folder and the file may say the side
        readings = {role: _without_a_second_word(found, role) for role, found in readings.items()}
        ranked = _ranked(readings)
    if not ranked:
        return None
    if len(ranked) > 1 and ranked[1][0] == ranked[0][0]:
        ways = " or ".join(f"{one or PAIR} with {two or PAIR}" for _, one, two in ranked[:2])
        raise BenchError(
            f"{ir.place.folder} and {vis.place.folder}: names can be paired as {ways}; give patterns, e.g. "
            f"{ir.place.folder}/{PAIR}_ir and {vis.place.folder}/{PAIR}_vis"
        )
    _, one, two = ranked[0]
    shown = f"names are read as {one or PAIR} with {two or PAIR}"
    spelled: dict[str, str] = {}
    visible = _single(vis, readings["vis"][two], spelled)
    return Sides(_single(ir, readings["ir"][one], spelled), visible, shown)


Readings = dict[str, dict[str, list[Found]]]
"""How names are read -> what is then left of each -> the files."""


def _ranked(readings: Mapping[str, Readings]) -> list[tuple[int, str, str]]:
    """How many names both sides share under each two readings of them, and these; only those that share some."""
    shared = (
        (len(a.keys() & b.keys()), one, two) for one, a in readings["ir"].items() for two, b in readings["vis"].items()
    )
    return sorted((item for item in shared if item[0]), reverse=True)


def _without_a_second_word(first: Readings, role: str) -> Readings:
    """Readings of what other readings leave, each way of it once: ``s00/infrared/1i`` is ``s00_1``."""
    found: Readings = {}
    known: set[frozenset[tuple[str, Path]]] = set()
    for shape, reading in first.items():
        left = [Found(each.name, each.name, each.path) for same in reading.values() for each in same]
        for further, again in _role_readings(left, role).items():
            content = frozenset((key, each.path) for key, same in again.items() for each in same)
            if content not in known:
                known.add(content)
                found[" and ".join(filter(None, (shape, further)))] = again
    return found


def _role_readings(files: Iterable[Found], role: str) -> Readings:
    """Word and place of the word -> what is left of each name without it -> the files."""
    readings: Readings = {}
    for found in files:
        for before, word, after in _parts(found.stem):
            left = _joined(before, after)
            if key_of(word) in ROLES[role] and left:
                shape = f"{PAIR if before else ''}{key_of(word)}{PAIR if after else ''}"
                reading = readings.setdefault(shape, {})
                reading.setdefault(key_of(left), []).append(Found(left, found.stem, found.path))
    return readings


def _joined(before: str, after: str) -> str:
    """What is left of a name without its word: ``set00/V000/`` and ``/I00000`` give ``set00_V000_I00000``."""
    edge = "/_-. "
    return "_".join(part for part in (before.rstrip(edge), after.lstrip(edge)) if part).strip(edge).replace("/", "_")


def _single(names: Names, reading: dict[str, list[Found]], spelled: dict[str, str]) -> dict[str, Found]:
    """One file of each name; names that two files would have are named as twins."""
    chosen: dict[str, Found] = {}
    for key, found in reading.items():
        if len(found) == 1:
            chosen[spelled.setdefault(key, found[0].name)] = found[0]
        else:
            files = ", ".join(sorted(names.below(each.path) for each in found))
            text = f"{len(found)} files are of the pair {found[0].name!r} ({files}), none is taken; keep one"
            names.problems.append(Problem(str(names.place.folder), text))
    return chosen
