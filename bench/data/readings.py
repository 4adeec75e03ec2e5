"""Ways to read a stranger's folder: which of its images are infrared, which visible, and which belong together."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import PurePosixPath

from bench.data.matching import ROLES, match_sides
from bench.data.names import PAIR, Place, read_names
from bench.data.survey import Group, Survey, role_of, split_of, words_of
from bench.errors import BenchError
from bench.images import read_image

MOST_GROUPS = 60
"""More folders than this are not compared with each other; they are read as one nested set."""


@dataclass(frozen=True, slots=True)
class Sides:
    """One part: where its two sides lie, and what about that is a guess."""

    name: str
    ir: str
    vis: str
    unsure: tuple[str, ...] = ()

    @property
    def blind(self) -> bool:
        """True if nothing at all tells which side is which."""
        return any(sentence.startswith(BLIND) for sentence in self.unsure)


BLIND = "neither names nor colour tell"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the folder."""

    parts: tuple[Sides, ...]
    four_channel: bool = False

    @property
    def doubts(self) -> int:
        """What speaks against it where another finds as many pairs: guesses, and parts that are only numbered."""
        numbered = sum(bool(re.search("[0-9]", part.name)) for part in self.parts)
        return sum(len(part.unsure) for part in self.parts) + (numbered if len(self.parts) > 1 else 0)


def _four_channels(seen: Survey) -> Iterator[Reading]:
    """Files whose fourth channel is an image of its own."""
    groups = [group for group in seen.groups.values() if group.headers and all(one.alpha for one in group.headers)]
    parts = [Sides(_part_name(group, group, groups), group.folder, group.folder) for group in groups]
    unsure = ("files have four channels, of which the fourth is taken for infrared",)
    yield Reading(tuple(Sides(part.name, part.ir, part.vis, unsure) for part in parts if _hides(seen, part.ir)), True)


def _hides(seen: Survey, folder: str) -> bool:
    """True if the alpha channel of a folder's images is no mere opacity."""
    try:
        for path in seen.groups[folder].sample():
            read_image(path)
    except BenchError:
        return True
    return False


def _two_folders(seen: Survey) -> Iterator[Reading]:
    """Each infrared folder with the visible one that fits it best."""
    groups = [group for group in seen.sources() if not _holds_both(group)]
    if not 2 <= len(groups) <= MOST_GROUPS:
        return
    fits = [fit for one, two in combinations(groups, 2) if (fit := _fit(one, two)) is not None]
    if any(group.role in ("ir", "vis") for group in groups):  # folders that say nothing are then something else
        fits = [fit for fit in fits if not fit[3] or not fit[3][0].startswith(BLIND)]
    taken: set[str] = set()
    pairs: list[tuple[Group, Group, tuple[str, ...]]] = []
    for _, ir, vis, unsure in sorted(fits, key=lambda fit: fit[0], reverse=True):
        if not {ir.folder, vis.folder} & taken:
            taken |= {ir.folder, vis.folder}
            pairs.append((ir, vis, unsure))
    every = [ir for ir, _, _ in pairs]
    parts: list[Sides] = []
    for ir, vis, unsure in pairs:
        name = _part_name(ir, vis, every)
        number = sum(part.name.startswith(name) for part in parts)
        places = _patterns(ir, vis)
        parts.append(Sides(f"{name}_{number + 1}" if number else name, *places, unsure))
    yield Reading(tuple(parts))


def _holds_both(group: Group) -> bool:
    """True for a folder whose images say themselves that both sides are among them, as ``ir.png`` beside ``vi.png``."""
    counts = dict.fromkeys(ROLES, 0)
    for name in group.names:
        words = set(re.findall("[a-z]+", name))
        for role, known in ROLES.items():
            counts[role] += bool(words & known)
    return min(counts.values()) * 3 >= len(group.names)


Score = tuple[bool, bool, bool, bool, float, int, int]


