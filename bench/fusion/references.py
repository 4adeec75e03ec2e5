"""Finds reference images of methods below one folder, in the layouts in which they are kept.

``<set>_published/<LABEL>/<pair>.png`` and ``<set>_published/<pair>_<LABEL>.jpg`` (images that authors published),
``authors_code/<LABEL>/<SET...>/<pair>.png`` (what authors' programs made), ``extra/<LABEL>/{ir,vi,fused}/<pair>.*``
(published images with sources of their own), ``formula/<TITLE>/<case>.npz`` (outputs with formula weights).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.data.names import is_junk
from bench.errors import BenchError
from bench.images import ENDINGS
from bench.plugin.proof import Level

PUBLISHED = "_published"
PROGRAMS = "authors_code"
EXTRA = "extra"
FORMULA = "formula"
DATASETS = {"msrs": "mfnet"}
"""Names of data sets in folders -> ours, where they differ."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One file to agree with.

    Attributes:
        source: folder below the root, without the method's own.
        label: the method's name in that folder.
        pair: the pair's, or the case's.
        path: the image, or the floats of a formula case.
        sources: infrared and visible image where they lie beside it; else they are of a data set.
    """

    source: str
    label: str
    pair: str
    path: Path
    sources: tuple[Path, Path] | None = None

    @property
    def dataset(self) -> str:
        """Our name of the data set whose pair it is; empty where the sources lie beside it."""
        if self.source == EXTRA:
            return ""
        name = self.source.partition("/")[2].partition("_")[0] or self.source.removesuffix(PUBLISHED)
        return DATASETS.get(name.lower(), name.lower())


def plain(label: str) -> str:
    """Lower case without punctuation, so that ``RFN-Nest`` and ``rfn_nest`` are one; ``+`` counts (``TarDAL+``)."""
    return "".join(letter for letter in label.casefold() if letter.isalnum() or letter == "+")


def find_references(root: Path, labels: Collection[str] = ()) -> list[Reference]:
    """All reference files below a folder.

    Args:
        root: the folder that holds ``tno_published``, ``authors_code``...
        labels: known names of methods, by which ``<pair>_<LABEL>.jpg`` is split; else at its first underscore.

    Raises:
        BenchError: not a folder, or without any such file.
    """
    if not root.is_dir():
        raise BenchError(f"{root} is not a folder; give the one that holds tno_published, authors_code, formula...")
    known = {plain(label) for label in labels}
    found = [reference for folder in sorted(root.iterdir()) if folder.is_dir() for reference in _below(folder, known)]
    if not found:
        raise BenchError(f"{root}: holds no reference image; wanted e.g. tno_published/SeAFusion/01.png below it")
    return found


def level_of(source: str) -> Level:
    """What a source is, by its folder's name."""
    if source.startswith(PROGRAMS):
        return "authors' program"
    return "formula weights" if source == FORMULA else "published images"


def _below(folder: Path, known: Collection[str]) -> Iterator[Reference]:
    if folder.name.endswith(PUBLISHED):
        yield from _published(folder, known)
    elif folder.name == PROGRAMS:
        for label in _folders(folder):
            for part in _folders(label):
                source = f"{PROGRAMS}/{part.name}"
                yield from (Reference(source, label.name, file.stem, file) for file in _files(part))
    elif folder.name == EXTRA:
        for label in _folders(folder):
            yield from _extra(label)
    elif folder.name == FORMULA:
        for label in _folders(folder):
            cases = sorted(label.glob("*.npz"))
            yield from (Reference(FORMULA, label.name, case.stem, case) for case in cases)


def _published(folder: Path, known: Collection[str]) -> Iterator[Reference]:
    for label in _folders(folder):
        yield from (Reference(folder.name, label.name, file.stem, file) for file in _files(label))
    for file in _files(folder):
        pair, name = _split(file.stem, known)
        if name:
            yield Reference(folder.name, name, pair, file)


def _split(stem: str, known: Collection[str]) -> tuple[str, str]:
    """``carLight_LP_SR`` -> (``carLight``, ``LP_SR``)."""
    parts = stem.split("_")
    for count in range(1, len(parts)):
        label = "_".join(parts[count:])
        if plain(label) in known:
            return "_".join(parts[:count]), label
    return parts[0], "_".join(parts[1:])


def _extra(label: Path) -> Iterator[Reference]:
    ir, vis = ({file.stem: file for file in _files(label / part)} for part in ("ir", "vi"))
    for file in _files(label / "fused"):
        if file.stem in ir and file.stem in vis:
            yield Reference(EXTRA, label.name, file.stem, file, (ir[file.stem], vis[file.stem]))


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not is_junk(path.name))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.casefold() in ENDINGS and not is_junk(path.name))
