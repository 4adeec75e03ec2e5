"""Finds a data set on disk and reads its pairs: ``DatasetSpec`` -> ``Dataset`` -> ``PairFiles`` -> ``Pair``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.data.depth import IrRange
from bench.data.frames import Frames, frames_of
from bench.data.home import cache_data_root, default_data_root
from bench.data.listing import Listing, Source, list_pairs, needs_list
from bench.data.names import Place, broken_link, some
from bench.data.spec import TRAIN, DatasetSpec, Layout, Split, load_datasets
from bench.data.unpack import packed_clips
from bench.errors import BenchError, suggest


class DataMissing(BenchError):  # noqa: N818 - named for what it says
    """A data set is not on disk; the text says how to get it."""


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
            split: another split than the selected one; then the subset is not applied, except that the training part is
                the one that belongs to the subset.
            limit: stop after this many good pairs; those after are not checked.

        Raises:
            BenchError: the layout found has no such split, or lacks the list file of the subset.
        """
        wanted = self._split(split)
        subset = self.subset if wanted == self.split else self.training_subset if wanted == TRAIN else ""
        if subset and needs_list(self.spec.subsets[subset]) and subset not in self.layout.lists:
            raise BenchError(f"{self.name}: the layout found at {self.root} has no list of subset {subset!r}")
        return list_pairs(Source(self.name, self.spec, self.data_root, self.layout, wanted, subset), limit)

    @property
    def training_subset(self) -> str:
        """The subset of the training part that belongs to the selection; empty for the whole of it."""
        if self.split == TRAIN or not self.subset:
            return self.subset if self.split == TRAIN else ""
        return self.spec.subsets[self.subset].trains_on

    @property
    def training_selection(self) -> str:
        """What is trained on for this selection: ``NAME`` or ``NAME:SUBSET``."""
        return f"{self.name}:{self.training_subset}" if self.training_subset else self.name

    def part_for(self, role: str, truth: str) -> str:
        """The part that serves a task in a role, e.g. ``test`` or ``detection``.

        The selected part goes first if it carries the truth, then the part of the role's name, then any other that
        carries it, those whose truth is on disk before all others; training is always on the training part.

        Args:
            role: the part that the task would like.
            truth: ``labels`` or ``boxes``; any other word leaves the role as it is.
        """
        if role == TRAIN or truth not in ("labels", "boxes"):
            return role
        declared = [name for name, part in self.layout.parts.items() if name != TRAIN and getattr(part, truth)]
        carrying = [name for name in declared if self._on_disk(name, truth)] or declared
        return next((name for name in (self.split, role, *carrying) if name in carrying), role)

    def _on_disk(self, split: str, truth: str) -> bool:
        part = self.layout.parts[split]
        places = [Place.of(self.layout.path(self.data_root, getattr(part, side))).folder for side in ("ir", truth)]
        return all(place.exists() for place in places)

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
    def of(cls, data_root: Path | None = None, datasets_file: Path | None = None, ir_range: str = "") -> Datasets:
        """What the options name.

        Args:
            data_root: None takes ``default_data_root``.
            datasets_file: adds to the built-in data sets.
            ir_range: mapping of deep infrared in the place of the descriptions' own; empty leaves them.

        Raises:
            BenchError: the file or the mapping is wrong.
        """
        root = Path(data_root).expanduser() if data_root else default_data_root()
        specs = load_datasets(datasets_file)
        if ir_range:
            IrRange.of(ir_range)
            specs = {name: spec.model_copy(update={"ir_range": ir_range}) for name, spec in specs.items()}
        return cls(root, specs)

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
            raise DataMissing(
                f"{name}: data root {root} is not a folder; give one with --data-root or BENCH_DATA, or --fetch it"
            )
        layout = find_layout(spec, root)
        if spec.generated and (layout is None or root == cache_data_root()):
            root = cache_data_root()
            layout = _generate(spec, root)  # what lies there may be of another version
        if layout is None:
            _refuse_broken_links(spec, root)
            folders = " or ".join(dict.fromkeys(layout.folder for layout in spec.layouts))
            raise DataMissing(
                f"{name}: no folder {folders} with its images in {root}{_near_root(spec, root)}; {spec.how_to_get}"
            )
        if packed := [ir.name for ir, _ in packed_clips(spec, root)]:
            raise DataMissing(f"{name}: {some(packed)} are videos, wanted frames; bench data fetch {name} unpacks them")
        found = f"{name}: the layout found at {root / layout.folder}"
        if split not in layout.parts:
            raise BenchError(f"{found} has no {split} split; {spec.how_to_get}")
        if subset and needs_list(spec.subsets[subset]) and subset not in layout.lists:
            raise BenchError(f"{found} has no list of subset {subset!r}; {spec.how_to_get}")
        return Dataset(name, spec, root, layout, split, subset)


def open_dataset(
    selection: str, data_root: Path | None = None, datasets_file: Path | None = None, ir_range: str = ""
) -> Dataset:
    """Finds one data set on disk; see ``Datasets.open``.

    Raises:
        BenchError: unknown name, split or subset, or none of its folders is there.
    """
    return Datasets.of(data_root, datasets_file, ir_range).open(selection)


