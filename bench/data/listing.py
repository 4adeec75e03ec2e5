"""Lists the pairs of one split of a data set: names wanted, files found, headers checked, faults named."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.data.spec import DatasetSpec, Layout, Split, Subset, check_pair_id
from bench.errors import BenchError
from bench.images import image_size
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
    """

    pairs: tuple[PairFiles, ...]
    listed: int
    problems: tuple[Problem, ...]
    found: int = 0


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


def list_pairs(source: Source, limit: int | None = None) -> Listing:
    """Lists the pairs whose files are there and in order.

    Args:
        source: what to list.
        limit: stop after this many good pairs; the headers of those after are not read.

    Raises:
        BenchError: a subset's list file cannot be read.
    """
    return _Lister(source).run(limit)


def needs_list(subset: Subset) -> bool:
    """True for a subset that only a list file of the layout defines."""
    return not subset.pairs and not subset.tag


def unequal(files: PairFiles, ir: tuple[int, ...], vis: tuple[int, ...]) -> str:
    """The message for a pair whose images differ in size; sizes as (height, width)."""
    return (
        f"{files.dataset} {files.id}: infrared is {ir[1]}x{ir[0]}, visible {vis[1]}x{vis[0]}, wanted the same size; "
        "register or resize one of them"
    )


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Sort key by which ``2`` comes before ``131``."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((int(part), part) if index % 2 else (0, part) for index, part in enumerate(parts))


@dataclass(slots=True)
class _Folder:
    """One folder's files by stem, with what is wrong in it."""

    path: Path
    files: dict[str, Path]
    lower: dict[str, str]
    problems: list[Problem]

    def find(self, stem: str) -> Path | None:
        """The file of this stem; a difference in upper and lower case alone is forgiven (VIFB has one)."""
        found = self.files.get(stem)
        return found or self.files.get(self.lower.get(stem.lower(), ""))


def _read_folder(path: Path, pattern: str, root: Path) -> _Folder:
    """Lists the plain files of a folder that match; links out of the data root are refused, not followed."""
    folder = _Folder(path, {}, {}, [])
    if not path.is_dir():
        return folder
    if not _is_inside(path, root):
        folder.problems.append(Problem(str(path), f"leads out of the data root {root}; move the files there"))
        return folder
    with os.scandir(path) as entries:
        found = sorted(
            (e for e in entries if not e.name.startswith(".") and fnmatch.fnmatch(e.name, pattern)), key=_name
        )
    for entry in found:
        problem = _entry_problem(entry, root)
        stem = Path(entry.name).stem
        if problem is None and stem in folder.files:
            problem = f"is a second file of the name {stem!r} beside {folder.files[stem].name}; keep one"
        if problem:
            folder.problems.append(Problem(_printable(entry.path), problem))
            continue
        folder.files[stem] = Path(entry.path)
        folder.lower.setdefault(stem.lower(), stem)
    return folder


def _entry_problem(entry: os.DirEntry[str], root: Path) -> str | None:
    if entry.is_symlink() and not _is_inside(Path(entry.path), root):
        return f"is a link that leads out of the data root {root}; put the file itself there"
    if not entry.is_file():
        return "is not a file, or a link to nothing; remove it"
    try:
        check_pair_id(Path(entry.name).stem)
    except ValueError as error:
        return f"{error}; rename the file"
    return None


