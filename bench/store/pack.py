"""The file that ``bench pack`` makes and strangers send: what is in it, and how it is read without trusting it.

A pack is a zip archive of ``pack.json`` (the table of contents with a checksum of everything), ``manifest.json`` (what
ran, without paths of the machine), ``scores.csv``, and ``images/<dataset>/<method>/<pair>.png``, a sample of the fused
images. Which pairs are in the sample follows from the checksum of all scores and all images of the run, so whoever
changes a number afterwards also changes which images are asked for, and cannot choose them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from bench.archive import Limits, open_zip, read_entry
from bench.errors import BenchError
from bench.files import SAFE_NAME, whole_file
from bench.strict import Strict
from bench.types import SCORE_COLUMNS, Number

if TYPE_CHECKING:
    import pandas as pd

CONTENTS, MANIFEST, SCORES, IMAGES = "pack.json", "manifest.json", "scores.csv", "images"
LIMITS = Limits(total=8 << 30, files=100_000)
JSON_BYTES, CSV_BYTES, IMAGE_BYTES = 64 << 20, 512 << 20, 256 << 20
M = TypeVar("M", bound=BaseModel)
STATUSES = ("ok", "skipped", "failed")

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Component = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]*$")]
Images = dict[Component, dict[Component, dict[Component, Sha256]]]
"""Data set -> method -> pair -> SHA-256 of the fused PNG."""


class PackedWeights(Strict):
    """One file of weights that a method loaded."""

    file: str = ""
    sha256: str = ""


class PackedMethod(Strict):
    """What a pack says of a method."""

    name: str = ""
    title: str = ""
    year: int | None = None
    paper: str = ""
    licence: str = ""
    kind: str = ""
    origin: str = ""
    trained_on: tuple[str, ...] = ()
    way: str = ""
    stretches: bool = False
    beside: str = ""
    precision: str = ""
    parameters: int | None = None
    status: str = ""
    weights: tuple[PackedWeights, ...] = ()


class PackedDataset(Strict):
    """What a pack says of a data set; ``digests`` are those of each pair's source files."""

    title: str = ""
    licence: str = ""
    homepage: str = ""
    split: str = ""
    subset: str = ""
    listed: int = 0
    found: int = 0
    pairs: tuple[str, ...] = ()
    fingerprint: str = ""
    digests: dict[str, str] = Field(default_factory=dict)


class PackedTask(Strict):
    """What a pack says of a task: which way its numbers are better, and how they are headed."""

    name: str = ""
    title: str = ""
    about: str = ""
    numbers: tuple[Number, ...] = ()
    ways: dict[str, str] = Field(default_factory=dict)
    contends: bool = True


class RunFacts(Strict):
    """``manifest.json`` of a pack: what ran, without folders and names of the machine's owner."""

    version: str = ""
    protocol: str = ""
    created: str = ""
    updated: str = ""
    seed: int = 0
    device: str = ""
    complete: bool = False
    machine: dict[str, str | int | float | dict[str, str]] = Field(default_factory=dict)
    config: dict[str, str | int | float | bool | list[str] | None] = Field(default_factory=dict)
    datasets: dict[str, PackedDataset] = Field(default_factory=dict)
    methods: dict[str, PackedMethod] = Field(default_factory=dict)
    tasks: dict[str, PackedTask] = Field(default_factory=dict)