def parse_selection(selection: str, specs: dict[str, DatasetSpec]) -> tuple[str, DatasetSpec, Split, str]:
    """Reads ``NAME``, ``NAME:SPLIT`` or ``NAME:SUBSET``.

    Returns:
        name, entry, split and subset (empty for the whole split).

    Raises:
        BenchError: unknown; near names are suggested.
    """
    name, colon, part = selection.partition(":")
    name = other_names(specs).get(name, name)
    if name not in specs:
        raise BenchError(f"unknown data set {name!r}{suggest(name, [*specs, *other_names(specs)])}")
    spec = specs[name]
    if not colon:
        return name, spec, spec.default_split, ""
    if part in spec.subsets:
        return name, spec, spec.subsets[part].split, part
    splits = {split for layout in spec.layouts for split in layout.parts}
    if part not in splits:
        raise BenchError(f"{name}: unknown split or subset {part!r}{suggest(part, [*sorted(splits), *spec.subsets])}")
    return name, spec, part, ""


def other_names(specs: Mapping[str, DatasetSpec]) -> dict[str, str]:
    """What else data sets are called -> their name; a data set's own name goes first."""
    return {other: name for name, spec in specs.items() for other in spec.also if other not in specs}


def _refuse_broken_links(spec: DatasetSpec, root: Path) -> None:
    """Names the link that leads nowhere, where one stands in the place of a folder.

    Raises:
        BenchError: there is one.
    """
    for layout in spec.layouts:
        for part in layout.parts.values():
            for side in (part.ir, part.vis):
                if found := broken_link(Place.of(root / layout.folder / side).folder):
                    raise BenchError(f"{found.where}: {found.text}")


def find_layout(spec: DatasetSpec, data_root: Path) -> Layout | None:
    """The first layout with at least one split whose two image folders exist."""
    for layout in spec.layouts:
        sides = [
            [Place.of(layout.path(data_root, side)).folder for side in (part.ir, part.vis)]
            for part in layout.parts.values()
        ]
        if any(ir.is_dir() and vis.is_dir() for ir, vis in sides):
            return layout
    return None


NOT_STATED = "not stated"
"""In a list of what weights were trained on: nobody says; as ``bench.plugin.method`` has it."""


def seen_in_training(
    dataset: Dataset, trained_on: Collection[str], split: str | None = None, frames: Frames | None = None
) -> frozenset[str] | None:
    """Names of pairs of a split that a method saw in training, under their own or another name.

    Scenes are compared by name within a data set, and by the content of their files wherever the files are known.

    Args:
        dataset: the data set being scored.
        trained_on: what the weights were trained on, ``NAME`` or ``NAME:SUBSET``.
        split: of ``dataset``; None takes the selected one.
        frames: what a training done here recorded.

    Returns:
        Pair names; None where it cannot be known, because nobody says what the method was trained on, or because the
        data set has no published training part.
    """
    split = split or dataset.split
    seen: frozenset[str] = frozenset()
    if frames is not None:
        seen |= _same_content(dataset, split, frames)
    for selection in trained_on:
        name, _, part = selection.partition(":")
        if selection == NOT_STATED:
            return None
        if name != dataset.name:
            continue
        names = _training_names(dataset, part, frames)
        if names is None:
            return None
        if names:
            seen |= dataset.spec.in_training(split, _names_of(dataset, split), None if part == "" else names)
        elif frames is None and dataset.has_split(TRAIN):  # nothing but the files says which scenes are the same
            seen |= _same_content(dataset, split, frames_of(dataset.name, dataset.listing(TRAIN).pairs))
        if split == TRAIN and part == "":
            seen |= {files.id for files in dataset.listing(TRAIN).pairs}
    return seen


def _training_names(dataset: Dataset, part: str, frames: Frames | None) -> Collection[str] | None:
    """The names of a training list; empty where names say nothing, None where the list is not known."""
    if frames is not None and frames.dataset.partition(":")[0] == dataset.name and TRAIN in dataset.spec.pairs:
        return frames.names
    subset = dataset.spec.subsets.get(part)
    if subset is not None and not subset.pairs and subset.tag == "":
        if part not in dataset.layout.lists:
            return None
        return list_pairs(Source(dataset.name, dataset.spec, dataset.data_root, dataset.layout, TRAIN, part), 0).names
    if subset is not None and subset.pairs:
        return subset.pairs
    if dataset.spec.pairs.get(TRAIN):
        return dataset.spec.pairs[TRAIN]
    return () if dataset.has_split(TRAIN) or frames is not None else None


def _names_of(dataset: Dataset, split: str) -> frozenset[str]:
    """All names of a split, there or not."""
    listed = frozenset(dataset.spec.pairs.get(split, ()))
    return listed | frozenset(dataset.listing(split, limit=0).names) if dataset.has_split(split) else listed


def _same_content(dataset: Dataset, split: str, frames: Frames) -> frozenset[str]:
    if not dataset.has_split(split):
        return frozenset()
    return frozenset(files.id for files in dataset.listing(split).pairs if frames.hold(files))


def _near_root(spec: DatasetSpec, root: Path) -> str:
    if any(root.name == layout.folder for layout in spec.layouts):
        return f" (give its parent {root.absolute().parent} as data root)"
    return ""


def _generate(spec: DatasetSpec, root: Path) -> Layout | None:
    from bench.data.demo import ensure_demo
    from bench.data.demo.clips import ensure_clips

    root.mkdir(parents=True, exist_ok=True)
    if spec.video:
        ensure_clips(root)
    else:
        ensure_demo(root)
    return find_layout(spec, root)
