"""Proof of the adapters: what a method makes here, held against the images that its authors published."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PillowImage

from bench.errors import BenchError
from bench.files import write_atomic
from bench.images import as_rgb, is_grey, read_image
from bench.plugin.kinds import METHODS
from bench.types import Image, PairFiles

if TYPE_CHECKING:
    from bench.fuse.harness import Fuser
    from bench.plugin.method import Method

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """How far one fused image is from the published one, over its three channels.

    Attributes:
        psnr: decibels, with 255 as peak; infinite where they are equal.
        max_difference: grey levels.
        identical: share of pixels with all channels equal, 0 to 1.
    """

    pair: str
    psnr: float
    max_difference: int
    identical: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """One method against one folder of published images.

    Attributes:
        method: our name, or the folder's where no method of ours has it.
        label: how the published files name the method.
        pairs: every pair that was compared.
        missing: published images that no pair of the data set belongs to.
        status: ``ok``, ``skipped`` or ``failed``.
        reason: of not being ok.
    """

    method: str
    label: str
    dataset: str
    pairs: tuple[PairAgreement, ...] = ()
    missing: int = 0
    status: str = "ok"
    reason: str = ""

    @property
    def psnr_min(self) -> float:
        """Of the worst pair, in decibels; NaN without any."""
        return min((pair.psnr for pair in self.pairs), default=math.nan)

    @property
    def psnr_median(self) -> float:
        """In decibels; NaN without a pair."""
        return statistics.median(pair.psnr for pair in self.pairs) if self.pairs else math.nan

    @property
    def max_difference(self) -> int:
        """Over all pairs, in grey levels."""
        return max((pair.max_difference for pair in self.pairs), default=0)

    @property
    def identical(self) -> float:
        """Mean share of identical pixels."""
        return statistics.fmean(pair.identical for pair in self.pairs) if self.pairs else math.nan

    @property
    def exact(self) -> int:
        """Pairs without any difference."""
        return sum(pair.max_difference == 0 for pair in self.pairs)

    def row(self) -> dict[str, Any]:
        """For a table or a manifest: plain values, decibels with one decimal, ``exact`` for infinite ones."""
        facts = {"method": self.method, "published as": self.label, "dataset": self.dataset, "pairs": len(self.pairs)}
        if not self.pairs:
            return {**facts, **dict.fromkeys(_NUMBERS, ""), "note": f"{self.status}: {self.reason}"}
        values = (
            _decibels(self.psnr_min), _decibels(self.psnr_median), self.max_difference,
            f"{self.identical:.6f}", self.exact,
        )  # fmt: skip
        return {**facts, **dict(zip(_NUMBERS, values, strict=True)), "note": self.reason}


_NUMBERS = ("PSNR min", "PSNR median", "max difference", "identical pixels", "exact pairs")


def _decibels(value: float) -> str:
    return "exact" if math.isinf(value) else f"{value:.1f}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ``bench verify-methods`` prints: table rows, and one line for each thing that went wrong."""

    rows: list[dict[str, Any]]
    problems: list[str]


@dataclass(slots=True)
class Published:
    """The published images of one method.

    Attributes:
        label: folder name, or what follows the pair's name in the files' names.
        files: pair id -> file.
        missing: images that belong to no pair that was given.
    """

    label: str
    files: dict[str, Path] = field(default_factory=dict)
    missing: int = 0


# ------------------------------------------------------------------ finding


