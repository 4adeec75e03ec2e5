"""Lists the pairs of one split of a data set: names wanted, files found, headers checked, faults named."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.data.boxes import READERS, read_boxes
from bench.data.depth import resolve
from bench.data.matching import fit_names, leftovers, match_sides
from bench.data.names import Found, Names, Place, broken_link, check_pair_id, key_of, natural, read_names, some
from bench.data.spec import DatasetSpec, Layout, Part, Split, Subset
from bench.errors import BenchError
from bench.images import ENDINGS, Header, as_rgb, read_header, read_image
from bench.types import PairFiles, Problem

MAX_LIST_BYTES = 16 * 1024 * 1024
"""A list file longer than this is no list of pair names."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found of one selection of a data set.

    Attributes:
        pairs: the pairs that are there and in order, by name in natural order.
        listed: how many pairs the selection has by its explicit list or published size, or else how many were found.
        problems: what was left out, and why.
        found: how many pairs have both files on disk, in order or not; not bounded by a limit.
        names: of the pairs listed, there or not.
    """

    pairs: tuple[PairFiles, ...]
    listed: int
    problems: tuple[Problem, ...]
    found: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """What is listed: one split, or one subset of it, of a data set in the layout found below a data root."""

    name: str
    spec: DatasetSpec
    data_root: Path
    layout: Layout
    split: Split
    subset: str = ""

    @property
    def root(self) -> Path:
        """The folder of the layout that was found."""
        return self.data_root / self.layout.folder

    def path(self, relative: str) -> Path:
        """A folder or file that the layout names."""
        return self.layout.path(self.data_root, relative)


def list_pairs(source: Source, limit: int | None = None) -> Listing:
    """Lists the pairs whose files are there and in order.

    Args:
        source: what to list.
        limit: stop after this many good pairs; the headers of those after are not read.

    Raises:
        BenchError: a subset's list file cannot be read.
    """
    return _Lister(source).run(limit)


def visible_files(source: Source) -> dict[str, Path]:
    """The visible image of each pair that is listed and on disk; no header is read.

    Raises:
        BenchError: a subset's list file cannot be read.
    """
    lister = _Lister(source)
    return {name: lister.vis_of[name].path for name in lister.named() if name in lister.vis_of}


def needs_list(subset: Subset) -> bool:
    """True for a subset that only a list file of the layout defines."""
    return not subset.pairs and not subset.tag


def unequal(files: PairFiles, ir: tuple[int, ...], vis: tuple[int, ...]) -> str:
    """The message for a pair whose images differ in size; sizes as (height, width)."""
    return (
        f"{files.dataset} {files.id}: infrared is {ir[1]}x{ir[0]}, visible {vis[1]}x{vis[0]}, wanted the same size; "
        "register or resize one of them"
    )


class _Lister:
    """Lists one split or subset: names wanted, files found, headers checked."""

    def __init__(self, source: Source) -> None:
        self.source, self.spec, self.split, self.subset = source, source.spec, source.split, source.subset
        self.part: Part = source.layout.parts[source.split]
        self.four_channel = source.layout.four_channel
        self.problems: list[Problem] = []
        self.pairs: list[PairFiles] = []
        self.ir = self._read(self.part.ir, self.part.pattern)
        self.vis = self.ir if self.part.ir == self.part.vis else self._read(self.part.vis, self.part.pattern)
        self.ir_of: dict[str, Found] = {}
        self.vis_of: dict[str, Found] = {}
        self.same_file: list[str] = []
        self.opaque: list[str] = []
        self.identical = True  # the pair before this one is, or there is none
        self.deep: dict[int, int] = {}  # bits -> infrared images of that depth, which are mapped
        self.ir_range = ""

    def _read(self, relative: str, glob: str = "*", endings: Sequence[str] = ENDINGS) -> Names:
        place = Place.of(self.source.path(relative))
        if broken := broken_link(place.folder):
            self.problems.append(broken)
        return read_names(place, glob, endings)

    def named(self) -> list[str]:
        """The names wanted, with their files found."""
        return self._names()[0]

    def run(self, limit: int | None) -> Listing:
        names, explicit = self._names()
        self.ir_range = self._range()
        listed = len(names)
        if not self.subset and not explicit:
            listed = max(listed, self.spec.expected.get(self.split, 0))
        self.labels = self._truth_of(self.part.labels, ENDINGS, names)
        self.boxes = self._truth_of(self.part.boxes, tuple(READERS), names)
        unread = self.ir.unread.keys() & self.vis.unread.keys()  # of both sides: no pair, but one that was meant
        found = [n for n in names if n in self.ir_of or n in self.vis_of or key_of(n) in unread]
        twins = [name for name in names if any(key_of(name) in side.twins for side in (self.ir, self.vis))]
        for name in found:
            if limit is not None and len(self.pairs) >= limit:
                break
            if name not in twins:
                self._check(name)
        if absent := listed - len({*found, *twins}):
            self._problem("", f"{absent} of the {listed} listed pairs are not there; {self.spec.how_to_get}", False)
        self._sum_up(found)
        both = sum(1 for name in found if self._has_both(name))
        return Listing(tuple(self.pairs), listed, tuple(dict.fromkeys(self.problems)), both, tuple(names))

    def _range(self) -> str:
        """The mapping of deep infrared; that of a whole set is over all its parts, whatever was selected."""
        word = self.spec.ir_range
        if not word.startswith("set"):
            return word
        parts = [_Lister(replace(self.source, split=split, subset="")) for split in self.source.layout.parts]
        return resolve(word, [found.path for part in parts if part.named() for found in part.ir_of.values()])

    def _has_both(self, name: str) -> bool:
        ir, vis = self.ir_of.get(name), self.vis_of.get(name)
        return ir is not None and vis is not None and (self.four_channel or ir.path != vis.path)

    # ------------------------------------------------------------------ names

    def _names(self) -> tuple[list[str], bool]:
        """Names wanted in natural order, and whether they come from an explicit list."""
        subset = self.spec.subsets[self.subset] if self.subset else None
        if subset and subset.pairs:
            return self._fit(subset.pairs), True
        if subset and needs_list(subset):
            path = self.source.path(self.source.layout.lists[self.subset])
            return self._fit(list(_read_list(path, self.problems))), True
        names, explicit = self._split_names()
        if subset:
            names = [name for name in names if subset.tag in _suffix_tags(self.spec, name)]
        return names, explicit

    def _split_names(self) -> tuple[list[str], bool]:
        if self.split in self.spec.pairs:
            names = self._fit(self.spec.pairs[self.split])
            foreign = self._left_over()
            # a four-channel folder holds all splits and the pairs that the list's authors dropped
            if foreign and not self.four_channel:
                text = f"{len(foreign)} files are not on the list of the {self.split} split and are left out: "
                self._problem("", text + some(foreign, 3), False)
            return names, True
        return self._pair_up(), False

    def _fit(self, wanted: Sequence[str]) -> list[str]:
        """Finds the files of listed names."""
        for side, role in ((self.ir, "ir"), (self.vis, "vis")):
            try:
                found = fit_names(side, wanted, "" if self.four_channel else role)
            except BenchError as error:
                self._problem("", str(error))
                found = {}
            if role == "ir":
                self.ir_of = found
            self.vis_of = found
        if not self.four_channel and not self.ir_of.keys() & self.vis_of.keys():
            self.ir_of, self.vis_of = _fit_together(self.ir, self.vis, wanted) or (self.ir_of, self.vis_of)
        return sorted(wanted, key=natural)

    def _pair_up(self) -> list[str]:
        """Pairs what lies there; names on one side only are named later, pair by pair."""
        if self.four_channel:
            self.ir_of = self.vis_of = {found.name: found for found in self.ir.files.values()}
            return sorted(self.ir_of, key=natural)
        try:
            sides = match_sides(self.ir, self.vis)
        except BenchError as error:
            self._problem("", str(error))
            return []
        self.ir_of, self.vis_of = sides.ir, sides.vis
        if sides.pattern:
            self._problem("", sides.pattern, False)
            if foreign := self._left_over():
                self._problem("", f"{len(foreign)} files are of neither side and are left out: {some(foreign)}")
        twins = [found[0].name for side in (self.ir, self.vis) for found in side.twins.values()]
        known = {key_of(name) for name in (*sides.ir, *sides.vis, *twins)}
        unread = [path.stem for key, path in self.ir.unread.items() if key in self.vis.unread and key not in known]
        return sorted({*sides.ir, *sides.vis, *twins, *unread}, key=natural)

    def _left_over(self) -> list[str]:
        taken = [*self.ir_of.values(), *self.vis_of.values()]
        return sorted({*leftovers(self.ir, taken), *leftovers(self.vis, taken)}, key=natural)

    def _truth_of(self, folder: str, endings: Sequence[str], names: Sequence[str]) -> dict[str, Found]:
        if not folder:
            return {}
        if Path(folder).suffix in endings and (whole := self.source.path(folder)).is_file():
            return {name: Found(name, whole.stem, whole) for name in names}  # one file for all pairs
        found = self._read(folder, endings=endings)
        self.problems += [*found.problems, *found.strange()]
        try:
            return fit_names(found, names)
        except BenchError as error:
            self._problem("", str(error))
            return {}

    # ------------------------------------------------------------------ one pair

    def _check(self, name: str) -> None:
        ir, vis = self.ir_of.get(name), self.vis_of.get(name)
        if ir is None or vis is None:
            missing, side = ("infrared", self.ir) if ir is None else ("visible", self.vis)
            self._problem(name, side.lacks(name, f"{missing} image"))
            return
        label, boxes = self.labels.get(name), self.boxes.get(name)
        files = PairFiles(
            self.source.name, self.split, name, ir.path, vis.path, label.path if label else None,
            boxes.path if boxes else None, self.four_channel, self._tags(name), self.source.layout.border,
            self.ir_range, self.spec.sequence_of(name) if self.spec.video else "",
        )  # fmt: skip
        if not self.four_channel and ir.path.samefile(vis.path):
            self.same_file.append(name)
            return
        try:
            deep = {ir.path} if self.ir_range else set()
            paths = dict.fromkeys((ir.path, vis.path))
            headers = [read_header(path, self.four_channel, path in deep) for path in paths]
            self._check_alpha(files, headers)
            _check_border(files, headers[0])
        except BenchError as error:
            self._problem(name, str(error))
            return
        if headers[0][:2] != headers[-1][:2]:
            self._problem(name, unequal(files, headers[0], headers[-1]))
            return
        if headers[0].bits > 8:
            self.deep[headers[0].bits] = self.deep.get(headers[0].bits, 0) + 1
        self._check_content(files)
        self._check_boxes(files)
        self.pairs.append(files)

    def _check_alpha(self, files: PairFiles, headers: Sequence[Header]) -> None:
        """An alpha channel is nothing only if it is opaque, which the pixels alone can say."""
        if self.four_channel:
            return
        for path, header in zip((files.ir_path, files.vis_path), headers, strict=True):
            if header.alpha:
                read_image(path)
                self.opaque.append(path.name)

    def _check_content(self, files: PairFiles) -> None:
        """Names a pair whose two images are one: equal files always, equal pixels from the first pair on."""
        if self.four_channel:
            return
        equal = filecmp.cmp(files.ir_path, files.vis_path, shallow=False)
        if not equal and self.identical:  # a folder that was copied shows in its first pair; the rest costs too much
            equal = same_pixels(files)
        self.identical = equal
        if equal:
            self._problem(files.id, "its infrared and visible images are identical; was one copied over the other?")

    def _check_boxes(self, files: PairFiles) -> None:
        if files.boxes_path is None:
            return
        try:
            for remark in read_boxes(files, self.spec).remarks():
                self._problem(files.id, f"{files.boxes_path}: {remark}", False)
        except BenchError as error:
            self._problem(files.id, f"is left out of detection: {error}", False)

    def _sum_up(self, names: Sequence[str]) -> None:
        """Problems of the whole selection, whose pairs are named themselves."""
        for side in (self.ir,) if self.ir is self.vis else (self.ir, self.vis):
            self.problems += [*side.problems, *side.strange(names)]
        if self.same_file:
            self._problem(
                "",
                f"{len(self.same_file)} pairs have one file for both sides, e.g. {self.same_file[0]}; give two folders,"
                " two patterns such as images/{pair}_ir and images/{pair}_vis, or four_channel: true",
            )
        if self.opaque:
            text = (
                f"{len(self.opaque)} images have an alpha channel, which is opaque and dropped: {some(self.opaque, 3)}"
            )
            self._problem("", text, False)

        for bits, count in sorted(self.deep.items()):
            chosen = self.spec.ir_range + (f" = {self.ir_range}" if self.ir_range != self.spec.ir_range else "")
            text = (
                f"{count} infrared images of {bits} bits are mapped to 8 bits by --ir-range {chosen}, for all methods"
            )
            self._problem("", text, False)

    def _tags(self, name: str) -> tuple[str, ...]:
        named = [
            key for key, subset in self.spec.subsets.items() if subset.split == self.split and name in subset.pairs
        ]
        return tuple(dict.fromkeys([*_suffix_tags(self.spec, name), *named]))

    def _problem(self, name: str, text: str, fault: bool = True) -> None:
        where = " ".join(part for part in (self.source.name, self.split, name) if part)
        self.problems.append(Problem(where, text, fault))


def _suffix_tags(spec: DatasetSpec, name: str) -> list[str]:
    return [tag for suffix, tag in spec.suffix_tags.items() if name.endswith(suffix)]


def same_pixels(files: PairFiles) -> bool:
    """True if both images of a pair show the same, whatever their files are; False where one cannot be read."""
    try:
        if files.ir_range and read_header(files.ir_path, deep=True).bits > 8:
            return False
        ir, vis = read_image(files.ir_path), read_image(files.vis_path)
    except BenchError:  # said where the pair is used
        return False
    return ir.shape[:2] == vis.shape[:2] and bool(np.array_equal(as_rgb(ir), as_rgb(vis)))


def _fit_together(ir: Names, vis: Names, wanted: Sequence[str]) -> tuple[dict[str, Found], dict[str, Found]] | None:
    """Finds listed names that no file has as it stands: ``set00_V000_I00001`` of ``set00/V000/lwir/I00001``."""
    try:
        sides = match_sides(ir, vis)
    except BenchError:
        return None
    known = {key_of(name): name for name in wanted}
    infrared, visible = (
        {known[key_of(name)]: found for name, found in side.items() if key_of(name) in known}
        for side in (sides.ir, sides.vis)
    )
    return (infrared, visible) if infrared.keys() & visible.keys() else None


def _read_list(path: Path, problems: list[Problem]) -> Iterator[str]:
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            raise BenchError(f"{path}: {path.stat().st_size} bytes, wanted a list of pair names, one a line")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: not readable as a list of pair names ({error}); fetch the data set again") from error
    for number, line in enumerate(dict.fromkeys(line.strip() for line in lines), 1):
        try:
            if line:
                yield check_pair_id(line.removesuffix(".png"))
        except ValueError as error:
            problems.append(Problem(f"{path}, entry {number}", f"{error}; mend the list"))


def _check_border(files: PairFiles, header: Header) -> None:
    if 2 * files.border >= min(header.height, header.width):
        raise BenchError(
            f"{files.ir_path}: {header.width}x{header.height} pixels, nothing is left within the border of "
            f"{files.border}; mend border in the data set's description"
        )
