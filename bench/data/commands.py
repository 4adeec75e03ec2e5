"""What ``bench data list``, ``fetch`` and ``check`` do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.archive import unpack_zip
from bench.data.boxes import read_boxes
from bench.data.catalogue import Datasets, find_layout, open_dataset, parse_selection
from bench.data.home import cache_data_root
from bench.data.listing import Listing, Source, list_pairs
from bench.data.pairs import read_pair
from bench.data.spec import DatasetSpec
from bench.data.truth import read_labels
from bench.data.unpack import unpack_clips
from bench.download import Download, Progress, clone_at, download, locked
from bench.errors import BenchError
from bench.images import as_rgb
from bench.types import Pair, PairFiles, Problem

if TYPE_CHECKING:
    from bench.data.registration import Misalignment

How = Literal["generated", "fetched", "by hand"]


@dataclass(frozen=True, slots=True)
class DataRow:
    """One line of ``bench data list``.

    Attributes:
        name: data set.
        title: in words.
        folder: where it was found, or None.
        counts: of each split, pairs found and pairs listed.
        subsets: names of its subsets.
        licence: as far as known.
        how: how it is got.
        problems: what is wrong with what was found.
    """

    name: str
    title: str
    folder: Path | None
    counts: dict[str, tuple[int, int]]
    subsets: tuple[str, ...]
    licence: str
    how: How
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a request to fetch a data set.

    Attributes:
        name: data set.
        folder: where it lies now, or None where it must be fetched by hand.
        text: one line that says what was done or what is to be done.
    """

    name: str
    folder: Path | None
    text: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a full read of a selection found.

    Attributes:
        name: the selection.
        listed: pairs of its list.
        good: pairs whose images and truth were read whole.
        problems: of the rest.
        alignment: remarks on how far the images of pairs are from lying on each other.
    """

    name: str
    listed: int
    good: int
    problems: tuple[Problem, ...]
    alignment: tuple[Problem, ...] = ()


MOST_REGISTERED = 200
"""Pairs of a selection whose misalignment is estimated, spread over it; each takes about a quarter of a second."""


def status_rows(data_root: Path | None = None, datasets_file: Path | None = None) -> list[DataRow]:
    """One row for each data set known; counts files, reads none.

    Raises:
        BenchError: ``datasets.yaml`` is wrong.
    """
    known = Datasets.of(data_root, datasets_file)
    return [_status(name, spec, known.root) for name, spec in known.specs.items()]


def _status(name: str, spec: DatasetSpec, root: Path) -> DataRow:
    layout = find_layout(spec, root)
    if layout is None and spec.generated:
        root = cache_data_root()
        layout = find_layout(spec, root)
    listings: dict[str, Listing] = {}
    if layout is not None:
        listings = {split: list_pairs(Source(name, spec, root, layout, split), limit=0) for split in layout.parts}
    return DataRow(
        name,
        spec.title,
        root / layout.folder if layout else None,
        {split: (listing.found, listing.listed) for split, listing in listings.items()},
        tuple(spec.subsets),
        spec.licence,
        _how(spec),
        tuple(problem for listing in listings.values() for problem in listing.problems),
    )


def _how(spec: DatasetSpec) -> How:
    if spec.generated:
        return "generated"
    return "fetched" if spec.downloads or spec.repository else "by hand"


def fetch_dataset(
    name: str, data_root: Path | None = None, datasets_file: Path | None = None, progress: Progress | None = None
) -> Fetched:
    """Gets a data set: generates it, downloads it with its checksum, or says how to get it by hand.

    Clips that lie there as videos are unpacked into frames.

    Args:
        name: of the data set, without a split.
        data_root: where to put it; None takes ``default_data_root``.
        datasets_file: another ``datasets.yaml``.
        progress: told of every piece of a download.

    Raises:
        BenchError: unknown name, no connection, or not what the checksum says.
    """
    known = Datasets.of(data_root, datasets_file)
    root = known.root
    name, spec, _, _ = parse_selection(name, known.specs)
    unpacked = unpack_clips(spec, root, progress)
    layout = find_layout(spec, root)
    if layout is not None:
        text = unpacked or "is there already; remove the folder to get it anew"
        return Fetched(name, root / layout.folder, text)
    if spec.generated:
        return Fetched(name, known.open(name).root, "generated")
    if spec.repository is None and not spec.downloads:
        return Fetched(name, None, f"has no direct file with a checksum, get it by hand: {spec.how_to_get}")
    if spec.repository is not None:
        clone_at(spec.repository, root / spec.repository.unpack_to)
    for item in spec.downloads:
        _unpack(item, root, progress)
    layout = find_layout(spec, root)
    if layout is None:
        raise BenchError(f"{name}: was fetched to {root}, but its folders are not there; {spec.how_to_get}")
    return Fetched(name, root / layout.folder, "fetched")


def _unpack(item: Download, root: Path, progress: Progress | None) -> None:
    target = root / item.unpack_to
    archive = root / f".{item.sha256[:16]}.zip"
    download(item.url, archive, sha256=item.sha256, size=item.size, progress=progress)
    with locked(target):
        unpack_zip(archive, target)
    archive.unlink()


def check_dataset(
    selection: str, data_root: Path | None = None, datasets_file: Path | None = None, progress: Progress | None = None
) -> CheckReport:
    """Reads every pixel, label and box of a selection, and estimates how far its pairs are misaligned.

    Args:
        selection: ``NAME``, ``NAME:SPLIT`` or ``NAME:SUBSET``; a name alone means all its splits.
        data_root: None takes ``default_data_root``.
        datasets_file: another ``datasets.yaml``.
        progress: told of every pair.

    Raises:
        BenchError: the data set is not there.
    """
    dataset = open_dataset(selection, data_root, datasets_file)
    splits = [dataset.split] if ":" in selection else list(dataset.layout.parts)
    listings = [dataset.listing(split) for split in splits]
    pairs = [files for listing in listings for files in listing.pairs]
    problems = [problem for listing in listings for problem in listing.problems]
    good, alignment = 0, _Alignment(selection, len(pairs))
    for number, files in enumerate(pairs, 1):
        try:
            pair = read_pair(files)
        except BenchError as error:
            found = [Problem(_where(files), str(error))]
        else:
            found = list(_pair_problems(pair, dataset.spec))
            alignment.look_at(number, pair)
        problems += found
        good += not found
        if progress:
            progress(selection, number, len(pairs))
    listed = sum(listing.listed for listing in listings)
    return CheckReport(selection, listed, good, tuple(dict.fromkeys(problems)), tuple(alignment.remarks()))


def _where(files: PairFiles) -> str:
    return f"{files.dataset} {files.split} {files.id}"


class _Alignment:
    """Estimates the misalignment of some pairs of a selection, spread over it."""

    def __init__(self, selection: str, total: int) -> None:
        self.selection, self.step = selection, max(1, -(-total // MOST_REGISTERED))
        self.found: dict[str, Misalignment] = {}

    def look_at(self, number: int, pair: Pair) -> None:
        """Estimates the pair of a number, from 1, if it is one of those looked at."""
        from bench.data.registration import SMALLEST, estimate  # with OpenCV, which a list of sets does without

        if (number - 1) % self.step == 0 and min(pair.ir.shape[:2]) >= SMALLEST:
            self.found[_where(pair.files)] = estimate(pair.ir, pair.vis)

    def remarks(self) -> Iterator[Problem]:
        """The alarms, and a line for the whole selection."""
        for where, found in self.found.items():
            if found.alarming:
                yield Problem(where, f"{found.in_words()}; bench fuse --register moves it", False)
        sure = [found.distance for found in self.found.values() if found.sure]
        if sure:
            text = (
                f"infrared and visible images lie {np.median(sure):.1f} pixels apart in the median pair, "
                f"{max(sure):.1f} in the worst; {len(sure)} of {len(self.found)} pairs looked at share enough edges"
            )
            yield Problem(self.selection, text, False)


def _pair_problems(pair: Pair, spec: DatasetSpec) -> Iterator[Problem]:
    files, where = pair.files, _where(pair.files)
    if not files.four_channel and np.array_equal(as_rgb(pair.ir), as_rgb(pair.vis)):
        yield Problem(where, "its infrared and visible images are identical; was one copied over the other?")
    try:
        _check_truth(pair, spec)
    except BenchError as error:
        yield Problem(where, str(error))


def _check_truth(pair: Pair, spec: DatasetSpec) -> None:
    files = pair.files
    if files.label_path:
        labels = read_labels(files.label_path, len(spec.classes))
        if labels.shape != pair.ir.shape[:2]:
            (height, width), (tall, wide) = labels.shape, pair.ir.shape[:2]
            raise BenchError(f"{files.label_path}: labels are {width}x{height}, wanted {wide}x{tall} as the images")
    if files.boxes_path:
        foreign = set(read_boxes(files, spec).rows[:, 0]) - set(spec.box_classes)
        if foreign:
            known = ", ".join(f"{key} {text}" for key, text in spec.box_classes.items())
            raise BenchError(f"{files.boxes_path}: box of class {min(foreign):g}, wanted {known}")
