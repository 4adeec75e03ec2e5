"""Pictures of the report: thumbnails, copies of the sources, and pixel data for figures. Each is made once and kept."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image as PillowImage

from bench.images import as_rgb, encode_png, read_image, write_atomic
from bench.types import BenchError, Image
from reports.source import DatasetView, RunData, slug

THUMB_WIDTH = 192
"""Pixels; sharp at the 96 to 192 CSS pixels that the gallery shows."""

FIGURE_BYTES = 48_000_000
"""Up to this many bytes of images, a run carries its pixels as scripts too, so that a page opened from disk may draw
them into a figure (browsers let such a page show its neighbours' images but not read them)."""

SOURCES = {"visible": "@vis", "infrared": "@ir"}
"""Reference methods whose stored images are the sources themselves, so that no copy is needed."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Picture:
    """One image of one pair, and where the report finds it.

    Attributes:
        key: ``@ir``, ``@vis`` (no label starts with @) or the method's label.
        path: the file on disk.
        url: the same, relative to a page of the report, percent-encoded.
        thumb: address of its thumbnail, relative to a page.
    """

    key: str
    path: Path
    url: str
    thumb: str


def workers(jobs: int) -> int:
    """The number of threads to use; 0 means one for each core this process may use."""
    if jobs > 0:
        return jobs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def url_of(path: Path, base: Path) -> str:
    """A relative, percent-encoded address of ``path`` for a page that lies in ``base``."""
    return quote(Path(os.path.relpath(path, base)).as_posix())


def pair_pictures(run: RunData, dataset: DatasetView, pair: str) -> list[Picture]:
    """The pictures of one pair that are on disk: infrared, visible, then every method in order."""
    pictures = []
    for reference, key in (("infrared", "@ir"), ("visible", "@vis")):
        path = source_path(run, dataset, pair, key, reference)
        if path is not None:
            pictures.append(_picture(run, dataset, pair, key, path))
    for method in run.methods:
        path = run.fused_path(dataset.name, method.label, pair)
        if path is not None and method.label not in SOURCES:
            pictures.append(_picture(run, dataset, pair, method.label, path))
    return pictures


def _picture(run: RunData, dataset: DatasetView, pair: str, key: str, path: Path) -> Picture:
    base = run.store.report_dir
    thumb = base / "thumbs" / slug(dataset.name) / slug(key) / f"{slug(pair)}.jpg"
    return Picture(key, path, url_of(path, base), url_of(thumb, base))


def source_path(run: RunData, dataset: DatasetView, pair: str, key: str, reference: str) -> Path | None:
    """A source image that a page may show: the reference method's stored image if there is one, else a copy.

    The copy is made on the first call and kept; None if the source is no longer where the run found it.
    """
    stored = run.fused_path(dataset.name, reference, pair)
    if stored is not None:
        return stored
    source = key.lstrip("@")
    target = run.store.report_dir / "sources" / slug(dataset.name) / f"{slug(pair)}.{source}"
    for suffix in (".png", ".jpg"):
        kept = target.with_name(target.name + suffix)
        if kept.is_file():
            return kept
    files = (dataset.facts["sources"] or {}).get(pair) or {}
    original = Path(str(files.get(source) or ""))
    if not files.get(source) or not original.is_file():
        return None
    return _copy_source(original, target, split=files.get("ir") == files.get("vis"), infrared=source == "ir")


def _copy_source(original: Path, target: Path, split: bool, infrared: bool) -> Path | None:
    """The bytes as they are where a browser shows them; anything else as PNG."""
    try:
        if split:
            with PillowImage.open(original) as file:
                channels = np.asarray(file.convert("RGBA"))
            image: Image = channels[..., 3] if infrared else channels[..., :3]
        elif original.suffix.lower() in (".png", ".jpg", ".jpeg"):
            target = target.with_name(target.name + (".png" if original.suffix.lower() == ".png" else ".jpg"))
            write_atomic(target, original.read_bytes())
            return target
        else:
            image = read_image(original)
        target = target.with_name(target.name + ".png")
        write_atomic(target, encode_png(image, 6))
    except (BenchError, OSError, ValueError):
        return None
    return target


def make_thumbnails(pictures: Iterable[Picture], base: Path, jobs: int, progress: Progress | None = None) -> list[str]:
    """Makes the thumbnails that are missing or older than their image.

    Returns:
        What could not be made, one line each.
    """
    todo = [picture for picture in pictures if _stale(base, picture)]
    failed: list[str] = []
    with ThreadPoolExecutor(workers(jobs)) as pool:
        futures = [pool.submit(_thumbnail, picture, base) for picture in todo]
        for done, future in enumerate(as_completed(futures), 1):
            failed += future.result()
            if progress:
                progress("thumbnails", done, len(todo))
    return sorted(failed)


def _thumb_path(base: Path, picture: Picture) -> Path:
    return base.joinpath(*picture.thumb.split("/"))


def _stale(base: Path, picture: Picture) -> bool:
    try:
        return _thumb_path(base, picture).stat().st_mtime_ns < picture.path.stat().st_mtime_ns
    except OSError:
        return True


def _thumbnail(picture: Picture, base: Path) -> list[str]:
    try:
        image = PillowImage.fromarray(as_rgb(read_image(picture.path)))
        height = max(1, round(image.height * THUMB_WIDTH / image.width))
        # halving by box first is twice as fast as one filtered step and looks the same at this size
        small = image.resize((THUMB_WIDTH, height), PillowImage.Resampling.BILINEAR, reducing_gap=1.5)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=78)
        write_atomic(_thumb_path(base, picture), buffer.getvalue())
    except (BenchError, OSError) as error:
        return [f"no thumbnail of {picture.path.name} ({picture.key}): {error}"]
    return []


def write_pixels(run: RunData, pictures: dict[tuple[str, str], list[Picture]]) -> bool:
    """Writes one script per pair with the bytes of its images, if the whole run stays below ``FIGURE_BYTES``.

    Returns:
        True if pages can read pixels.
    """
    folder = run.store.report_dir / "pixels"
    total = sum(picture.path.stat().st_size for group in pictures.values() for picture in group)
    if total > FIGURE_BYTES:
        return False
    for (dataset, pair), group in pictures.items():
        target = folder / slug(dataset) / f"{slug(pair)}.js"
        newest = max((picture.path.stat().st_mtime_ns for picture in group), default=0)
        if target.is_file() and target.stat().st_mtime_ns >= newest:
            continue
        images = {picture.key: _data_url(picture.path) for picture in group}
        write_atomic(target, script(f"pixels/{dataset}/{pair}", images).encode())
    return True


def _data_url(path: Path) -> str:
    kind = "png" if path.suffix == ".png" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def script(key: str, value: object) -> str:
    """A data file: JSON handed to the page's script; safe even if its text were put between script tags."""
    text = json.dumps([key, value], separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return f"Report.put(...{text.replace('</', '<' + chr(92) + '/').replace('<!--', '<' + chr(92) + 'u0021--')});\n"
