"""The page that shows one pair of all methods; what it shows is in its address."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from reports.data_files import write_dataset_data
from reports.pages.kind import Build, PageKind, Step
from reports.pictures import ladders


def _steps(build: Build) -> Iterator[Step]:
    yield partial(build.site.page, "viewer.html", "viewer.html", title="Viewer")
    for _, ladder in ladders(build.run):
        yield partial(write_dataset_data, build.site, build.overview, ladder, build.pictures, build.carried)


KIND = PageKind("viewer", lambda _run: [("viewer.html", "Viewer")], _steps)
