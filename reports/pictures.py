"""Pictures of the report: thumbnails, copies of the sources, and pixel data for figures. Each is made once and kept."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from bench.data.pairs import read_side
from bench.errors import BenchError
from bench.files import write_atomic
from bench.images import encode_png, is_stored_upright, read_image
from bench.store.manifest import SourceFacts
from bench.store.thumbnails import SOURCES, is_older, slug, thumbnail_name, write_thumbnail
from bench.types import Image
from reports.ladder import ladder_of, rung_images
from reports.source import DatasetView, RunData

CARRIED_BYTES = 16_000_000
"""Up to this many bytes of images a report carries its images itself, as scripts; beyond it the viewer shows the
run's files. A page opened from disk may show its neighbours' images but not read them, so only carried images can be
drawn into a figure without asking the reader for the run folder. Beyond it sources and fused images are shown where
they lie, and nothing is copied; ``bench report --zip`` packs what someone else needs."""

SHOWABLE = (".png", ".jpg", ".jpeg")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Picture:
    """One image of one pair, and where the report finds it.

    Attributes:
        key: ``@ir``, ``@vis`` (no label starts with @) or the method's label.
        path: the file on disk.
        url: its address relative to a page of the report, percent-encoded; empty where the report carries the image.
        thumb: address of its thumbnail, relative to a page.
        how: how the file of a source is read, where that is not as it stands: four channels, a border, or more bits.
    """

    key: str
    path: Path
    url: str
    thumb: str
    how: SourceFacts | None = None

    def at(self, address: str, base: Path | None = None) -> Picture:
        """The picture with another address; with ``base`` also as the file there."""
        if base is None:
            return replace(self, url=quote(address))
        return replace(self, url=quote(address), path=base.joinpath(*address.split("/")), how=None)

    def read(self) -> Image:
        """The image, uint8 (H, W) or (H, W, 3) RGB.

        Raises:
            BenchError: not readable.
        """
        if self.how is None:
            return read_image(self.path)
        side: Literal["ir", "vis"] = "ir" if self.key == "@ir" else "vis"
        return read_side(self.path, side, self.how.four_channel, self.how.border, self.how.ir_range)


Pictures = dict[tuple[str, str], list[Picture]]
"""(data set, pair) -> its pictures: infrared, visible, then every method in order."""


def workers(jobs: int) -> int:
    """The number of threads to use; 0 means one for each core this process may use."""
    if jobs > 0:
        return jobs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def url_of(path: Path, base: Path) -> str:
    """A relative, percent-encoded address of ``path`` for a page that lies in ``base``."""
    try:
        return quote(Path(os.path.relpath(path, base)).as_posix())
    except ValueError:  # another drive
        return path.as_uri()


def find_pictures(run: RunData) -> tuple[Pictures, bool]:
    """All pictures that are on disk.

    Returns:
        The pictures, and True if they are few enough for the report to carry them.
    """
    found: Pictures = {
        (data.name, pair): list(_pair_pictures(run, data, pair)) for data in run.datasets for pair in data.pairs
    }
    for data, ladder in ladders(run):
        found |= {(ladder.name, name): list(_rung_pictures(run, data, ladder, name)) for name in ladder.pairs}
    total = sum(picture.path.stat().st_size for group in found.values() for picture in group)
    return found, total <= CARRIED_BYTES


def _pair_pictures(run: RunData, data: DatasetView, pair: str) -> Iterator[Picture]:
    files = data.facts.source(pair)
    places = {"ir": files.ir, "vis": files.vis}
    how = files if files.four_channel or files.border or files.ir_range else None
    for reference, key in SOURCES.items():
        stored = run.fused_path(data, reference, pair)
        original = Path(places[key[1:]])
        if stored is not None:
            yield _picture(run, data, pair, key, stored)
        elif places[key[1:]] and original.is_file():
            yield _picture(run, data, pair, key, original, how)
    for method in run.methods:
        path = run.fused_path(data, method.label, pair) if method.label not in SOURCES else None
        if path is not None:
            yield _picture(run, data, pair, method.label, path)


def ladders(run: RunData) -> list[tuple[DatasetView, DatasetView]]:
    """Data sets with images along the robustness ladder, each with what the viewer shows of them."""
    return [(data, ladder) for data in run.datasets if (ladder := ladder_of(run, data)) is not None]


def _rung_pictures(run: RunData, data: DatasetView, ladder: DatasetView, name: str) -> Iterator[Picture]:
    labels = [*SOURCES, *(method.label for method in run.methods if method.label not in SOURCES)]
    for label, path in rung_images(run, data, name, labels):
        yield _picture(run, ladder, name, SOURCES.get(label, label), path)


def _picture(
    run: RunData, data: DatasetView, pair: str, key: str, path: Path, how: SourceFacts | None = None
) -> Picture:
    base = run.store.report_dir
    return Picture(key, path, url_of(path, base), quote(thumbnail_name(data.name, key, pair)), how)


def report_pictures(run: RunData) -> tuple[Pictures, bool]:
    """All pictures with the addresses that the report uses; sources are shown where they lie if a browser can.

    Returns:
        The pictures, and True if they are few enough for the report to carry them.
    """
    pictures, carried = find_pictures(run)
    if carried:
        return pictures, True
    base = run.store.report_dir
    return {
        key: [one if _is_shared(one, run.store.root) else one.at(copy_name(one, *key), base) for one in group]
        for key, group in pictures.items()
    }, False


def _is_shared(picture: Picture, root: Path) -> bool:
    """True if pages can show the file itself; other sources are turned into PNG files once."""
    return picture.path.is_relative_to(root) or (_shows_itself(picture) and not picture.url.startswith("file:"))


def copy_name(picture: Picture, dataset: str, pair: str) -> str:
    """Where a copy of a source lies in a report."""
    suffix = ".jpg" if _shows_itself(picture) and picture.path.suffix.lower() != ".png" else ".png"
    return f"sources/{slug(dataset)}/{slug(pair)}.{picture.key[1:]}{suffix}"


def convert_sources(run: RunData, pictures: Pictures) -> None:
    """Writes the sources that no browser shows as PNG files, and removes copies that are no longer needed."""
    base = run.store.report_dir
    copies = any(picture.path.is_relative_to(base) for group in pictures.values() for picture in group)
    originals = find_pictures(run)[0] if copies else pictures
    kept = set()
    for key, group in pictures.items():
        for picture, original in zip(group, originals[key], strict=True):
            if picture.path != original.path:
                kept.add(picture.path)
                if is_older(picture.path, original.path):
                    write_atomic(picture.path, showable_bytes(original))
    for path in (base / "sources").rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()


def showable_bytes(picture: Picture) -> bytes:
    """The bytes of the file where every program shows our pixels, else the image as we read it, as PNG."""
    return _showable(picture)[1]


def _showable(picture: Picture) -> tuple[str, bytes]:
    """``png`` or ``jpeg``, and the bytes; each file is looked into once."""
    if not _shows_itself(picture):
        return "png", encode_png(picture.read(), 6)
    return "png" if picture.path.suffix.lower() == ".png" else "jpeg", picture.path.read_bytes()


def _shows_itself(picture: Picture) -> bool:
    """False for a part of a file, a format that browsers lack, or pixels that have to be turned."""
    if picture.how or picture.path.suffix.lower() not in SHOWABLE:
        return False
    try:
        return is_stored_upright(picture.path)
    except BenchError:  # said where it is read
        return True


@contextmanager
def background_thumbnails(
    pictures: Pictures, base: Path, jobs: int, progress: Progress | None = None
) -> Iterator[Callable[[], list[str]]]:
    """Makes the thumbnails that are missing or older than their image, while the caller does other work.

    Decoding images leaves the interpreter free, so that pages are written at the same time. If the caller fails or is
    interrupted, thumbnails not yet begun are not made.

    Yields:
        A function that waits for the thumbnails and gives what could not be made, one line each.
    """
    todo = [one for group in pictures.values() for one in group if is_older(_thumb_path(base, one), one.path)]
    with ThreadPoolExecutor(workers(jobs)) as pool:
        futures = [pool.submit(_thumbnail, picture, base) for picture in todo]
        if progress:
            done = count(1)
            for future in futures:
                future.add_done_callback(lambda _: progress("thumbnails", next(done), len(todo)))
        try:
            yield lambda: sorted(line for future in futures for line in future.result())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _thumb_path(base: Path, picture: Picture) -> Path:
    return base.joinpath(*picture.thumb.split("/"))


def _thumbnail(picture: Picture, base: Path) -> list[str]:
    try:
        write_thumbnail(_thumb_path(base, picture), picture.read())
    except (BenchError, OSError) as error:
        return [f"no thumbnail of {picture.path.name} ({picture.key}): {error}"]
    return []


def write_carried(base: Path, pictures: Pictures) -> None:
    """Writes one script per pair with the bytes of its images."""
    for (dataset, pair), group in pictures.items():
        target = base / "pixels" / slug(dataset) / f"{slug(pair)}.js"
        keys = [picture.key for picture in group]
        if any(is_older(target, picture.path) for picture in group) or _keys(target) != keys:
            write_atomic(target, pixel_script(dataset, pair, group).encode())


def pixel_script(dataset: str, pair: str, group: Sequence[Picture]) -> str:
    """The bytes of a pair's images as a data file; one that cannot be read is left out."""
    images = {}
    for picture in group:
        with suppress(BenchError, OSError):
            images[picture.key] = _data_url(picture)
    return script(f"pixels/{dataset}/{pair}", {"keys": [picture.key for picture in group], **images})


def _keys(path: Path) -> list[str] | None:
    """Whose images a script holds, read from its beginning."""
    try:
        with path.open(encoding="ascii") as file:
            start = file.read(65536)
        return json.loads(start[start.index('{"keys":') + 8 : start.index("]", start.index('{"keys":')) + 1])
    except (OSError, ValueError):
        return None


def _data_url(picture: Picture) -> str:
    kind, content = _showable(picture)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def unscript(text: str) -> tuple[str, Any]:
    """Key and value of a data file."""
    key, value = json.loads(text[text.index("[") : text.rindex("]") + 1])
    return key, value


def script(key: str, value: object) -> str:
    """A data file: JSON handed to the page's script; safe even if its text were put between script tags."""
    text = json.dumps([key, value], separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return f"Report.put(...{text.replace('</', '<' + chr(92) + '/').replace('<!--', '<' + chr(92) + 'u0021--')});\n"