class Contents(Strict):
    """``pack.json``.

    Attributes:
        format: of the pack.
        version: of the program that made it.
        per_method: how many images of each method and data set are in it; -1 for all.
        files: SHA-256 of ``manifest.json`` and ``scores.csv``.
        images: SHA-256 of every fused image of the run, in the pack or not.
    """

    format: Literal[1]
    version: str
    per_method: Annotated[int, Field(ge=-1)]
    files: dict[str, Sha256]
    images: Images

    @model_validator(mode="after")
    def _names_both(self) -> Contents:
        if set(self.files) != {MANIFEST, SCORES}:
            raise ValueError(f"files are {sorted(self.files)}, wanted {MANIFEST} and {SCORES}")
        return self

    def commitment(self) -> str:
        """SHA-256 of all scores and all images: what the choice of the sample hangs on."""
        return sha256(json.dumps([self.files[SCORES], self.images], sort_keys=True).encode())

    def sample(self) -> list[tuple[str, str, str]]:
        """The (data set, method, pair) whose images the pack must hold, sorted."""
        seed = self.commitment()
        chosen = []
        for dataset, methods in self.images.items():
            for method, pairs in methods.items():
                order = sorted(pairs, key=lambda pair: sha256(f"{seed}/{dataset}/{pair}".encode()))
                chosen += [
                    (dataset, method, pair) for pair in order[: None if self.per_method < 0 else self.per_method]
                ]
        return sorted(chosen)


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """A pack that has been opened and is in itself consistent; nothing in it has been recomputed.

    Attributes:
        path: of the archive.
        sha256: of the archive.
        contents: ``pack.json``.
        manifest: ``manifest.json``.
        scores: ``scores.csv`` as a table with the columns of a run.
        archive: still open, for the images.
    """

    path: Path
    sha256: str
    contents: Contents
    manifest: RunFacts
    scores: pd.DataFrame
    archive: zipfile.ZipFile

    def image(self, dataset: str, method: str, pair: str) -> bytes:
        """The PNG of one fused image.

        Raises:
            BenchError: not in the pack, or not what the table of contents says.
        """
        name = image_name(dataset, method, pair)
        data = read_entry(self.archive, name, IMAGE_BYTES)
        if sha256(data) != self.contents.images[dataset][method][pair]:
            raise BenchError(f"{self.path}: {name} is not the image that was scored (its checksum differs)")
        return data


