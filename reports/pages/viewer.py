"""The page that shows one pair of all methods; what it shows is in its address."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from reports.pages.kind import Build, PageKind, Step


def _steps(build: Build) -> Iterator[Step]:
    yield partial(build.site.page, "viewer.html", "viewer.html", title="Viewer")


KIND = PageKind("viewer", lambda _run: [("viewer.html", "Viewer")], _steps)
