"""Data sets as they are described: ``datasets.yaml`` and its like. Every unknown key fails with its path."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bench.data.depth import IrRange
from bench.data.names import check_pair_id, key_of, lacks_pair
from bench.download import Download, GitSource
from bench.errors import BenchError, describe
from bench.files import PROJECT_ROOT
from bench.strict import NearPath, RelativePath, Strict, inside

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Split = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
"""Any name of a part of a data set; ``train`` is what methods and tasks are trained on."""
TRAIN = "train"
"""The part that methods and tasks are trained on."""
PresetName = Literal["smoke", "quick", "paper"]
Level = Annotated[int, Field(ge=0, le=255)]


PairId = Annotated[str, AfterValidator(check_pair_id)]


def _written_out(value: object, info: ValidationInfo) -> object:
    """The names in a text file, one a line, in place of its path; a list that is written out stands as it is."""
    if not isinstance(value, str):
        return value
    folders = [Path((info.context or {}).get("folder", ".")), Path(__file__).parent]
    path = next((folder / value for folder in folders if (folder / inside(value)).is_file()), None)
    if path is None:
        raise ValueError(f"wanted a list of pairs, or a text file of them; there is no {value} beside this description")
    return tuple(dict.fromkeys(path.read_text(encoding="utf-8-sig").split()))


def check_range(word: str) -> str:
    """Refuses what is no mapping of deep infrared; empty chooses none.

    Raises:
        ValueError: unknown; says what there is.
    """
    try:
        if word:
            IrRange.of(word)
    except BenchError as error:
        raise ValueError(str(error)) from error
    return word


PairList = Annotated[tuple[PairId, ...], BeforeValidator(_written_out)]
"""Names of pairs, or the path of a text file of them, below the description's folder or below this package."""


class Part(Strict):
    """One split of one on-disk layout: folders below the layout's folder, and how a file is named.

    A folder may end in a pattern, ``images/{pair}_ir``, where both sides lie in one folder or names carry more than the
    pair's own; it may lie beside the layout's folder, ``../labels``. ``pattern`` limits the images by name; any ending
    that is read is as good as the one it has. ``boxes`` is a folder of YOLO lines or of VOC XML, or a COCO JSON file.
    """

    ir: NearPath
    vis: NearPath
    labels: NearPath | Literal[""] = ""
    boxes: NearPath | Literal[""] = ""
    pattern: str = "*"

    @field_validator("ir", "vis", "labels", "boxes")
    @classmethod
    def _names_the_pair(cls, place: str) -> str:
        if why := lacks_pair(place):
            raise ValueError(f"{place} {why}")
        return place


class Layout(Strict):
    """One way the data set lies on disk, as published, nothing renamed; the first whose folders exist is taken.

    ``lists`` names files of pair names, one a line, by the subset that they define. ``border`` is how many pixels are
    cut off every side of every image, where the published files have a frame around them.
    """

    folder: RelativePath
    parts: dict[Split, Part]
    four_channel: bool = False
    border: Annotated[int, Field(ge=0)] = 0
    lists: dict[Name, RelativePath] = Field(default_factory=dict)

    def path(self, data_root: Path, relative: str) -> Path:
        """A folder of a part, or a file, wherever it lies below the data root."""
        if relative.startswith("../"):  # beside the folder as it is called, which may be a link
            return (data_root / self.folder).parent / relative.removeprefix("../")
        return data_root / self.folder / relative

    @model_validator(mode="after")
    def _stays_inside(self) -> Layout:
        places = [place for part in self.parts.values() for place in (part.ir, part.vis, part.labels, part.boxes)]
        if self.folder == "." and any(place.startswith("../") for place in places):
            raise ValueError("a part leads out of the data root; name its folder without '../'")
        return self


class Subset(Strict):
    """A named part of a split: an explicit list of pairs, a tag, or a list file of the layout.

    ``same_as`` says that the same scenes are also part of that split under other names, for the check of leaks.
    ``trains_on`` names the subset of the training part that belongs to this one; empty for the whole training part.
    """

    title: str
    split: Split = "test"
    pairs: PairList = ()
    tag: str = ""
    same_as: Split | None = None
    trains_on: Name | Literal[""] = ""
    source: str = ""


