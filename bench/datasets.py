"""Finds a data set on disk, checks its pairs by their headers, reads them: ``DatasetSpec`` -> ``PairFiles`` -> ``Pair``."""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from bench.config import DatasetSpec, Layout, Part, Split, Subset, check_pair_id, load_datasets
from bench.images import image_size, read_four_channel, read_image
from bench.types import BenchError, Pair, PairFiles, Problem

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
MAX_LIST_BYTES = 16 * 1024 * 1024
"""A list file longer than this is no list of pair names."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found of one selection of a data set.

    Attributes:
        pairs: the pairs that are there and in order, by name in natural order.
        listed: how many pairs the selection has by its explicit list or published size, or else how many were found.
        problems: what was left out, and why.
    """

    pairs: tuple[PairFiles, ...]
    listed: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set as it lies on disk, and which part of it was selected.

    Attributes:
        name: as in ``datasets.yaml``.
        spec: its entry there.
        data_root: the folder that every file must lie in.
        layout: the published layout that was found.
        split: the selected split.
        subset: the selected named subset, or empty for the whole split.
    """

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

    def has_split(self, split: str) -> bool:
        """True if the layout that was found has this split; its folders may still be absent."""
        return split in self.layout.parts

    def listing(self, split: str | None = None, limit: int | None = None) -> Listing:
        """Lists pairs whose files are there and in order.

        Args:
            split: another split than the selected one; then the subset is not applied.
            limit: stop after this many good pairs; those after are not checked.

        Raises:
            BenchError: the layout found has no such split, or lacks the list file of the subset.
        """
        wanted = self._split(split)
        return _Lister(self, wanted, self.subset if split in (None, self.split) else "").run(limit)

    def _split(self, split: str | None) -> Split:
        if split is None:
            return self.split
        if split not in self.layout.parts:
            raise BenchError(
                f"{self.name}: split {split!r} is not in the layout found at {self.root}, "
                f"wanted one of {', '.join(self.layout.parts)}"
            )
        return split


def default_data_root() -> Path:
    """``BENCH_DATA`` if set, else the user's cache folder ``ivif-bench/data``."""
    given = os.environ.get("BENCH_DATA")
    return Path(given).expanduser() if given else cache_data_root()


