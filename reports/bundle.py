"""A report as one archive that opens from any folder: pages, full images and the tables they are made of."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from bench.errors import BenchError
from bench.files import whole_file
from bench.store.thumbnails import slug
from reports.data_files import picture_addresses
from reports.pictures import Picture, Pictures, copy_name, report_pictures, script, showable_bytes, unscript
from reports.source import DatasetView, RunData

DATE = (1980, 1, 1, 0, 0, 0)
"""Of all entries: equal reports give equal archives."""

START = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Report</title>
<meta http-equiv="refresh" content="0; url=report/index.html"></head>
<body><p><a href="report/index.html">Open the report</a></p></body></html>
"""


def zip_report(run_dir: Path, target: Path) -> Path:
    """Packs a report that is already built, with every pixel that it shows.

    The archive holds one folder, named as the run: ``open-report.html``, ``report``, ``fused``, the score tables and
    the manifest. Source images lie in ``report/sources``; absolute paths of this machine are left out.

    Args:
        run_dir: a run whose report was built.
        target: the archive; it appears only when it is whole.

    Raises:
        BenchError: ``run_dir`` holds no run or no report, or the archive cannot be written.
    """
    run = RunData.read(run_dir)
    if not (run.store.report_dir / "index.html").is_file():
        raise BenchError(f"{run_dir}: holds no report; run bench report {run_dir} first")
    top = run.store.root.name or "run"
    try:
        with whole_file(target) as part, zipfile.ZipFile(part, "w") as archive:
            for name, content in _entries(run):
                kind = zipfile.ZIP_STORED if name.endswith((".png", ".jpg", ".parquet")) else zipfile.ZIP_DEFLATED
                entry = zipfile.ZipInfo(f"{top}/{name}", DATE)
                entry.compress_type, entry.external_attr = kind, 0o644 << 16
                archive.writestr(entry, content)
    except OSError as error:
        raise BenchError(f"{target}: cannot be written ({error.strerror}); choose another place") from error
    return target


def _entries(run: RunData) -> Iterator[tuple[str, bytes]]:
    """(name below the top folder, content) of everything, the pages first."""
    store, (pictures, carried) = run.store, report_pictures(run)
    packed = {} if carried else {key: [_packed(run, key, one) for one in group] for key, group in pictures.items()}
    yield "open-report.html", START.encode()
    replaced = {f"data/pictures-{slug(data.name)}.js": data for data in run.datasets}
    for path in sorted(store.report_dir.rglob("*")):
        name = path.relative_to(store.report_dir).as_posix()
        if not path.is_file() or path.name.startswith(".") or name.startswith("sources/"):
            continue
        content = path.read_bytes()
        if name in replaced and packed:
            content = _with_addresses(content, replaced[name], packed)
        yield f"report/{name}", content
    for path in (store.scores_csv, store.scores_parquet):
        if path.is_file():
            yield path.name, path.read_bytes()
    if store.manifest_path.is_file():
        yield store.manifest_path.name, run.places.short(store.manifest_path.read_text(encoding="utf-8")).encode()
    for group in packed.values():
        for picture in group:
            place = picture.url.removeprefix("../") if picture.url.startswith("../") else f"report/{picture.url}"
            yield unquote(place), _content(picture)


def _packed(run: RunData, key: tuple[str, str], picture: Picture) -> Picture:
    """The picture with its address in the archive."""
    if picture.path.is_relative_to(run.store.root):
        return picture
    return picture.at(copy_name(picture, *key))


def _content(picture: Picture) -> bytes:
    try:
        return showable_bytes(picture)
    except (BenchError, OSError):  # the viewer names what is missing
        return b""


def _with_addresses(content: bytes, data: DatasetView, pictures: Pictures) -> bytes:
    """A data file with the addresses that hold in the archive."""
    key, value = unscript(content.decode("ascii"))
    return script(key, {**value, "images": picture_addresses(data, pictures, "url")}).encode()
