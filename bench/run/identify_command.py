"""``bench identify``: computes what a table's rows would be in every convention and says which one made it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.analysis.claims import ClaimTable, read_claims
from bench.analysis.identify import NONE, Identification, Scored, Source, identify, wanted_metrics
from bench.analysis.variants import Numbers
from bench.data.folders import list_folders
from bench.data.pairs import read_pair
from bench.errors import BenchError
from bench.fusion.ready import find_ready
from bench.images import read_image
from bench.metrics.catalogue import CONVENTIONS
from bench.metrics.engine import PairScorer
from bench.metrics.planes import grey_planes, split_channels
from bench.types import Image, PairFiles

Progress = Callable[[int, int], None]
Triple = tuple[Image, Image, Image]
Readings = dict[str, list[Triple]]
"""How the images are read -> the triples whose mean value counts (three for colour channels)."""

_GREYS = {"bt601": "BT.601 luma", "matlab": "MATLAB grey", "opencv": "OpenCV grey", "pillow": "Pillow grey"}


READINGS = (*_GREYS.values(), "BGR read as RGB", "mean over the colour channels")
"""Of a grey image all are the same."""


@dataclass(frozen=True, slots=True)
class _Row:
    """The images of one row of the table: pair -> fused file."""

    files: Mapping[str, Path]


def identify_command(
    claim: Path, fused: Path, ir: Path, vis: Path, progress: Progress | None = None
) -> tuple[Identification, list[str]]:
    """Identifies the conventions behind a table of claims.

    Args:
        claim: CSV, Markdown or LaTeX table. With a column ``pair`` each row is an image; without, each is the mean over
            a method's images.
        fused: the fused images; a folder per method where the table holds several.
        ir: infrared images.
        vis: visible images of equal names.
        progress: called with (images done, images to do).

    Returns:
        What made each column, and remarks on rows that were left out.

    Raises:
        BenchError: a table or folder that cannot be read, or no row whose images are there.
    """
    table = read_claims(claim)
    sources = {files.id: files for files in list_folders(ir, vis).pairs}
    rows, kept, notes = _rows(table, fused, sources)
    table = _only(table, kept)
    scored = score_rows(table, rows, sources, progress)
    found = identify(table, scored)
    missed = {each.column for each in found.columns if each.verdict == NONE}
    if missed:
        left = replace(table, columns=tuple(column for column in table.columns if column.header in missed))
        otherwise = score_rows(left, rows, sources, progress, otherwise=True)
        found = identify(table, replace(scored, values={**scored.values, **otherwise.values}))
    return found, notes


def _only(table: ClaimTable, kept: Sequence[int]) -> ClaimTable:
    columns = tuple(replace(column, claims=tuple(column.claims[index] for index in kept)) for column in table.columns)
    return replace(table, rows=tuple(table.rows[index] for index in kept), columns=columns)


def _rows(table: ClaimTable, fused: Path, sources: Mapping[str, PairFiles]) -> tuple[list[_Row], list[int], list[str]]:
    """The images of each row that has them, which rows those are, and a line for each that has none."""
    if not fused.is_dir():
        raise BenchError(f"--fused is {fused}, wanted a folder of fused images, or of one folder per method")
    found: dict[Path, dict[str, Path]] = {}
    rows, kept, notes = [], [], []
    for index, (method, pair) in enumerate(table.rows):
        try:
            folder = _folder(fused, method)
            if folder not in found:
                found[folder] = find_ready(folder, list(sources)).files
            files = found[folder]
            if pair:
                name = next((each for each in files if _same_pair(each, pair)), "")
                if not name:
                    raise BenchError(f"no fused, infrared and visible image of pair {pair} in {folder}, {fused}")
                files = {name: files[name]}
        except BenchError as error:
            notes.append(f"row {index + 1} ({' '.join(part for part in (method, pair) if part)}): {error}; left out")
            continue
        rows.append(_Row(files))
        kept.append(index)
    if not rows:
        raise BenchError(f"no row of the table has its images: {notes[0] if notes else 'it holds no row'}")
    return rows, kept, notes


def _same_pair(name: str, claimed: str) -> bool:
    """Pairs agree by stem; spreadsheets drop leading zeros."""
    stem = Path(claimed).stem if Path(claimed).suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".tif") else claimed
    return name.casefold() == stem.casefold() or (name.isdigit() and stem.isdigit() and int(name) == int(stem))


def _folder(fused: Path, method: str) -> Path:
    """The folder of a method; its name may differ in case and marks, and carry a citation."""
    folders = {_bare(path.name): path for path in sorted(fused.iterdir()) if path.is_dir()}
    if not method:
        return fused
    wanted = _bare(re.sub(r"\[.*?\]|\(.*?\)|~.*", "", method))
    if wanted in folders:
        return folders[wanted]
    if not folders:
        return fused  # a table of one named method
    raise BenchError(f"no folder of {method} in {fused}; there are {', '.join(p.name for p in folders.values())}")


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def score_rows(
    table: ClaimTable,
    rows: Sequence[_Row],
    sources: Mapping[str, PairFiles],
    progress: Progress | None = None,
    otherwise: bool = False,
) -> Scored:
    """The values of every convention for the images of each row; every image is scored once.

    Args:
        table: the claims.
        rows: the images of its rows.
        sources: the pairs by name.
        progress: called with (images done, images to do).
        otherwise: instead, with colour made grey in other ways than the conventions'; nothing where no image has any.
    """
    wanted = wanted_metrics(table)
    by_pair: dict[str, list[Path]] = {}
    for row in rows:
        for pair, path in row.files.items():
            if path not in by_pair.setdefault(pair, []):
                by_pair[pair].append(path)
    known: dict[Path, dict[Source, float]] = {}
    pixels: dict[Path, float] = {}
    coloured = False
    total = sum(map(len, by_pair.values()))
    for pair, paths in by_pair.items():
        stored = read_pair(sources[pair])
        for path, image, values in _score_pair(stored.ir, stored.vis, paths, wanted, otherwise):
            coloured |= len(split_channels(image)) > 1 or len(split_channels(stored.vis)) > 1
            known[path], pixels[path] = values, float(image.shape[0] * image.shape[1])
            if progress is not None:
                progress(len(known), total)
    every = dict.fromkeys(key for values in known.values() for key in values)
    if otherwise and not coloured:
        every = {}
    missing = float("nan")
    files = [list(row.files.values()) for row in rows]
    return Scored(
        {key: [_numbers(known[path].get(key, missing) for path in paths) for paths in files] for key in every},
        [_numbers(pixels[path] for path in paths) for paths in files],
    )


def _numbers(values: Iterator[float]) -> Numbers:
    return np.array(list(values), dtype=np.float64)


def _score_pair(
    ir: Image, vis: Image, paths: Sequence[Path], wanted: Mapping[str, Sequence[str]], otherwise: bool
) -> Iterator[tuple[Path, Image, dict[Source, float]]]:
    scorer = PairScorer(ir, vis, wanted)
    for path in paths:
        fused = read_image(path)
        readings = _readings((ir, vis, fused)) if otherwise else {}
        values: dict[Source, float] = {}
        for reading, triples in readings.items():
            values.update(_read_otherwise(reading, triples, wanted))
        if not readings:
            values = {
                (value.convention, reading, value.metric): value.value
                for value in scorer.score(fused) if value.value is not None
                for reading in (READINGS if otherwise else ("",))
            }  # fmt: skip
        yield path, fused, values


def _read_otherwise(
    reading: str, triples: Sequence[Triple], wanted: Mapping[str, Sequence[str]]
) -> dict[Source, float]:
    """Values where colour becomes grey in another way than the convention's; none where the images hold no colour."""
    grey = {
        name: [metric for metric in metrics if CONVENTIONS[name].uses[metric].channels == "mean"]
        for name, metrics in wanted.items()
        if CONVENTIONS[name].grey != "channels" and _GREYS[CONVENTIONS[name].grey] != reading
    }
    grey = {name: metrics for name, metrics in grey.items() if metrics}
    if not grey:
        return {}
    found: dict[Source, list[float]] = {}
    for ir, vis, fused in triples:
        for value in PairScorer(ir, vis, grey).score(fused):
            if value.value is not None:
                found.setdefault((value.convention, reading, value.metric), []).append(value.value)
    return {key: sum(values) / len(values) for key, values in found.items() if len(values) == len(triples)}


def _readings(triple: Triple) -> Readings:
    """Other ways to read colour: another grey, channels in BGR order, the mean over the channels."""
    if all(len(split_channels(image)) == 1 for image in triple):
        return {}
    readings: Readings = {text: [_planes_of(triple, name, 0)] for name, text in _GREYS.items()}
    ir, vis, fused = (image if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1]) for image in triple)
    readings[READINGS[-2]] = [(ir, vis, fused)]
    readings[READINGS[-1]] = [_planes_of(triple, "channels", index) for index in range(3)]
    return readings


def _planes_of(triple: Triple, conversion: str, index: int) -> Triple:
    ir, vis, fused = (np.ascontiguousarray(grey_planes(image, [conversion])[conversion][index]) for image in triple)
    return ir, vis, fused
