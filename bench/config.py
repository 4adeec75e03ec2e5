"""Typed configuration: ``datasets.yaml`` and the settings of one run. Every unknown key fails with its path."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.types import BenchError, Way

PROJECT_ROOT = Path(__file__).resolve().parent.parent

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Split = Literal["train", "test", "detection"]
PresetName = Literal["smoke", "quick", "paper"]


class Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(Strict):
    """One split of one on-disk layout: folders below the layout's folder, and how a file is named."""

    ir: str
    vis: str
    labels: str = ""
    boxes: str = ""
    pattern: str = "*.png"


class Layout(Strict):
    """One way the data set lies on disk, as published, nothing renamed; the first whose folder exists is taken."""

    folder: str
    parts: dict[Split, Part]
    four_channel: bool = False
    lists: dict[Split, str] = Field(default_factory=dict)


class Download(Strict):
    """A direct file: address, checksum, where it is unpacked below the data root."""

    url: str
    sha256: str
    unpack_to: str
    size: int = 0


class Subset(Strict):
    """A named part of a split with its explicit file list."""

    title: str
    split: Split = "test"
    pairs: tuple[str, ...]
    source: str = ""


class DatasetSpec(Strict):
    """One data set of ``datasets.yaml``."""

    title: str
    homepage: str
    licence: str
    citation: str
    instructions: str
    layouts: tuple[Layout, ...]
    default_split: Split = "test"
    pairs: dict[Split, tuple[str, ...]] = Field(default_factory=dict)
    subsets: dict[Name, Subset] = Field(default_factory=dict)
    classes: tuple[str, ...] = ()
    palette: tuple[tuple[int, int, int], ...] = ()
    box_classes: dict[int, str] = Field(default_factory=dict)
    downloads: tuple[Download, ...] = ()
    generated: bool = False


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
    executor: Literal["local", "ray"] = "local"
    limit: int | None = Field(default=None, ge=1)
    seed: int = 0
    rerun: Literal["missing", "all", "none"] = "missing"
    way: Way = "published"
    precision: Literal["exact", "fast"] = "exact"
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
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        text = " ".join(str(error).split())
        raise BenchError(f"{path}: not readable as plain YAML: {text}") from error
    try:
        return DatasetsFile.model_validate(raw).datasets
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        seen = "" if first["type"] == "missing" else f", got {str(first['input'])[:80]!r}"
        raise BenchError(f"{path}: {where}: {first['msg']}{seen}") from error