class DatasetSpec(Strict):
    """One data set of ``datasets.yaml``; only ``layouts`` is demanded.

    ``also`` are other names that it goes by. ``pairs`` are the explicit lists of the splits; a split without one holds
    whatever is found, and ``expected`` is then its published size. ``suffix_tags`` gives pairs a tag by the last
    letters of their name. ``frame`` is a regular expression whose first group is what the names of one scene have in
    common in all lists, for the check of leaks; ``sequence`` likewise one whose first group is the drive or clip that a
    pair was taken from, where names say so: intervals then draw whole drives, since neighbouring frames are not
    independent. ``video`` says that each sequence is a clip, frame by frame, as the task ``video`` measures it.
    ``remark`` is what a reader of its numbers must know. ``leaks`` says,
    by split or subset, what it has in common with a training list beyond equal names.

    ``box_classes`` are the classes of detection by id: COCO's, counted from 0, where COCO has the class, and from 80
    where it has not. ``box_ids`` says what the ids of YOLO lines are called, where they are others. ``box_aliases`` are
    other spellings in truth files; an empty class says that such a box is nothing to find. ``ir_range`` is how infrared
    of more than 8 bits becomes 8 (``bench.data.depth``); where it is empty, such images are refused.
    """

    title: str = ""
    homepage: str = ""
    licence: str = ""
    citation: str = ""
    instructions: str = ""
    layouts: Annotated[tuple[Layout, ...], Field(min_length=1)]
    also: tuple[Name, ...] = ()
    remark: str = ""
    leaks: dict[Name, str] = Field(default_factory=dict)
    default_split: Split = "test"
    pairs: dict[Split, PairList] = Field(default_factory=dict)
    expected: dict[Split, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    subsets: dict[Name, Subset] = Field(default_factory=dict)
    frame: str = "(.+)"
    sequence: str = ""
    video: bool = False
    suffix_tags: dict[Annotated[str, Field(min_length=1)], Name] = Field(default_factory=dict)
    classes: tuple[str, ...] = ()
    palette: tuple[tuple[Level, Level, Level], ...] = ()
    box_classes: dict[int, str] = Field(default_factory=dict)
    box_ids: dict[int, str] = Field(default_factory=dict)
    box_aliases: dict[str, str] = Field(default_factory=dict)
    ir_range: Annotated[str, AfterValidator(check_range)] = ""
    downloads: tuple[Download, ...] = ()
    repository: GitSource | None = None
    generated: bool = False

    @property
    def how_to_get(self) -> str:
        """How to mend what is missing on disk, in a sentence."""
        return self.instructions or "compare its folders with its description, or give another --data-root"

    def frame_of(self, name: str) -> str:
        """What all names of one scene have in common, whichever list they stand in."""
        found = re.fullmatch(self.frame, name)
        return key_of(found[1] if found and found[1] else name)

    def sequence_of(self, name: str) -> str:
        """The drive or clip that a pair was taken from; the pair itself where its name does not say."""
        found = re.fullmatch(self.sequence, name) if self.sequence else None
        return found[1] if found else name

    def in_training(self, split: str, names: Iterable[str], training: Iterable[str] | None = None) -> frozenset[str]:
        """Those names of a split whose scene the training list holds too, under whatever name.

        Args:
            split: that the names are of.
            names: to look up.
            training: another list than that of the training part.
        """
        frames = {self.frame_of(name) for name in (self.pairs.get(TRAIN, ()) if training is None else training)}
        declared = [
            subset.pairs for subset in self.subsets.values() if (subset.split, subset.same_as) == (split, TRAIN)
        ]
        twins = set() if training is not None else {name for pairs in declared for name in pairs}
        return frozenset(name for name in names if name in twins or self.frame_of(name) in frames)

    @model_validator(mode="after")
    def _names_what_it_has(self) -> DatasetSpec:
        for text in (*self.box_ids.values(), *filter(None, self.box_aliases.values())):
            if text not in self.box_classes.values():
                raise ValueError(f"{text!r} of box_ids or box_aliases is no class of box_classes")
        known = {*(split for layout in self.layouts for split in layout.parts), *self.subsets}
        if self.leaks.keys() - known and self.layouts[0].parts:
            raise ValueError(f"leaks names {min(self.leaks.keys() - known)!r}, which is no split or subset")
        return self

    @model_validator(mode="after")
    def _agrees(self) -> DatasetSpec:
        for names in (*self.pairs.values(), *(subset.pairs for subset in self.subsets.values())):
            if len(set(names)) != len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise ValueError(f"pair {twice!r} is listed twice")
        splits = {split for layout in self.layouts for split in layout.parts}
        for name, subset in self.subsets.items():
            if name in splits:
                raise ValueError(f"subset {name!r} has the name of a split")
            if subset.trains_on and subset.trains_on not in self.subsets:
                raise ValueError(f"subset {name!r} trains on {subset.trains_on!r}, which is no subset")
        if self.palette and len(self.palette) != len(self.classes):
            raise ValueError(f"{len(self.palette)} palette colours for {len(self.classes)} classes")
        for key, pattern in (("frame", self.frame), ("sequence", self.sequence or "(.+)")):
            try:
                groups = re.compile(pattern).groups
            except re.error as error:
                raise ValueError(f"{key} {pattern!r} is no regular expression: {error}") from error
            if groups != 1:
                raise ValueError(f"{key} {pattern!r} has {groups} groups, wanted one")
        return self

    @model_validator(mode="after")
    def _knows_its_clips(self) -> DatasetSpec:
        if self.video and not self.sequence:
            raise ValueError("video is true without sequence, which says what clip a frame is of")
        return self


class DatasetsFile(Strict):
    """The whole of ``datasets.yaml``."""

    datasets: dict[Name, DatasetSpec]

    @model_validator(mode="after")
    def _has_titles(self) -> DatasetsFile:
        for name, spec in self.datasets.items():
            if not spec.title:
                self.datasets[name] = spec.model_copy(update={"title": name})
        return self


GROUP = "ivfbench.datasets"
"""Entry points that bring data sets: ``<name> = <module>``, a package with a ``datasets.yaml`` beside it, or
``<name> = <module>:<object>``, a ``DatasetSpec`` of that name or a dict of them by name."""

RESERVED = ("folder",)
"""Names that no file may describe: two bare folders on the command line are called so."""


def load_datasets(path: Path | None = None) -> dict[str, DatasetSpec]:
    """All data sets: the built-in ones, those of installed packages, and those of a file of the user's.

    Later ones replace earlier ones of their name. A package whose description cannot be read is passed over here, and
    named by ``broken_packages``.

    Args:
        path: file of the user's, in the form of ``datasets.yaml``.

    Raises:
        BenchError: see ``read_datasets``.
    """
    found = dict(_built_in_specs())
    for point in entry_points(group=GROUP):
        try:
            found |= _of_package(point)
        except Exception:  # noqa: S112 - a stranger's package may do anything; the other data sets stay usable
            continue
    return found | (read_datasets(path.expanduser()) if path else {})


def _built_in() -> Path:
    """``datasets.yaml`` at the root of a checkout, or beside this module in an installed wheel."""
    beside = Path(__file__).with_name("datasets.yaml")
    return beside if beside.is_file() else PROJECT_ROOT / "datasets.yaml"


def broken_packages() -> dict[str, str]:
    """Entry points of data sets that cannot be used, and why."""
    broken = {}
    for point in entry_points(group=GROUP):
        try:
            _of_package(point)
        except Exception as error:
            broken[point.name] = describe(error)
    return broken


def _of_package(point: EntryPoint) -> dict[str, DatasetSpec]:
    found = point.load()
    if isinstance(found, ModuleType):
        return read_datasets(Path(str(found.__file__)).parent / "datasets.yaml")
    given = dict(found) if isinstance(found, Mapping) else {point.name: found}
    return DatasetsFile.model_validate({"datasets": given}).datasets


@lru_cache(maxsize=1)
def _built_in_specs() -> Mapping[str, DatasetSpec]:
    return read_datasets(_built_in())


def names_beside(name: str) -> tuple[str, ...]:
    """What else folders call a built-in data set."""
    spec = _built_in_specs().get(name)
    return spec.also if spec else ()


def read_datasets(path: Path) -> dict[str, DatasetSpec]:
    """Reads and checks one file in the form of ``datasets.yaml``.

    Raises:
        BenchError: not readable, not plain YAML, or a key or value is wrong; names the file and the key's path.
    """
    if not path.is_file():
        raise BenchError(f"datasets file {path} does not exist; give one with --datasets-file")
    try:
        raw = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        text = " ".join(str(error).split())
        raise BenchError(f"{path}: not readable as plain YAML: {text}") from error
    try:
        found = DatasetsFile.model_validate(raw, context={"folder": path.parent}).datasets
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        # shortened before it is written out: a few lines of YAML can refer to a list of billions
        seen = "" if first["type"] == "missing" else f", got {reprlib.repr(first['input'])[:80]}"
        raise BenchError(f"{path}: {where}: {first['msg']}{seen}") from error
    for name in RESERVED:
        if name in found:
            raise BenchError(f"{path}: datasets.{name}: this name is taken; choose another one")
    return found


RECORDED = ("classes", "palette", "box_classes", "box_ids", "box_aliases")
"""What a manifest keeps of a description besides words: all that its truth is read with."""


def recorded_spec(facts: Mapping[str, Any]) -> DatasetSpec:
    """The description of a data set as a run's manifest recorded it, whatever is known here and now.

    Args:
        facts: of one data set of the manifest.
    """
    texts = ("title", "homepage", "licence", "citation", "remark", "sequence")
    described = {key: str(facts.get(key) or "") for key in texts}
    known = {key: facts[key] for key in RECORDED if facts.get(key)}
    anywhere = {"folder": ".", "parts": {}}
    return DatasetSpec.model_validate({**described, **known, "layouts": [anywhere]})