def sha256(data: bytes) -> str:
    """Hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def image_name(dataset: str, method: str, pair: str) -> str:
    """Where an image stands in a pack."""
    return f"{IMAGES}/{dataset}/{method}/{pair}.png"


def write_pack(
    path: Path,
    manifest: RunFacts,
    scores: bytes,
    images: Images,
    per_method: int,
    image: Callable[[str, str, str], bytes],
    version: str,
) -> Contents:
    """Writes a pack; equal runs give equal bytes.

    Args:
        path: the archive; it appears only when it is whole.
        manifest: what ran.
        scores: ``scores.csv``.
        images: checksums of all fused images.
        per_method: how many of each method and data set go in; -1 for all.
        image: gives the PNG of a (data set, method, pair).
        version: of this program.

    Raises:
        BenchError: the disk does not take it.
    """
    text = _json(manifest.model_dump(mode="json"))
    files = {MANIFEST: sha256(text), SCORES: sha256(scores)}
    contents = Contents(format=1, version=version, per_method=per_method, files=files, images=images)
    try:
        with whole_file(path) as part, zipfile.ZipFile(part, "w") as archive:
            _add(archive, CONTENTS, _json(contents.model_dump()), zipfile.ZIP_DEFLATED)
            _add(archive, MANIFEST, text, zipfile.ZIP_DEFLATED)
            _add(archive, SCORES, scores, zipfile.ZIP_DEFLATED)
            for dataset, method, pair in contents.sample():
                data = image(dataset, method, pair)
                _add(archive, image_name(dataset, method, pair), data, zipfile.ZIP_STORED)
    except OSError as error:
        raise BenchError(f"{path}: cannot be written ({error.strerror}); free space or choose another place") from error
    return contents


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode()


def _add(archive: zipfile.ZipFile, name: str, data: bytes, method: int) -> None:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = method
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)


@contextmanager
def open_pack(path: Path) -> Iterator[Pack]:
    """Opens a pack and checks that it is whole and agrees with itself.

    Raises:
        BenchError: not a pack, damaged, too large, with entries that have no business there, or inconsistent.
    """
    with open_zip(path, LIMITS) as archive:
        contents = _parsed(path, CONTENTS, Contents, read_entry(archive, CONTENTS, JSON_BYTES))
        expected = {CONTENTS, MANIFEST, SCORES, *(image_name(*key) for key in contents.sample())}
        found = set(archive.namelist())
        for names, what in ((expected - found, "is missing"), (found - expected, "has no business there")):
            if names:
                raise BenchError(f"{path}: entry {min(names)[:200]!a} {what}; the pack was changed after it was made")
        texts = {
            name: read_entry(archive, name, limit) for name, limit in ((MANIFEST, JSON_BYTES), (SCORES, CSV_BYTES))
        }
        for name, data in texts.items():
            if sha256(data) != contents.files.get(name):
                raise BenchError(f"{path}: {name} differs from its checksum; the pack was changed after it was made")
        manifest = _parsed(path, MANIFEST, RunFacts, texts[MANIFEST])
        scores = _scores(path, texts[SCORES])
        _agree(path, contents, manifest, scores)
        yield Pack(path, _file_sha256(path), contents, manifest, scores, archive)


def _parsed(path: Path, name: str, model: type[M], data: bytes) -> M:
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise BenchError(f"{path}: {name}: {where[:200]!a}: {first['msg']}; not a pack of this program") from error


def _scores(path: Path, data: bytes) -> pd.DataFrame:
    import pandas as pd

    rows = _rows(path, data)
    scores = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
    keys = [column for column in SCORE_COLUMNS if column not in ("value", "status", "reason")]
    twice = scores.duplicated(keys)
    if twice.any():
        row = scores[twice].iloc[0]
        raise BenchError(
            f"{path}: {SCORES}: {row['method'][:80]!a} {row['pair'][:80]!a} {row['metric'][:80]!a} is there twice"
        )
    return scores


def _rows(path: Path, data: bytes) -> list[list[Any]]:
    rows: list[list[Any]] = []
    at = SCORE_COLUMNS.index("value")
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
        if next(reader, None) != list(SCORE_COLUMNS):
            raise BenchError(f"{path}: {SCORES}: its columns are not those of a run")
        for number, row in enumerate(reader, 2):
            rows.append([*row[:at], _value(f"{path}: {SCORES}, line {number}", row), *row[at + 1 :]])
    except (UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{path}: {SCORES}: not readable as CSV ({error})") from error
    return rows


def _value(where: str, row: Sequence[str]) -> float:
    fields = dict(zip(SCORE_COLUMNS, row, strict=False))
    if len(row) != len(SCORE_COLUMNS) or fields["status"] not in STATUSES:
        raise BenchError(f"{where}: not a row of scores")
    if not fields["metric"] and fields["status"] == "ok":
        raise BenchError(f"{where}: a value of no metric")
    if not all(text.isprintable() for text in row):
        raise BenchError(f"{where}: holds characters that cannot be printed")
    try:
        value = float(fields["value"]) if fields["value"] else math.nan
    except ValueError as error:
        raise BenchError(f"{where}: value {fields['value'][:80]!a}, wanted a number") from error
    if fields["status"] == "ok" and not math.isfinite(value):
        raise BenchError(f"{where}: value {fields['value'][:80]!a} of status ok, wanted a finite number")
    return value


def _agree(path: Path, contents: Contents, manifest: RunFacts, scores: pd.DataFrame) -> None:
    """Scores of pairs, checksums of images and the manifest must speak of the same things."""
    datasets = {*scores["dataset"], *contents.images}
    methods = {*scores["method"], *(method for images in contents.images.values() for method in images)}
    for kind, names, known in (("dataset", datasets, manifest.datasets), ("method", methods, manifest.methods)):
        unknown = names - set(known)
        if unknown:
            raise BenchError(f"{path}: {MANIFEST} does not know {kind} {min(unknown)[:80]!a}, of which it has results")
    rows = scores[(scores["task"] == "metrics") & (scores["status"] == "ok")]
    scored = set(zip(rows["dataset"], rows["method"], rows["pair"], strict=True))
    known_images = {
        (dataset, method, pair)
        for dataset, images in contents.images.items()
        for method, pairs in images.items()
        for pair in pairs
    }
    for keys, what in (
        (scored - known_images, f"{SCORES} scores {{}}, of which no image is known"),
        (known_images - scored, f"{SCORES} has no score of {{}}, of which there is an image"),
    ):
        if keys:
            raise BenchError(f"{path}: {what.format('/'.join(min(keys)))}")
    for name in _names(contents):
        if not SAFE_NAME.match(name) or not name.isprintable():
            raise BenchError(f"{path}: {CONTENTS}: name {name[:80]!a} is no plain file name")


def _names(contents: Contents) -> Iterable[str]:
    for dataset, methods in contents.images.items():
        yield dataset
        for method, pairs in methods.items():
            yield method
            yield from pairs
