"""Where the report's files go and how templates become pages."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2

from bench.files import write_atomic
from bench.store.thumbnails import slug
from reports.pictures import script

HERE = Path(__file__).resolve().parent
ASSETS = HERE / "static"


class _Compiled(jinja2.BytecodeCache):
    """Compiled templates, kept while the process lives: a program that builds several reports compiles them once."""

    def __init__(self) -> None:
        self.code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Fills a bucket that was filled before; one of another source stays empty."""
        if bucket.key in self.code:
            bucket.bytecode_from_string(self.code[bucket.key])

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Keeps what a bucket was filled with."""
        self.code[bucket.key] = bucket.bytecode_to_string()


COMPILED = _Compiled()


def environment() -> jinja2.Environment:
    """The templates of this package, with autoescape on for every file and undefined names as errors."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, bytecode_cache=COMPILED,
    )  # fmt: skip
    made.filters["slug"] = slug
    return made


def compile_templates() -> None:
    """Compiles all templates, so that a report that is built later takes them as they are."""
    made = environment()
    for name in made.list_templates():
        made.get_template(name)


@dataclass
class Site:
    """The folder of one report. Every file is written whole; ``index.html`` last, so that it never points at nothing.

    Attributes:
        root: ``RUN/report``.
        shared: what every template may use.
        written: names of the pages and data files of this build; older ones are removed at its end.
    """

    root: Path
    shared: dict[str, Any]
    written: set[Path] = field(default_factory=set)

    @cached_property
    def templates(self) -> jinja2.Environment:
        """The templates, with what all pages may use."""
        made = environment()
        made.globals.update(self.shared)
        return made

    def page(self, name: str, template: str, **values: Any) -> None:
        """Writes one page."""
        self._write(self.root / name, self.templates.get_template(template).render(page=name, **values))

    def data(self, name: str, key: str, value: object) -> None:
        """Writes one data file, ``data/<name>.js``, that hands ``value`` to the page's scripts under ``key``."""
        self._write(self.root / "data" / f"{name}.js", script(key, value))

    def text(self, name: str, content: str) -> None:
        """Writes a plain file."""
        self._write(self.root / name, content)

    def binary(self, name: str, content: bytes) -> None:
        """Writes a file that is not text."""
        self._put(self.root / name, content)

    def assets(self) -> None:
        """Copies style sheet and scripts."""
        for source in sorted(ASSETS.iterdir()):
            if source.is_file():
                self._write(self.root / "assets" / source.name, source.read_text(encoding="utf-8"))

    def _write(self, path: Path, content: str) -> None:
        self._put(path, content.encode())

    def _put(self, path: Path, content: bytes) -> None:
        write_atomic(path, content)
        self.written.add(path)

    def sweep(self) -> None:
        """Removes pages and data of earlier builds that this one did not write."""
        for pattern in ("*.html", "data/*.js", "assets/*", "curves/*", "bars/*", "diagrams/*", "statistics/*"):
            for path in self.root.glob(pattern):
                if path not in self.written and path.is_file():
                    path.unlink()

    def drop(self, folder: str) -> None:
        """Removes a folder of an earlier build."""
        shutil.rmtree(self.root / folder, ignore_errors=True)
