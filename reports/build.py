"""Builds the report of a run: reads the run, makes pictures, writes data files and pages, the first page last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from reports.context import shared
from reports.data_files import write_site_data
from reports.overview import Overview
from reports.pages import KINDS, first
from reports.pages.kind import Build
from reports.pictures import Pictures, Progress, background_thumbnails, convert_sources, report_pictures, write_carried
from reports.site import Site
from reports.source import RunData


def build_report(run_dir: Path, jobs: int = 0, progress: Progress | None = None, highlight: str = "") -> Path:
    """Writes the HTML report of a finished (or interrupted) run.

    What an earlier build left (thumbnails, copies of the sources) is used again where it is not older than its image.
    A build that is interrupted leaves the former ``index.html``, or none.

    Args:
        run_dir: the ``--out`` folder of a run.
        jobs: threads that make thumbnails; 0 means one for each core.
        progress: called with (what, done, total), from more than one thread.
        highlight: label or title of the method that is marked everywhere; empty for none.

    Returns:
        The path of ``report/index.html``.

    Raises:
        BenchError: ``run_dir`` holds no run, or a damaged one, or no method of the name to mark.
    """
    run = RunData.read(run_dir, highlight)
    report = run.store.report_dir
    pictures, carried = report_pictures(run)
    if not carried:
        convert_sources(run, pictures)
    with background_thumbnails(pictures, report, jobs, progress) as thumbnails:
        _write(run, pictures, carried, jobs, progress, thumbnails)
    return report / "index.html"


def _write(
    run: RunData,
    pictures: Pictures,
    carried: bool,
    jobs: int,
    progress: Progress | None,
    thumbnails: Callable[[], list[str]],
) -> None:
    """Writes everything but the thumbnails, and waits for these before the first page."""
    report = run.store.report_dir
    if carried:
        write_carried(report, pictures)
    nav = [link for kind in KINDS for link in kind.links(run)]
    site = Site(report, shared(run, datetime.now(timezone.utc), nav))
    site.assets()
    site.drop("sources" if carried else "pixels")
    build = Build(site, Overview(run), pictures, carried, jobs)
    write_site_data(site, run, carried)
    steps = [step for kind in KINDS for step in kind.steps(build)]
    for done, step in enumerate(steps, 1):
        step()
        if progress:
            progress("pages", done, len(steps))
    build.overview.faults = thumbnails()
    first.write_first(build)
    site.sweep()
