"""A report of a small run as one HTML file: all pages, scripts, numbers and pixels inside, nothing beside it needed."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bench.errors import BenchError
from bench.files import write_atomic
from bench.store.thumbnails import slug
from reports.pictures import Pictures, find_pictures, ladders, pixel_script, script, unscript
from reports.site import ASSETS, environment
from reports.source import DatasetView, RunData

LARGEST = 64_000_000
"""Bytes of images beyond which one file is no longer handy."""

KEPT = 4_000_000
"""Bytes up to which a file that pages link to (a table, a figure) is put inside; a link to a larger one is dropped."""

MEDIA = {
    ".jpg": "image/jpeg", ".png": "image/png", ".svg": "image/svg+xml", ".pdf": "application/pdf", ".csv": "text/csv",
    ".json": "application/json", ".bib": "text/plain", ".tex": "text/plain",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the report as a part of the file."""

    name: str
    title: str
    look: str
    content: str


def write_single(run_dir: Path) -> Path:
    """Writes ``report/single-page.html`` from a report that is already built.

    Raises:
        BenchError: no run, no report, or its images are more than 64 MB.
    """
    run = RunData.read(run_dir)
    report = run.store.report_dir
    if not (report / "index.html").is_file():
        raise BenchError(f"{run_dir}: holds no report; run bench report {run_dir} first")
    pictures, _ = find_pictures(run)
    total = sum(one.path.stat().st_size for group in pictures.values() for one in group)
    if total > LARGEST:
        raise BenchError(
            f"{run_dir}: {total / 1e6:.0f} MB of images, wanted at most {LARGEST / 1e6:.0f} for a single page; "
            "bench report --zip packs any number"
        )
    pages = [_page(report, path) for path in _order(report)]
    text = (
        environment()
        .get_template("single.html")
        .render(
            pages=pages,
            nav=_nav(report),
            own=_own(report),
            style=(ASSETS / "style.css").read_text(encoding="utf-8"),
            theme=(ASSETS / "theme.js").read_text(encoding="utf-8"),
            core=(ASSETS / "core.js").read_text(encoding="utf-8"),
            scripts=[(ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS],
            data=list(_data(run, report, pictures)),
        )
    )
    target = report / "single-page.html"
    write_atomic(target, text.encode())
    return target


SCRIPTS = ("tables.js", "curves.js", "gallery.js", "figure.js", "viewer.js", "single.js")


def _order(report: Path) -> list[Path]:
    paths = sorted(path for path in report.glob("*.html") if path.name != "single-page.html")
    return sorted(paths, key=lambda path: path.name != "index.html")


def _page(report: Path, path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    found = re.search(r'<body class="([^"]*)">.*?<main[^>]*>(.*?)</main>', text, re.S)
    title = re.search(r"<title>(.*?)</title>", text, re.S)
    if found is None or title is None:
        raise BenchError(f"{path}: not a page of a report; run bench report again")
    return Page(path.name, title[1], found[1], _inside(report, slug(path.stem), found[2]))


def _inside(report: Path, prefix: str, text: str) -> str:
    """A page's content with names of its own, links within the file, and pictures as data."""
    for attribute in ("id", "aria-labelledby", "for"):
        text = re.sub(rf'(<[^<>]*\s{attribute}=")(?!viewer"|to-red"|to-cyan")([^"]+")', rf"\1{prefix}-\2", text)
    text = re.sub(r'href="#([^"]*)"', rf'href="#{prefix}-\1"', text)
    text = re.sub(
        r'href="([^":/#?]+\.html)(#[^"]*)?"', lambda found: f'href="{_address(found[1], found[2] or "")}"', text
    )
    text = re.sub(r'src="([^":]+)"', lambda found: f'src="{_embedded(report, found[1])}"', text)
    return re.sub(r'href="((?:\.\./)?[^":#?]+\.[a-z]+)"', lambda found: f'href="{_embedded(report, found[1])}"', text)


def _address(page: str, hash_: str) -> str:
    kept = f"&amp;{hash_[1:]}" if "=" in hash_ else ""
    return f"#page={page}{kept}"


def _embedded(report: Path, address: str) -> str:
    """The file behind a relative address as a data address; the address of nothing if it is large or gone."""
    path = report / unquote(address.replace("&amp;", "&"))
    kind = MEDIA.get(path.suffix.lower(), "application/octet-stream")
    if not path.is_file() or path.stat().st_size > KEPT:
        return "data:,"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _nav(report: Path) -> list[tuple[str, str]]:
    text = (report / "index.html").read_text(encoding="utf-8")
    head = text[text.index("<nav") : text.index("</nav>")]
    return [(f"#page={page}", title) for page, title in re.findall(r'<a href="([^"]+)"[^>]*>([^<]*)</a>', head)]


def _own(report: Path) -> str:
    found = re.search(r'<html[^>]* data-own="([^"]*)"', (report / "index.html").read_text(encoding="utf-8"))
    return found[1] if found else ""


def _data(run: RunData, report: Path, pictures: Pictures) -> Iterator[str]:
    """The data files as scripts, with thumbnails and images as data."""
    for path in sorted((report / "data").glob("*.js")):
        key, value = unscript(path.read_text(encoding="utf-8"))
        for data in (*run.datasets, *(ladder for _, ladder in ladders(run))):
            if key == f"pictures/{data.name}":
                value |= {"images": {}, "thumbs": _thumbs(report, data, pictures)}
        yield script(key, value | {"pixels": True} if key == "site" else value)
    for (dataset, pair), group in pictures.items():
        yield pixel_script(dataset, pair, group)


def _thumbs(report: Path, data: DatasetView, pictures: Pictures) -> dict[str, Any]:
    """Thumbnails by key and place of the pair, in the form of ``picture_addresses``."""
    found: dict[str, dict[int, str]] = {}
    for at, pair in enumerate(data.pairs):
        for picture in pictures[data.name, pair]:
            found.setdefault(picture.key, {})[at] = _embedded(report, picture.thumb)
    return {
        key: {"before": "", "after": "", "odd": {at: by_place.get(at) for at in range(len(data.pairs))}}
        for key, by_place in found.items()
    }