def plain_name(text: str) -> str:
    """Lower case without punctuation, so that ``RFN-Nest``, ``RFN_Nest`` and ``rfn_nest`` are one."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def method_labels() -> dict[str, str]:
    """Every name that a method goes by (its own, its title's, its weights folder's), plain -> our name.

    The folder of the published weights is how others label a method's images, e.g. LP_SR for MST-SR.
    """
    labels: dict[str, str] = {}
    for name in METHODS.names():
        cls = METHODS.get(name)
        folders = (Path(file.path).parts[0] for file in cls.info.weights)
        for label in (name, cls.info.title, *folders):
            labels.setdefault(plain_name(label), name)
    return labels


def find_published(folder: Path, ids: Sequence[str]) -> list[Published]:
    """Published images below a folder: ``<METHOD>/<pair>.png``, or ``<pair>_<METHOD>.jpg`` side by side.

    Raises:
        BenchError: not a folder, or without any such image.
    """
    if not folder.is_dir():
        raise BenchError(f"{folder} is not a folder; give the one that holds the published images")
    found: dict[str, Published] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            for file in sorted(path.iterdir()):
                _add(found, path.name, file.stem if file.stem in ids else None, file)
        else:
            pair, label = _split(path.stem, ids)
            if label:
                _add(found, label, pair, path)
    if not any(published.files for published in found.values()):
        raise BenchError(
            f"{folder}: holds no image of these {len(ids)} pairs, wanted METHOD/{ids[0] if ids else 'PAIR'}.png "
            f"or {ids[0] if ids else 'PAIR'}_METHOD.jpg; is it of another data set?"
        )
    return [published for published in found.values() if published.files]


def _add(found: dict[str, Published], label: str, pair: str | None, path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        return
    published = found.setdefault(label, Published(label))
    if pair is None:
        published.missing += 1
    else:
        published.files[pair] = path


def _split(stem: str, ids: Sequence[str]) -> tuple[str | None, str]:
    """``carLight_LP_SR`` -> (``carLight``, ``LP_SR``), by the longest pair name that fits, in any case."""
    fitting = [pair for pair in ids if stem.casefold().startswith(f"{pair.casefold()}_")]
    if fitting:
        pair = max(fitting, key=len)
        return pair, stem[len(pair) + 1 :]
    return None, stem.partition("_")[2]


# ------------------------------------------------------------------ comparing


def verify_methods(
    published: Path,
    pairs: Sequence[PairFiles],
    methods: Sequence[str] = (),
    *,
    weights_root: Path | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> list[Agreement]:
    """Fuses every published pair again, the published way, and compares.

    Args:
        published: folder of published images, see ``find_published``.
        pairs: the sources.
        methods: only these; none means all of ours that the folder holds, and a line for each that is not ours.
        weights_root: as for a run.
        device: as for a run.
        progress: called with (method, pairs done, pairs).

    Raises:
        BenchError: no published images, or an unknown method name.
    """
    for asked in methods:
        METHODS.entry(asked)
    files = {pair.id: pair for pair in pairs}
    labels = method_labels()
    results, seen = [], set()
    dataset = pairs[0].dataset if pairs else ""
    for found in find_published(published, list(files)):
        name = labels.get(plain_name(found.label))
        if name is None:
            if not methods:
                results.append(Agreement("", found.label, dataset, status="skipped", reason="no such method here"))
        elif not methods or name in methods:
            seen.add(name)
            results.append(_verify(METHODS.get(name), found, files, dataset, weights_root, device, progress))
    for asked in sorted(set(methods) - seen):
        results.append(Agreement(asked, "", dataset, status="skipped", reason=f"no images of it in {published}"))
    return sorted(results, key=lambda result: (not result.method, result.method, result.label))


def _verify(
    cls: type[Method], found: Published, files: dict[str, PairFiles], dataset: str, weights_root: Path | None,
    device: str, progress: Progress | None,
) -> Agreement:  # fmt: skip
    from bench.fuse.harness import create_fuser
    from bench.weights.find import WeightsMissing

    done: list[PairAgreement] = []
    try:
        fuser = create_fuser(cls.name, weights_root, device)
        for index, agreement in enumerate(_compared(fuser, found, files)):
            done.append(agreement)
            if progress is not None:
                progress(cls.name, index + 1, len(found.files))
    except WeightsMissing as error:
        return Agreement(cls.name, found.label, dataset, (), found.missing, "skipped", str(error))
    except BenchError as error:
        return Agreement(cls.name, found.label, dataset, tuple(done), found.missing, "failed", str(error))
    return Agreement(cls.name, found.label, dataset, tuple(done), found.missing)


def _compared(fuser: Fuser, found: Published, files: dict[str, PairFiles]) -> Iterator[PairAgreement]:
    from bench.data.pairs import read_pair

    for pair_id, path in found.files.items():
        pair = read_pair(files[pair_id])
        yield compare(pair_id, fuser.fuse_pair(pair.ir, pair.vis), path)


def compare(pair: str, fused: Image, published: Path) -> PairAgreement:
    """Compares a fused image with a published file; for a JPEG it is first encoded the same way.

    Args:
        pair: its name, for the result.
        fused: uint8 (H, W) or (H, W, 3).
        published: its quantisation tables and chroma sampling are those that ours is encoded with.

    Raises:
        BenchError: the file is unreadable or of another size.
    """
    wanted = as_rgb(read_image(published))
    if wanted.shape != as_rgb(fused).shape:
        raise BenchError(
            f"{published}: {wanted.shape[1]}x{wanted.shape[0]} pixels, wanted {fused.shape[1]}x{fused.shape[0]} "
            "as the sources; is it of another data set?"
        )
    seen = as_rgb(_encoded_like(published, fused))
    difference = np.abs(seen.astype(np.int16) - wanted)
    error = float(np.square(difference, dtype=np.float64).mean())
    psnr = math.inf if error == 0 else 10 * math.log10(255**2 / error)
    return PairAgreement(pair, psnr, int(difference.max()), float((difference == 0).all(axis=2).mean()))


def _encoded_like(published: Path, fused: Image) -> Image:
    from PIL import JpegImagePlugin

    with PillowImage.open(published) as file:
        if not isinstance(file, JpegImagePlugin.JpegImageFile):
            return fused
        tables, sampling, grey = file.quantization, JpegImagePlugin.get_sampling(file), file.mode == "L"
    if grey and is_grey(fused):
        image = PillowImage.fromarray(fused if fused.ndim == 2 else np.ascontiguousarray(fused[..., 0]))
        options: dict[str, Any] = {"qtables": tables}
    else:
        image = PillowImage.fromarray(np.ascontiguousarray(as_rgb(fused)))
        options = {"qtables": tables, "subsampling": max(sampling, 0)}
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return np.asarray(PillowImage.open(buffer))


# ------------------------------------------------------------------ command


def verify_command(
    published: Path, *, dataset: str, methods: Sequence[str] = (), data_root: Path | None = None,
    weights_root: Path | None = None, device: str = "cpu", limit: int | None = None, out: Path | None = None,
    progress: Progress | None = None,
) -> Outcome:  # fmt: skip
    """``bench verify-methods``: the table, and what went wrong (a method asked for by name that was not compared too).

    Args:
        published: folder of published images.
        dataset: whose pairs the sources are, ``NAME[:SPLIT]``.
        methods: only these.
        data_root: as for a run.
        weights_root: as for a run.
        device: as for a run.
        limit: at most this many pairs.
        out: also writes every pair to this CSV file.
        progress: called with (method, pairs done, pairs).

    Raises:
        BenchError: a wrong request.
    """
    from bench.data.catalogue import open_dataset
    from bench.machine import pick_device

    listing = open_dataset(dataset, data_root).listing()
    there = _with_images(published, listing.pairs)
    results = verify_methods(
        published, there[:limit], methods, weights_root=weights_root, device=pick_device(device), progress=progress
    )
    if out is not None:
        write_atomic(out, _table(results).encode())
    asked = set(methods)
    problems = [
        f"{result.method}: {result.status}, {result.reason}"
        for result in results
        if result.status == "failed" or (result.status != "ok" and result.method in asked)
    ]
    return Outcome([result.row() for result in results], problems)


def _with_images(folder: Path, pairs: Sequence[PairFiles]) -> list[PairFiles]:
    """The pairs that at least one published image belongs to, so that a limit counts those."""
    shown = {pair for found in find_published(folder, [pair.id for pair in pairs]) for pair in found.files}
    return [pair for pair in pairs if pair.id in shown]


def _table(results: Sequence[Agreement]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("dataset", "method", "published_as", "pair", "psnr_db", "max_difference", "identical_pixels"))
    for result in results:
        for pair in result.pairs:
            writer.writerow(
                (result.dataset, result.method, result.label, pair.pair, pair.psnr, pair.max_difference, pair.identical)
            )
    return text.getvalue()