def cache_data_root() -> Path:
    """Where data sets are kept that nobody gave a place: the user's cache folder."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("ivif-bench", appauthor=False)) / "data"


def open_dataset(selection: str, data_root: Path | None = None, datasets_file: Path | None = None) -> Dataset:
    """Finds a data set on disk; the generated one is made when it is missing.

    The generated data set is never written into a folder that the user gave: it is taken from there if it is there,
    and else from the cache folder.

    Args:
        selection: ``NAME``, ``NAME:SPLIT`` or ``NAME:SUBSET``.
        data_root: the folder that holds the data sets; None takes ``default_data_root``.
        datasets_file: another ``datasets.yaml``.

    Raises:
        BenchError: unknown name, split or subset, or none of its folders is there.
    """
    name, spec, split, subset = parse_selection(selection, load_datasets(datasets_file))
    root = Path(data_root).expanduser() if data_root else default_data_root()
    if not root.is_dir() and not spec.generated:
        raise BenchError(f"data root {root} is not a folder; give one with --data-root or BENCH_DATA")
    layout = find_layout(spec, root)
    if layout is None and spec.generated:
        root = cache_data_root()
        layout = find_layout(spec, root) or _generate(spec, root)
    if layout is None:
        folders = " or ".join(dict.fromkeys(layout.folder for layout in spec.layouts))
        raise BenchError(
            f"{name}: no folder {folders} with its images in {root}{_near_root(spec, root)}; {spec.instructions}"
        )
    if split not in layout.parts:
        raise BenchError(
            f"{name}: the layout found at {root / layout.folder} has no {split} split; {spec.instructions}"
        )
    if subset and _needs_list(spec.subsets[subset]) and subset not in layout.lists:
        raise BenchError(
            f"{name}: the layout found at {root / layout.folder} has no list of subset {subset!r}; {spec.instructions}"
        )
    return Dataset(name, spec, root, layout, split, subset)


def parse_selection(selection: str, specs: dict[str, DatasetSpec]) -> tuple[str, DatasetSpec, Split, str]:
    """Reads ``NAME``, ``NAME:SPLIT`` or ``NAME:SUBSET``.

    Returns:
        name, entry, split and subset (empty for the whole split).

    Raises:
        BenchError: unknown; near names are suggested.
    """
    name, colon, part = selection.partition(":")
    if name not in specs:
        raise BenchError(f"unknown data set {name!r}{_hint(name, specs)}")
    spec = specs[name]
    if not colon:
        return name, spec, spec.default_split, ""
    if part in spec.subsets:
        return name, spec, spec.subsets[part].split, part
    splits = {split for layout in spec.layouts for split in layout.parts}
    if part not in splits:
        raise BenchError(f"{name}: unknown split or subset {part!r}{_hint(part, [*sorted(splits), *spec.subsets])}")
    return name, spec, part, ""


def find_layout(spec: DatasetSpec, data_root: Path) -> Layout | None:
    """The first layout with at least one split whose two image folders exist."""
    for layout in spec.layouts:
        folder = data_root / layout.folder
        if any((folder / part.ir).is_dir() and (folder / part.vis).is_dir() for part in layout.parts.values()):
            return layout
    return None


def read_pair(files: PairFiles) -> Pair:
    """Reads both images as stored.

    Raises:
        BenchError: a file is missing or broken, or the two differ in size.
    """
    if files.four_channel:
        ir, vis = read_four_channel(files.vis_path)
        return Pair(files, ir, vis)
    ir, vis = read_image(files.ir_path), read_image(files.vis_path)
    if ir.shape[:2] != vis.shape[:2]:
        raise BenchError(_unequal(files, ir.shape, vis.shape))
    return Pair(files, ir, vis)


def read_labels(files: PairFiles, classes: int) -> np.ndarray:
    """Reads a segmentation label image.

    Args:
        files: with ``label_path``.
        classes: how many classes there are; 255 marks pixels without a label.

    Returns:
        uint8 (H, W) of class ids.

    Raises:
        BenchError: no label, not one channel, or an id that is neither a class nor 255.
    """
    from PIL import Image as PillowImage

    if files.label_path is None:
        raise BenchError(f"{files.dataset} {files.id}: has no segmentation labels")
    image_size(files.label_path)
    with PillowImage.open(files.label_path) as file:
        if file.mode not in ("L", "P"):
            raise BenchError(f"{files.label_path}: image of mode {file.mode}, wanted one channel of class ids")
        try:
            labels = np.asarray(file)
        except (OSError, SyntaxError, ValueError) as error:
            text = " ".join(str(error).split())
            raise BenchError(f"{files.label_path}: not a readable image ({text}); fetch or export it again") from error
    foreign = np.setdiff1d(np.unique(labels), [*range(classes), 255])
    if foreign.size:
        raise BenchError(f"{files.label_path}: label {foreign[0]}, wanted class ids 0 to {classes - 1} or 255")
    return labels


def seen_in_training(dataset: Dataset, trained_on: Collection[str], split: str | None = None) -> frozenset[str] | None:
    """Names of pairs of a split that a method saw in training, under their own or another name.

    Args:
        dataset: the data set being scored.
        trained_on: names of the data sets whose training part the weights were trained on.
        split: of ``dataset``; None takes the selected one.

    Returns:
        Pair names; None where it cannot be known, because the method was trained on a data set without a published
        training part.
    """
    if dataset.name not in trained_on:
        return frozenset()
    split = split or dataset.split
    spec = dataset.spec
    if "train" not in dataset.layout.parts:
        return None
    if split == "train":
        return frozenset(files.id for files in dataset.listing("train").pairs)
    twins = [subset for subset in spec.subsets.values() if subset.split == split and subset.same_as == "train"]
    return frozenset(name for subset in twins for name in subset.pairs)


def fingerprint(pairs: Iterable[PairFiles]) -> str:
    """SHA-256 over the names and bytes of all files of the pairs, hexadecimal."""
    total = hashlib.sha256()
    for files in pairs:
        for path in dict.fromkeys((files.ir_path, files.vis_path, files.label_path, files.boxes_path)):
            if path is not None:
                total.update(f"{files.id}\0{hash_file(path)}\n".encode())
    return total.hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


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

    def __init__(self, dataset: Dataset, split: Split, subset: str) -> None:
        self.dataset, self.split, self.subset = dataset, split, subset
        self.spec = dataset.spec
        self.part: Part = dataset.layout.parts[split]
        self.root = dataset.data_root.resolve()
        self.problems: list[Problem] = []
        self.pairs: list[PairFiles] = []
        self.ir = self._folder(self.part.ir, self.part.pattern)
        same = self.part.ir == self.part.vis
        self.vis = self.ir if same else self._folder(self.part.vis, self.part.pattern)
        self.labels = self._folder(self.part.labels, "*.png") if self.part.labels else None
        self.boxes = self._folder(self.part.boxes, "*.txt") if self.part.boxes else None

    def _folder(self, relative: str, pattern: str) -> _Folder:
        folder = _read_folder(self.dataset.root / relative, pattern, self.root)
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
            self._problem("", f"{absent} of the {listed} listed pairs are not there; {self.spec.instructions}")
        return Listing(tuple(self.pairs), listed, tuple(self.problems))

    def _names(self) -> tuple[list[str], bool]:
        """Names wanted in natural order, and whether they come from an explicit list."""
        subset = self.spec.subsets[self.subset] if self.subset else None
        if subset and subset.pairs:
            return sorted(subset.pairs, key=natural), True
        if subset and _needs_list(subset):
            return sorted(
                self._read_list(self.dataset.root / self.dataset.layout.lists[self.subset]), key=natural
            ), True
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
        if foreign and not self.dataset.layout.four_channel:
            self._problem("", f"{len(foreign)} files are not on the list of the {self.split} split and are left out: "
                              f"{', '.join(foreign[:3])}{', ...' if len(foreign) > 3 else ''}")  # fmt: skip
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
            self.dataset.name, self.split, name, ir, vis, self._truth(self.labels, name), self._truth(self.boxes, name),
            self.dataset.layout.four_channel, self._tags(name),
        )  # fmt: skip
        try:
            sizes = [image_size(path, files.four_channel) for path in dict.fromkeys((ir, vis))]
        except BenchError as error:
            self._problem(name, str(error))
            return
        if sizes[0] != sizes[-1]:
            self._problem(name, _unequal(files, sizes[0], sizes[-1]))
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

    def _problem(self, name: str, text: str) -> None:
        where = " ".join(part for part in (self.dataset.name, self.split, name) if part)
        self.problems.append(Problem(where, text))


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Sort key by which ``2`` comes before ``131``."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((int(part), part) if index % 2 else (0, part) for index, part in enumerate(parts))


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _is_inside(path: Path, resolved_root: Path) -> bool:
    try:
        return path.resolve(strict=False).is_relative_to(resolved_root)
    except (OSError, RuntimeError):  # a loop of links
        return False


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _needs_list(subset: Subset) -> bool:
    return not subset.pairs and not subset.tag


def _unequal(files: PairFiles, ir: tuple[int, ...], vis: tuple[int, ...]) -> str:
    return (
        f"{files.dataset} {files.id}: infrared is {ir[1]}x{ir[0]}, visible {vis[1]}x{vis[0]}, wanted the same size; "
        "register or resize one of them"
    )


def _hint(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3)
    return f"; did you mean {', '.join(near)}?" if near else f"; known: {', '.join(names)}"


def _near_root(spec: DatasetSpec, root: Path) -> str:
    if any(root.name == layout.folder for layout in spec.layouts):
        return f" (give its parent {root.absolute().parent} as data root)"
    return ""


def _generate(spec: DatasetSpec, root: Path) -> Layout | None:
    from bench.demo import ensure_demo

    root.mkdir(parents=True, exist_ok=True)
    ensure_demo(root)
    return find_layout(spec, root)


def splits() -> tuple[str, ...]:
    """All names that a split can have."""
    return get_args(Split)