def _fit(one: Group, two: Group) -> tuple[Score, Group, Group, tuple[str, ...]] | None:
    """How well two folders make a part, and which is the infrared one; None if they do not."""
    if one.split and two.split and one.split != two.split:
        return None
    shared = _shared(one, two)
    sides = _sides(one, two) if shared else None
    if sides is None:
        return None
    ir, vis, unsure = sides
    parts = [PurePosixPath(group.folder).parts for group in (one, two)]
    near = sum(a == b for a, b in zip(*parts, strict=False))
    sizes = {header[:2] for group in (one, two) for header in group.headers[:1]}
    pictures = {"color", "colour"} & {*words_of(one.folder), *words_of(two.folder)}  # of labels, it may be
    score = (
        not unsure, len(sizes) == 1, not pictures, one.split == two.split,
        shared / min(len(one.names), len(two.names)), near, shared,
    )  # fmt: skip
    return score, ir, vis, unsure


def _shared(one: Group, two: Group) -> int:
    """How many names both folders have, as they stand or by their words, or in one pattern each."""
    if plain := len(one.names & two.names):
        return plain
    try:
        ir, vis = (one, two) if one.role != "vis" and two.role != "ir" else (two, one)
        sides = match_sides(read_names(Place(ir.base)), read_names(Place(vis.base)))
        if read := len(sides.ir.keys() & sides.vis.keys()):
            return read
    except BenchError:
        pass
    return len(_middles(one).keys() & _middles(two).keys())


def _sides(one: Group, two: Group) -> tuple[Group, Group, tuple[str, ...]] | None:
    """Infrared, visible, and what is unsure about it."""
    roles = one.role, two.role
    if roles == ("ir", "vis"):
        return one, two, ()
    if roles == ("vis", "ir"):
        return two, one, ()
    if one.role == two.role and one.role:
        return None
    if "ir" in roles or "vis" in roles:
        ir, vis = (one, two) if one.role == "ir" or two.role == "vis" else (two, one)
        unnamed = "infrared" if not ir.role else "visible"
        return (
            ir,
            vis,
            (f"{(vis if ir.role else ir).folder} is taken for the {unnamed} side of {ir.folder}, {vis.folder}",),
        )
    return _by_content(one, two)


def _by_content(one: Group, two: Group) -> tuple[Group, Group, tuple[str, ...]]:
    """Which of two folders is infrared by depth or colour, where their names do not tell."""
    for ir, vis in ((one, two), (two, one)):
        if ir.bits > 8 >= vis.bits:
            return ir, vis, (f"{ir.folder} is taken for infrared, for its images have {ir.bits} bits",)
    for ir, vis in ((one, two), (two, one)):
        if ir.grey and not vis.grey:
            return (
                ir,
                vis,
                (f"{ir.folder} is taken for infrared, for its images are grey and those of {vis.folder} are not",),
            )
    return one, two, (
        f"{BLIND} {one.folder} from {two.folder}: {one.folder} is taken for infrared, exchange "
        "them if that is wrong",
    )  # fmt: skip


def _middles(group: Group) -> dict[str, str]:
    """What is left of each name between the letters that all of them begin and end with -> the name."""
    before, after = _common(sorted(group.names))
    return {name[len(before) : len(name) - len(after)]: name for name in group.names}


def _common(names: Sequence[str]) -> tuple[str, str]:
    """The letters, not digits, that all names begin and end with."""
    if len(names) < 2:
        return "", ""
    before = next(iter(re.findall(r"^[^0-9]*", _start(names))), "")
    after = next(iter(re.findall(r"[^0-9]*$", _start([name[len(before) :][::-1] for name in names])[::-1])), "")
    return before, after


