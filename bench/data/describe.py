"""``bench data describe``: looks at a stranger's folder as it lies and writes its entry, saying what it is unsure of.

Several readings of the folder are tried, and the one by which the most pairs are found, by the same lister that a run
uses, is taken: nothing is written that the rest of the program would read otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from bench.data.catalogue import Dataset
from bench.data.describe_truth import Truth, box_truth, label_truth, lists_of
from bench.data.listing import Listing
from bench.data.names import PAIR, Place, some
from bench.data.readings import READINGS, Reading, as_name
from bench.data.spec import RESERVED, TRAIN, DatasetSpec
from bench.data.survey import Group, Survey, split_of, survey
from bench.errors import BenchError
from bench.images import is_grey, read_image


@dataclass(frozen=True, slots=True)
class Description:
    """What was found of a folder.

    Attributes:
        name: of the data set.
        top: the folder.
        entry: as it stands in a file of data sets.
        pairs: how many pairs each part has, as a run would list them.
        unsure: what should be looked at, a sentence each.
    """

    name: str
    top: Path
    entry: dict[str, Any]
    pairs: dict[str, int]
    unsure: tuple[str, ...] = field(default=())

    def text(self) -> str:
        """The file: what was found and what is unsure as comments, then the entry."""
        found = ", ".join(f"{part} {count}" for part, count in self.pairs.items())
        lines = [f"# pairs found in {self.top}: {found}"]
        lines += [f"# unsure: {sentence}" for sentence in self.unsure] or ["# nothing here is unsure"]
        body = {"datasets": {self.name: self.entry}}
        return "\n".join(lines) + "\n" + yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110)


def describe_folder(top: Path) -> Description:
    """Looks at a folder and describes it as a data set.

    Args:
        top: the folder; its parent is the data root that the entry is for.

    Raises:
        BenchError: not a folder, or no two images in it make a pair; says what was seen.
    """
    top = top.expanduser().absolute()
    seen = survey(top)
    readings = [reading for make in READINGS for reading in make(seen) if reading.parts]
    ranked = [(_rank(reading, _count(seen, reading)), reading) for reading in readings]
    best = max(ranked, key=lambda item: item[0], default=((0, 0, 0), Reading(())))
    if not best[0][1]:
        raise BenchError(f"{top}: {_why_not(seen)}")
    return _described(seen, best[1])


def _rank(reading: Reading, counts: Mapping[str, int]) -> tuple[int, int, int]:
    """The more pairs the better; those of which nothing tells the sides count where there are no others."""
    told = sum(counts.get(part.name, 0) for part in reading.parts if not part.blind)
    return told, sum(counts.values()), -reading.doubts


def _why_not(seen: Survey) -> str:
    folders = [f"{group.folder} ({len(group.paths)} images)" for group in seen.groups.values()]
    unread = f", and {some(seen.unreadable)}, which are not read" if seen.unreadable else ""
    return (
        f"no two of its images make a pair: seen {some(folders)}{unread}; wanted infrared and visible images of equal "
        f"names, or names that differ by a word such as ir and vis; give patterns, e.g. --ir '{seen.top}/{PAIR}_a'"
    )


def _name_of(top: Path) -> str:
    name = as_name(top.name) or "own"
    return f"{name}_data" if name in RESERVED else name


def _spec(seen: Survey, reading: Reading, more: Mapping[str, Any] | None = None) -> DatasetSpec:
    return DatasetSpec.model_validate(_entry(seen, reading, more or {}))


def _entry(seen: Survey, reading: Reading, more: Mapping[str, Any]) -> dict[str, Any]:
    """The entry in the order that a reader expects; ``more`` holds truth by part, and what stands beside the layout."""
    parts = {
        part.name: {"ir": part.ir, "vis": part.vis, **more.get("truth", {}).get(part.name, {})}
        for part in reading.parts
    }
    layout = {"folder": seen.top.name, **({"four_channel": True} if reading.four_channel else {}), "parts": parts}
    others = [name for name in parts if name != TRAIN]
    default = "test" if "test" in parts else (others or list(parts))[0]
    beside = {key: value for key, value in more.items() if key != "truth" and value}
    deep = any(group.bits > 8 for group in _used(seen, reading))
    return {
        "layouts": [layout],
        **({"default_split": default} if default != "test" else {}),
        **({"ir_range": "percentile"} if deep else {}),
        **beside,
    }


def _used(seen: Survey, reading: Reading) -> list[Group]:
    """The folders that a reading takes images from."""
    places = {Place.of(seen.top / side).folder for part in reading.parts for side in (part.ir, part.vis)}
    own = {group.base for group in seen.groups.values()}
    return [
        group for group in seen.sources() if group.base in places or {*group.base.parents} & (places - own)
    ]  # fmt: skip


def _dataset(seen: Survey, spec: DatasetSpec, part: str) -> Dataset:
    return Dataset(_name_of(seen.top), spec, seen.top.parent, spec.layouts[0], part, "")


def _count(seen: Survey, reading: Reading) -> dict[str, int]:
    """Pairs of each part, as the lister finds them; a part that cannot be listed has none."""
    try:
        spec = _spec(seen, reading)
        return {part.name: _dataset(seen, spec, part.name).listing(limit=0).found for part in reading.parts}
    except (BenchError, ValueError):
        return {}


def _described(seen: Survey, reading: Reading) -> Description:
    counts = _count(seen, reading)
    parts = tuple(part for part in reading.parts if counts[part.name])
    lists: dict[str, list[str]] = {}
    if len(parts) == 1 and not split_of(parts[0].ir):
        every = _dataset(seen, _spec(seen, Reading(parts, reading.four_channel)), parts[0].name).listing().pairs
        lists = lists_of(seen, every)
        parts = tuple(replace(parts[0], name=split) for split in lists) or parts
    reading = Reading(parts, reading.four_channel)
    more: dict[str, Any] = {"pairs": lists}
    listings = _listings(seen, _spec(seen, reading, more))
    if any(listing.pairs for listing in listings.values()):  # folders of another kind, e.g. of depth, fit as well
        parts = tuple(part for part in parts if listings[part.name].pairs)
        reading = Reading(parts, reading.four_channel)
        listings = {part.name: listings[part.name] for part in parts}
    truth = Truth()
    for part, listing in listings.items():
        label_truth(seen, part, listing.pairs, truth)
        box_truth(seen, part, listing.pairs, truth)
    entry = _entry(seen, reading, {**truth.entry(), **more})
    listings = _listings(seen, DatasetSpec.model_validate(entry))
    unsure = [sentence for part in reading.parts for sentence in part.unsure]
    unsure += [*truth.unsure, *_remarks(seen, reading, listings)]
    pairs = {part: len(listing.pairs) for part, listing in listings.items()}
    return Description(_name_of(seen.top), seen.top, entry, pairs, tuple(dict.fromkeys(unsure)))


def _listings(seen: Survey, spec: DatasetSpec) -> dict[str, Listing]:
    return {part: _dataset(seen, spec, part).listing() for part in spec.layouts[0].parts}


def _remarks(seen: Survey, reading: Reading, listings: Mapping[str, Listing]) -> Iterator[str]:
    for group in _used(seen, reading):
        if group.bits > 8:
            low, high = group.levels
            yield (
                f"images in {group.folder} have {group.bits} bits, levels {low} to {high} where looked into: ir_range "
                "says how they become 8; choose full, full:BITS, percentile, set or levels"
            )
    for part in reading.parts:
        vis = [files.vis_path for files in listings[part.name].pairs[:3]] if part.name in listings else []
        if vis and not reading.four_channel and all(is_grey(read_image(path)) for path in vis):
            yield f"visible images of {part.name} are grey"
    for listing in listings.values():
        for problem in listing.problems:
            yield f"{problem.where}: {problem.text}" if problem.fault else f"{problem.where}: {problem.text} (a remark)"
    used = [
        place for listing in listings.values() for files in listing.pairs for place in (files.ir_path, files.vis_path)
    ]
    used += [files.label_path for listing in listings.values() for files in listing.pairs if files.label_path]
    folders = {path.parent for path in used}
    idle = [group.folder for group in seen.groups.values() if not any(path.parent in folders for path in group.paths)]
    if idle:
        yield f"images that were not used lie in {some(sorted(idle))}"
