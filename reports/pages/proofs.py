"""The page that says how each port was proven: every source that it was compared with, and what came out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from reports.pages.kind import Build, Link, PageKind, Step
from reports.source import RunData

PAGE = "proofs.html"


def _links(run: RunData) -> Sequence[Link]:
    return [(PAGE, "Proofs")] if any(method.facts.proofs for method in run.methods) else []


def _steps(build: Build) -> Iterator[Step]:
    if _links(build.run):
        yield partial(build.site.page, PAGE, PAGE, title="Proofs")


KIND = PageKind("proofs", _links, _steps)