class _Lister:
    """Lists one split or subset: names wanted, files found, headers checked."""

    def __init__(self, source: Source) -> None:
        self.source, self.spec, self.split, self.subset = source, source.spec, source.split, source.subset
        self.part = source.layout.parts[source.split]
        self.root = source.data_root.resolve()
        self.problems: list[Problem] = []
        self.pairs: list[PairFiles] = []
        self.ir = self._folder(self.part.ir, self.part.pattern)
        same = self.part.ir == self.part.vis
        self.vis = self.ir if same else self._folder(self.part.vis, self.part.pattern)
        self.labels = self._folder(self.part.labels, "*.png") if self.part.labels else None
        self.boxes = self._folder(self.part.boxes, "*.txt") if self.part.boxes else None

    def _folder(self, relative: str, pattern: str) -> _Folder:
        folder = _read_folder(self.source.root / relative, pattern, self.root)
        self.problems += folder.problems
        return folder

    def run(self, limit: int | None) -> Listing:
        names, explicit = self._names()
        listed = len(names)
        if not self.subset and not explicit:
            listed = max(listed, self.spec.expected.get(self.split, 0))
        found = [(name, self.ir.find(name), self.vis.find(name)) for name in names]
        found = [entry for entry in found if entry[1] or entry[2]]
        for name, ir, vis in found:
            if limit is not None and len(self.pairs) >= limit:
                break
            self._check(name, ir, vis)
        if absent := listed - len(found):
            self._problem("", f"{absent} of the {listed} listed pairs are not there; {self.spec.instructions}", False)
        both = sum(1 for _, ir, vis in found if ir and vis)
        return Listing(tuple(self.pairs), listed, tuple(self.problems), both)

    def _names(self) -> tuple[list[str], bool]:
        """Names wanted in natural order, and whether they come from an explicit list."""
        subset = self.spec.subsets[self.subset] if self.subset else None
        if subset and subset.pairs:
            return sorted(subset.pairs, key=natural), True
        if subset and needs_list(subset):
            return sorted(self._read_list(self.source.root / self.source.layout.lists[self.subset]), key=natural), True
        names, explicit = self._split_names()
        if subset:
            names = [name for name in names if subset.tag in self._suffix_tags(name)]
        return names, explicit

    def _split_names(self) -> tuple[list[str], bool]:
        on_disk = set(self.ir.files) | {stem for stem in self.vis.files if self.ir.find(stem) is None}
        if self.split not in self.spec.pairs:
            return sorted(on_disk, key=natural), False
        names = self.spec.pairs[self.split]
        lower = {name.lower() for name in names}
        foreign = sorted(stem for stem in on_disk if stem.lower() not in lower)
        # a four-channel folder holds all splits and the pairs that the list's authors dropped
        if foreign and not self.source.layout.four_channel:
            some = f"{', '.join(foreign[:3])}{', ...' if len(foreign) > 3 else ''}"
            text = f"{len(foreign)} files are not on the list of the {self.split} split and are left out: {some}"
            self._problem("", text, False)
        return sorted(names, key=natural), True

    def _read_list(self, path: Path) -> Iterator[str]:
        if not _is_inside(path, self.root):
            raise BenchError(f"{path}: leads out of the data root {self.root}; put the list itself there")
        try:
            if path.stat().st_size > MAX_LIST_BYTES:
                raise BenchError(f"{path}: {path.stat().st_size} bytes, wanted a list of pair names, one a line")
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BenchError(
                f"{path}: not readable as a list of pair names ({error}); fetch the data set again"
            ) from error
        for number, line in enumerate(dict.fromkeys(line.strip() for line in lines), 1):
            try:
                if line:
                    yield check_pair_id(line.removesuffix(".png"))
            except ValueError as error:
                self.problems.append(Problem(f"{path}, entry {number}", f"{error}; mend the list"))

    def _check(self, name: str, ir: Path | None, vis: Path | None) -> None:
        if ir is None or vis is None:
            missing, folder = ("infrared", self.ir) if ir is None else ("visible", self.vis)
            self._problem(name, f"has no {missing} image in {folder.path}; fetch it, or remove the other image")
            return
        files = PairFiles(
            self.source.name, self.split, name, ir, vis, self._truth(self.labels, name), self._truth(self.boxes, name),
            self.source.layout.four_channel, self._tags(name),
        )  # fmt: skip
        try:
            sizes = [image_size(path, files.four_channel) for path in dict.fromkeys((ir, vis))]
        except BenchError as error:
            self._problem(name, str(error))
            return
        if sizes[0] != sizes[-1]:
            self._problem(name, unequal(files, sizes[0], sizes[-1]))
            return
        self.pairs.append(files)

    def _truth(self, folder: _Folder | None, name: str) -> Path | None:
        return folder.files.get(name) if folder else None

    def _suffix_tags(self, name: str) -> list[str]:
        return [tag for suffix, tag in self.spec.suffix_tags.items() if name.endswith(suffix)]

    def _tags(self, name: str) -> tuple[str, ...]:
        named = [
            key for key, subset in self.spec.subsets.items() if subset.split == self.split and name in subset.pairs
        ]
        return tuple(dict.fromkeys([*self._suffix_tags(name), *named]))

    def _problem(self, name: str, text: str, fault: bool = True) -> None:
        where = " ".join(part for part in (self.source.name, self.split, name) if part)
        self.problems.append(Problem(where, text, fault))


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _is_inside(path: Path, resolved_root: Path) -> bool:
    try:
        return path.resolve(strict=False).is_relative_to(resolved_root)
    except (OSError, RuntimeError):  # a loop of links
        return False


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
