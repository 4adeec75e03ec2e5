"""What a kind of page is, and what it is given; a new kind is one module and one line in ``reports.pages.KINDS``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reports.overview import Overview
from reports.pictures import Pictures
from reports.site import Site
from reports.source import RunData

Step = Callable[[], None]
"""Writes one page or data file."""

Link = tuple[str, str]
"""(file, text) of a link in the head of every page."""


@dataclass(frozen=True, slots=True)
class Build:
    """One build of a report.

    Attributes:
        site: where files go.
        overview: statements about the run.
        pictures: of all pairs.
        carried: True if the report carries its images itself.
        jobs: threads that make pictures; 0 means one for each core.
    """

    site: Site
    overview: Overview
    pictures: Pictures
    carried: bool
    jobs: int = 0

    @property
    def run(self) -> RunData:
        """The run."""
        return self.overview.run


@dataclass(frozen=True, slots=True)
class PageKind:
    """One kind of page.

    Attributes:
        name: for people who read the list of kinds.
        links: what the head of every page links to; none where the run has nothing of this kind.
        steps: what is to be written; nothing is written before a step is called.
    """

    name: str
    links: Callable[[RunData], Sequence[Link]]
    steps: Callable[[Build], Iterable[Step]]


def no_links(_run: RunData) -> Sequence[Link]:
    """Of pages that are reached from others."""
    return ()
