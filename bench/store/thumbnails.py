"""Small pictures of a run's images, for its report: made by whoever has an image in hand, the rest when it is built."""

from __future__ import annotations

import io
import re
from hashlib import blake2b
from pathlib import Path

from PIL import Image as PillowImage

from bench.errors import BenchError, is_fatal
from bench.files import write_atomic
from bench.images import as_rgb
from bench.store.run_folder import Store
from bench.types import Image, Pair, PairFiles

THUMB_WIDTH = 192
"""Pixels; sharp at the 96 to 192 CSS pixels that the gallery shows."""

SOURCES = {"infrared": "@ir", "visible": "@vis"}
"""Reference methods whose stored images are the sources themselves, and the keys of these (no label starts with @)."""


def slug(name: str) -> str:
    """A file-name-safe form of any name; two different names never share one."""
    clean = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:60]
    if clean and clean == name:
        return clean
    return f"{clean or 'x'}-{blake2b(name.encode(), digest_size=4).hexdigest()}"


def thumbnail_name(dataset: str, key: str, pair: str) -> str:
    """Where a thumbnail lies below the report's folder, with ``/`` between the parts.

    Args:
        dataset: data set name.
        key: ``@ir``, ``@vis`` or the method's label.
        pair: the pair's name.
    """
    return f"thumbs/{slug(dataset)}/{slug(key)}/{slug(pair)}.jpg"


def is_older(path: Path, than: Path) -> bool:
    """True if a file is to be made anew since what it shows has changed, or is not there."""
    try:
        return path.stat().st_mtime_ns < than.stat().st_mtime_ns
    except OSError:
        return True


def write_thumbnail(path: Path, image: Image) -> None:
    """Writes an image at ``THUMB_WIDTH`` as JPEG.

    Raises:
        OSError: it cannot be written.
    """
    whole = PillowImage.fromarray(as_rgb(image))
    height = max(1, round(whole.height * THUMB_WIDTH / whole.width))
    # halving by box first is twice as fast as one filtered step and looks the same at this size
    small = whole.resize((THUMB_WIDTH, height), PillowImage.Resampling.BILINEAR, reducing_gap=1.5)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=78)
    write_atomic(path, buffer.getvalue())


def keep_source_thumbnails(store: Store, pair: Pair) -> None:
    """Writes those of a pair's sources that are missing or older, unless a reference's image is shown for one."""
    files = pair.files
    for method, image, path in (("infrared", pair.ir, files.ir_path), ("visible", pair.vis, files.vis_path)):
        if not store.fused_of(files, method).is_file():
            _keep(store, files, SOURCES[method], image, path)


def keep_fused_thumbnail(store: Store, files: PairFiles, method: str, image: Image) -> None:
    """Writes that of a fused image, unless it is there and not older."""
    _keep(store, files, SOURCES.get(method, method), image, store.fused_of(files, method))


def _keep(store: Store, files: PairFiles, key: str, image: Image, shown: Path) -> None:
    """One that cannot be written is left to the report, which says so; but a full disk ends the work."""
    path = store.report_dir / thumbnail_name(files.dataset, key, files.id)
    try:
        if is_older(path, shown):
            write_thumbnail(path, image)
    except (BenchError, OSError) as error:
        if is_fatal(error):
            raise