def _start(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    return first[
        : next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    ]


def _patterns(ir: Group, vis: Group) -> tuple[str, str]:
    """The folders, with patterns where their names fit in no other way."""
    if ir.names & vis.names:
        return ir.folder, vis.folder
    try:
        sides = match_sides(read_names(Place(ir.base)), read_names(Place(vis.base)))
        if sides.ir.keys() & sides.vis.keys():
            return ir.folder, vis.folder
    except BenchError:
        pass
    found = []
    for group in (ir, vis):
        before, after = _common(sorted(group.names))
        found.append(_joined(group.folder, f"{before}{PAIR}{after}"))
    return found[0], found[1]


def _joined(folder: str, pattern: str) -> str:
    return pattern if folder == "." else f"{folder}/{pattern}"


def _one_folder(seen: Survey) -> Iterator[Reading]:
    """Folders that hold both sides, told apart by words in names, or else by two beginnings or endings of names."""
    parts = []
    for group in seen.groups.values():
        if group.role in ("truth", "other"):
            continue
        name = group.split or _part_name(group, group, list(seen.groups.values()))
        try:
            names = read_names(Place(group.base))
            sides = match_sides(names, names)
            if sides.pattern and len(sides.ir.keys() & sides.vis.keys()) * 3 >= len(group.paths):
                parts.append(Sides(name, group.folder, group.folder))
                continue
        except BenchError:
            pass
        parts += _two_affixes(group, name)
    yield Reading(tuple(parts))


AFFIXES = (
    r"(?P<pair>.*[0-9])(?P<word>[_\- ]*[a-z]+[0-9]?)", r"(?P<pair>.+)(?P<word>[_\- ][a-z0-9]+)",
    r"(?P<word>[a-z]+[_\- ]*)(?P<pair>[0-9].*)", r"(?P<word>[a-z0-9]+[_\- ])(?P<pair>.+)",
    r"(?P<pair>.+)(?P<word>[a-z])", r"(?P<pair>.*[0-9])(?P<word>([_\- ][a-z]+)+)",
)  # fmt: skip
"""A name as its pair's own part and a word, or words, behind or before it."""


def _two_affixes(group: Group, name: str) -> list[Sides]:
    """A folder whose names come in two kinds, as ``001a`` and ``001b``, or in more of which two tell their side."""
    for shape in AFFIXES:
        found: dict[str, set[str]] = {}
        for text in group.names:
            if fits := re.fullmatch(shape, text):
                found.setdefault(fits["word"], set()).add(fits["pair"])
        telling = {word for word in found if role_of(word) in ("ir", "vis")}
        if len(found) > 2 and len(telling) == 2:
            found = {word: found[word] for word in telling}
        if len(found) != 2:
            continue
        (one, first), (two, second) = sorted(found.items())
        if len(first & second) * 3 < len(group.names):
            continue
        kinds = [_kind(group, word, shape) for word in (one, two)]
        ir, vis, unsure = _sides(*kinds) or _by_content(*kinds)
        left, right = (_joined(group.folder, _affix(shape, each.folder)) for each in (ir, vis))
        said = unsure[0] if unsure else f"{ir.folder} is taken for infrared"
        return [Sides(name, left, right, (f"both sides lie in {group.folder}, as {left} and {right}; {said}",))]
    return []


def _kind(group: Group, word: str, shape: str) -> Group:
    """Those images of a folder that have one of the two words, under that word's name."""
    paths = []
    for path in group.paths:
        fits = re.fullmatch(shape, path.stem.casefold())
        if fits and fits["word"] == word:
            paths.append(path)
    return Group(word, group.base, tuple(paths))


def _affix(shape: str, word: str) -> str:
    return f"{word}{PAIR}" if shape.startswith("(?P<word>") else f"{PAIR}{word}"


def _nested(seen: Survey) -> Iterator[Reading]:
    """Folders within folders, whose sides are told apart by words of their paths: as one part, or one of each split."""
    if len(seen.groups) < 2:
        return
    told = [group.folder for group in seen.groups.values() if group.role in ("ir", "vis")]
    common = os.path.commonpath(told) if told else ""
    whole = Sides("test", common or ".", common or ".")
    splits: dict[str, str] = {}
    for group in seen.groups.values():
        parts = PurePosixPath(group.folder).parts
        at = next((at for at, part in enumerate(parts) if group.split and split_of(part)), None)
        if at is not None:
            splits["/".join(parts[: at + 1])] = group.split
    by_split = {split: folder for folder, split in splits.items()}
    if len(by_split) == len(splits):
        yield Reading(tuple(Sides(split, folder, folder) for split, folder in by_split.items()))
    yield Reading((whole,))


READINGS: tuple[Callable[[Survey], Iterator[Reading]], ...] = (_four_channels, _two_folders, _one_folder, _nested)
"""In order: of two by which equally many pairs are found the earlier is taken."""


def _part_name(ir: Group, vis: Group, every: Sequence[Group]) -> str:
    """``train``, ``val`` or ``test`` where the path says so; else its own words, if there are several parts."""
    if split := ir.split or vis.split:
        return split
    if len(every) < 2:
        return "test"
    own = [part for part in PurePosixPath(ir.folder).parts if part in PurePosixPath(vis.folder).parts]
    name = as_name("_".join(own))
    return name or "test"


def as_name(text: str) -> str:
    """A name for a data set or part: lower-case letters, digits, _."""
    return re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")
