"""Finds a data set on disk and reads its pairs: ``DatasetSpec`` -> ``Dataset`` -> ``PairFiles`` -> ``Pair``."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.data.home import cache_data_root, default_data_root
from bench.data.listing import Listing, Source, list_pairs, needs_list
from bench.data.names import Place
from bench.data.spec import DatasetSpec, Layout, Split, load_datasets
from bench.errors import BenchError


@dataclass(frozen=True, slots=True)
class Dataset(Source):
    """A data set as it lies on disk, and which part of it was selected.

    Attributes:
        name: as in ``datasets.yaml``.
        spec: its entry there.
        data_root: the folder that every file must lie in.
        layout: the published layout that was found.
        split: the selected split.
        subset: the selected named subset, or empty for the whole split.
    """

    def has_split(self, split: str) -> bool:
        """True if the layout that was found has this split; its folders may still be absent."""
        return split in self.layout.parts

    def known_names(self) -> frozenset[str]:
        """Names of all pairs that are listed for, or lie in, the part selected, whatever the subset."""
        whole = list_pairs(Source(self.name, self.spec, self.data_root, self.layout, self.split), limit=0)
        listed = (subset.pairs for subset in self.spec.subsets.values() if subset.split == self.split)
        return frozenset().union(whole.names, self.spec.pairs.get(self.split, ()), *listed)

    def listing(self, split: str | None = None, limit: int | None = None) -> Listing:
        """Lists pairs whose files are there and in order.

        Args:
            split: another split than the selected one; then the subset is not applied.
            limit: stop after this many good pairs; those after are not checked.

        Raises:
            BenchError: the layout found has no such split, or lacks the list file of the subset.
        """
        wanted = self._split(split)
        subset = self.subset if split in (None, self.split) else ""
        return list_pairs(Source(self.name, self.spec, self.data_root, self.layout, wanted, subset), limit)

    def _split(self, split: str | None) -> Split:
        if split is None:
            return self.split
        if split not in self.layout.parts:
            raise BenchError(
                f"{self.name}: split {split!r} is not in the layout found at {self.root}, "
                f"wanted one of {', '.join(self.layout.parts)}"
            )
        return split


@dataclass(frozen=True, slots=True)
class Datasets:
    """The data sets that a command knows, and where they lie; made once, from the command's options.

    Attributes:
        root: the folder that holds the data sets.
        specs: descriptions by name.
    """

    root: Path
    specs: dict[str, DatasetSpec]

    @classmethod
    def of(cls, data_root: Path | None = None, datasets_file: Path | None = None) -> Datasets:
        """What the options name.

        Args:
            data_root: None takes ``default_data_root``.
            datasets_file: adds to the built-in data sets.

        Raises:
            BenchError: the file is wrong.
        """
        root = Path(data_root).expanduser() if data_root else default_data_root()
        return cls(root, load_datasets(datasets_file))

    def open(self, selection: str) -> Dataset:
        """Finds a data set on disk; the generated one is made when it is missing.

        The generated data set is never written into a folder that the user gave: it is taken from there if it is
        there, and else from the cache folder.

        Args:
            selection: ``NAME``, ``NAME:SPLIT`` or ``NAME:SUBSET``.

        Raises:
            BenchError: unknown name, split or subset, or none of its folders is there.
        """
        name, spec, split, subset = parse_selection(selection, self.specs)
        root = self.root
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
        found = f"{name}: the layout found at {root / layout.folder}"
        if split not in layout.parts:
            raise BenchError(f"{found} has no {split} split; {spec.instructions}")
        if subset and needs_list(spec.subsets[subset]) and subset not in layout.lists:
            raise BenchError(f"{found} has no list of subset {subset!r}; {spec.instructions}")
        return Dataset(name, spec, root, layout, split, subset)


def open_dataset(selection: str, data_root: Path | None = None, datasets_file: Path | None = None) -> Dataset:
    """Finds one data set on disk; see ``Datasets.open``.

    Raises:
        BenchError: unknown name, split or subset, or none of its folders is there.
    """
    return Datasets.of(data_root, datasets_file).open(selection)


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
        sides = [[Place.of(folder / side).folder for side in (part.ir, part.vis)] for part in layout.parts.values()]
        if any(ir.is_dir() and vis.is_dir() for ir, vis in sides):
            return layout
    return None


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


def _hint(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3)
    return f"; did you mean {', '.join(near)}?" if near else f"; known: {', '.join(names)}"


def _near_root(spec: DatasetSpec, root: Path) -> str:
    if any(root.name == layout.folder for layout in spec.layouts):
        return f" (give its parent {root.absolute().parent} as data root)"
    return ""


def _generate(spec: DatasetSpec, root: Path) -> Layout | None:
    from bench.data.demo import ensure_demo

    root.mkdir(parents=True, exist_ok=True)
    ensure_demo(root)
    return find_layout(spec, root)
