"""Typed configuration: ``datasets.yaml`` and the settings of one run. Every unknown key fails with its path."""

from __future__ import annotations

import reprlib
from pathlib import Path
from typing import Annotated, Literal, get_args

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from bench.download import Download, GitSource
from bench.errors import BenchError
from bench.files import PROJECT_ROOT
from bench.strict import RelativePath, Strict

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Split = Literal["train", "test", "detection"]
PresetName = Literal["smoke", "quick", "paper"]
Level = Annotated[int, Field(ge=0, le=255)]


def check_pair_id(name: str) -> str:
    """Refuses a name that is no plain file name: pair names become file names, cells of tables and text of reports.

    Raises:
        ValueError: empty, starting with a dot, or with separators, control characters or text that is not Unicode.
    """
    if not name or name.startswith(".") or not name.isprintable() or "/" in name or "\\" in name:
        raise ValueError(f"wanted a printable pair name without separators or a leading dot, got {name[:80]!a}")
    return name


PairId = Annotated[str, AfterValidator(check_pair_id)]


class Part(Strict):
    """One split of one on-disk layout: folders below the layout's folder, and how a file is named."""

    ir: RelativePath
    vis: RelativePath
    labels: RelativePath | Literal[""] = ""
    boxes: RelativePath | Literal[""] = ""
    pattern: str = "*.png"


class Layout(Strict):
    """One way the data set lies on disk, as published, nothing renamed; the first whose folders exist is taken.

    ``lists`` names files of pair names, one a line, by the subset that they define.
    """

    folder: RelativePath
    parts: dict[Split, Part]
    four_channel: bool = False
    lists: dict[Name, RelativePath] = Field(default_factory=dict)


class Subset(Strict):
    """A named part of a split: an explicit list of pairs, a tag, or a list file of the layout.

    ``same_as`` says that the same scenes are also part of that split under other names, for the check of leaks.
    """

    title: str
    split: Split = "test"
    pairs: tuple[PairId, ...] = ()
    tag: str = ""
    same_as: Split | None = None
    source: str = ""


class DatasetSpec(Strict):
    """One data set of ``datasets.yaml``.

    ``pairs`` are the explicit lists of the splits; a split without one holds whatever is found, and ``expected`` is
    then its published size. ``suffix_tags`` gives pairs a tag by the last letters of their name.
    """

    title: str
    homepage: str
    licence: str
    citation: str
    instructions: str
    layouts: Annotated[tuple[Layout, ...], Field(min_length=1)]
    default_split: Split = "test"
    pairs: dict[Split, tuple[PairId, ...]] = Field(default_factory=dict)
    expected: dict[Split, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    subsets: dict[Name, Subset] = Field(default_factory=dict)
    suffix_tags: dict[Annotated[str, Field(min_length=1)], Name] = Field(default_factory=dict)
    classes: tuple[str, ...] = ()
    palette: tuple[tuple[Level, Level, Level], ...] = ()
    box_classes: dict[int, str] = Field(default_factory=dict)
    downloads: tuple[Download, ...] = ()
    repository: GitSource | None = None
    generated: bool = False

    @model_validator(mode="after")
    def _agrees(self) -> DatasetSpec:
        for names in (*self.pairs.values(), *(subset.pairs for subset in self.subsets.values())):
            if len(set(names)) != len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise ValueError(f"pair {twice!r} is listed twice")
        for name in self.subsets:
            if name in get_args(Split):
                raise ValueError(f"subset {name!r} has the name of a split")
        if self.palette and len(self.palette) != len(self.classes):
            raise ValueError(f"{len(self.palette)} palette colours for {len(self.classes)} classes")
        return self


class DatasetsFile(Strict):
    """The whole of ``datasets.yaml``."""

    datasets: dict[Name, DatasetSpec]


def find_datasets_file(explicit: Path | None = None) -> Path:
    """``explicit``, else ``datasets.yaml`` of the current folder, else the project's own.

    Raises:
        BenchError: none of them is a file.
    """
    candidates = [explicit] if explicit else [Path("datasets.yaml"), PROJECT_ROOT / "datasets.yaml"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise BenchError(f"datasets file {candidates[0]} does not exist; give one with --datasets-file")


def load_datasets(path: Path | None = None) -> dict[str, DatasetSpec]:
    """Reads and checks ``datasets.yaml``.

    Raises:
        BenchError: not readable, not plain YAML, or a key or value is wrong; names the file and the key's path.
    """
    path = find_datasets_file(path)
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        text = " ".join(str(error).split())
        raise BenchError(f"{path}: not readable as plain YAML: {text}") from error
    try:
        return DatasetsFile.model_validate(raw).datasets
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        # shortened before it is written out: a few lines of YAML can refer to a list of billions
        seen = "" if first["type"] == "missing" else f", got {reprlib.repr(first['input'])[:80]}"
        raise BenchError(f"{path}: {where}: {first['msg']}{seen}") from error
