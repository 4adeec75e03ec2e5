"""Typed configuration: ``datasets.yaml`` and the settings of one run. Every unknown key fails with its path."""

from __future__ import annotations

import reprlib
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.types import BenchError

PROJECT_ROOT = Path(__file__).resolve().parent.parent

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Split = Literal["train", "test", "detection"]
PresetName = Literal["smoke", "quick", "paper"]
Level = Annotated[int, Field(ge=0, le=255)]


class Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _inside(path: str) -> str:
    """Refuses what would lead out of its folder: data set files come from strangers too."""
    parts = PurePosixPath(path).parts
    if not path or path.startswith(("/", "\\")) or ".." in parts or "\\" in path or ":" in parts[0]:
        raise ValueError("wanted a relative path with forward slashes and without '..'")
    return path


def check_pair_id(name: str) -> str:
    """Refuses a name that is no plain file name: pair names become file names, cells of tables and text of reports.

    Raises:
        ValueError: empty, starting with a dot, or with separators, control characters or text that is not Unicode.
    """
    if not name or name.startswith(".") or not name.isprintable() or "/" in name or "\\" in name:
        raise ValueError(f"wanted a printable pair name without separators or a leading dot, got {name[:80]!a}")
    return name


RelativePath = Annotated[str, AfterValidator(_inside)]
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


class Download(Strict):
    """A direct file: address, checksum, where it is unpacked below the data root."""

    url: Annotated[str, Field(pattern=r"^(https?|file)://")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    unpack_to: RelativePath
    size: int = Field(default=0, ge=0)


class GitSource(Strict):
    """A public repository at one commit, whose id is the checksum of everything in it."""

    url: Annotated[str, Field(pattern=r"^(https|file)://")]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    unpack_to: RelativePath


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


class RunConfig(Strict):
    """All that ``bench run`` was asked for; stored in the manifest."""

    methods: tuple[str, ...] = ("all",)
    datasets: tuple[str, ...] = ("demo",)
    tasks: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ("standard", "seafusion2022")
    metrics: tuple[str, ...] = ()
    preset: PresetName | None = None
    out: Path = Path("runs/latest")
    data_root: Path | None = None
    weights_root: Path | None = None
    datasets_file: Path | None = None
    device: str = "auto"
    jobs: int = Field(default=0, ge=0)
    executor: Literal["local", "inline", "ray"] = "local"
    limit: int | None = Field(default=None, ge=1)
    seed: int = 0
    rerun: Literal["missing", "all", "none"] = "missing"
    way: Literal["published", "plain", "both"] = "published"
    precision: Literal["exact", "fast"] = "exact"
    compile: Literal["never", "auto"] = "never"
    time_limit_s: float = Field(default=300.0, gt=0)
    options: dict[str, str] = Field(default_factory=dict)


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
