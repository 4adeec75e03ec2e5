"""A folder of ready fused images: for papers whose code cannot be run but whose images are published."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.matching import fit_names, leftovers
from bench.data.names import Names, Place, key_of, read_names, some
from bench.errors import BenchError
from bench.fusion.zoo import at_dataset
from bench.images import as_rgb, read_image
from bench.types import Image, Problem


@dataclass(frozen=True, slots=True)
class Ready:
    """Which image of a folder belongs to which pair.

    Attributes:
        files: by the pair's name.
        problems: pairs without an image, names of several files, files that belong to no pair.
    """

    files: dict[str, Path]
    problems: tuple[Problem, ...]


def find_ready(place: Path, pairs: Sequence[str], others: Collection[str] = ()) -> Ready:
    """Finds the image of each pair in a folder, see ``bench.data.names``.

    Args:
        place: ``FOLDER`` or ``FOLDER/PATTERN``.
        pairs: names.
        others: names of pairs that are not asked for but may have images there.

    Raises:
        BenchError: no such folder, names that can be read in two ways, or none that fits.
    """
    where = Place.of(place.expanduser())
    if not where.folder.is_dir():
        raise BenchError(f"{where.folder}: no such folder, wanted one with a fused image per pair")
    names = read_names(where)
    found = fit_names(names, pairs)
    twins = {pair for pair in pairs if key_of(pair) in names.twins}
    if not found and not twins:
        raise BenchError(_nothing_fits(names, pairs))
    missing = [pair for pair in pairs if pair not in found and pair not in twins]
    problems = [*names.problems, *names.strange(missing)]
    problems += [Problem(pair, _missing(names, pair)) for pair in missing]
    known = fit_names(names, list(others)) if others else {}
    if extra := leftovers(names, [*found.values(), *known.values()]):
        text = f"{len(extra)} files belong to no pair and are not used: {some(extra)}"
        problems.append(Problem(str(where.folder), text))
    if names.unfit:
        shown = some(names.below(path) for path in names.unfit)
        text = f"{len(names.unfit)} files do not fit the pattern {where.pattern} and are not used: {shown}"
        problems.append(Problem(str(where.folder), text, fault=False))
    return Ready({pair: one.path for pair, one in found.items()}, tuple(problems))


def _missing(names: Names, pair: str) -> str:
    unread = key_of(pair) in names.unread
    return names.lacks(pair, "image") if unread else missing_image(names.place.folder, pair)


def missing_image(folder: Path, pair: str) -> str:
    """Says that a folder lacks a pair's image."""
    return f"{folder}: holds no image named {pair}.*, wanted one per pair; add it or leave the pair out"


def _nothing_fits(names: Names, pairs: Sequence[str]) -> str:
    files = [*names.files.values(), *(twin for twins in names.twins.values() for twin in twins)]
    seen = f"{len(files)} images, e.g. {names.below(files[0].path)}" if files else "no image"
    if names.unread:
        shown = some(map(names.below, names.unread.values()), 1)
        seen += f", and {len(names.unread)} of kinds that are not read here, e.g. {shown}; convert them to PNG"
    if names.unfit:
        seen += f", and {len(names.unfit)} that do not fit the pattern {names.place.pattern}"
    wanted = f"e.g. {pairs[0]}.png" if pairs else "but no pair was given"
    return (
        f"{names.place.folder}: {seen}, wanted files named as the pairs, {wanted}; rename them, or give a pattern, "
        f"e.g. {names.place.folder}/{{pair}}_fused"
    )


def find_ready_parts(
    place: Path, dataset: str, parts: Mapping[str, Sequence[str]], listed: Collection[str] = ()
) -> dict[str, Ready]:
    """Finds the images of a data set's parts below a method's folder.

    A part is looked for in ``FOLDER/DATASET@PART``, then ``FOLDER/DATASET``, then ``FOLDER`` itself. Parts that share a
    name and a folder are told apart by nothing: none of them but ``test`` gets an image then.

    Args:
        place: ``FOLDER``, ``FOLDER/PATTERN``; ``{dataset}`` in it stands for the data set's own folder.
        dataset: its name.
        parts: names of the pairs of each part.
        listed: names of all pairs of the data set; with ``--limit`` a folder holds more than was asked for.

    Returns:
        By part; a part without any image says so in its problems.
    """
    place = at_dataset(place, dataset)
    found: dict[str, Ready] = {}
    for part, pairs in parts.items():
        own = place / f"{dataset}@{part}"
        shared = place / dataset if (place / dataset).is_dir() else place
        others = {pair: other for other, names in parts.items() if other != part for pair in names}
        clash = sorted(others.keys() & set(pairs))
        if not own.is_dir() and clash and part != "test":
            text = f"its name is also that of a pair of {others[clash[0]]}; put images of {part} in {own}"
            found[part] = Ready({}, (Problem(f"{dataset} {part} {clash[0]}", text),))
            continue
        try:
            beside = {*others, *listed}.difference(pairs)
            found[part] = find_ready(own if own.is_dir() else shared, pairs, beside)
        except BenchError as error:
            found[part] = Ready({}, (Problem(f"{dataset} {part}", str(error)),))
    return found


def read_ready(path: Path, size: tuple[int, ...]) -> Image:
    """Reads one pair's ready image as RGB.

    Args:
        path: of the image.
        size: (height, width) of its sources.

    Raises:
        BenchError: missing, unreadable or of another size.
    """
    image = as_rgb(read_image(path))
    if image.shape[:2] != tuple(size):
        raise BenchError(
            f"{path}: {image.shape[1]}x{image.shape[0]} pixels, its sources {size[1]}x{size[0]}; fuse at full size"
        )
    return image
