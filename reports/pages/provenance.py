"""The page that says what was run, with what, on what."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from reports.pages.kind import Build, PageKind, Step


def _steps(build: Build) -> Iterator[Step]:
    problems = build.run.problems()
    yield partial(build.site.page, "provenance.html", "provenance.html", title="Provenance", problems=problems)


KIND = PageKind("provenance", lambda _run: [("provenance.html", "Provenance")], _steps)
