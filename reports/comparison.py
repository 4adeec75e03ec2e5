"""The page of ``bench compare``: what changed between two runs, with the images of the pairs to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.analysis.table import decimals, format_number
from bench.analysis.two_runs import Change, Comparison
from bench.errors import BenchError
from bench.files import write_atomic
from bench.store.manifest import DatasetFacts
from bench.store.run_folder import Store
from reports.pictures import url_of
from reports.site import ASSETS, environment

LOOKED_AT = 12
"""Pairs whose images are shown."""


@dataclass(frozen=True, slots=True)
class Look:
    """One pair to look at: its images in both runs, and the change that leads here."""

    change: Change
    pair: str
    before: str
    after: str
    text: str


def write_comparison(comparison: Comparison, path: Path) -> Path:
    """Writes one page, style included; images are shown from the two runs' folders.

    Returns:
        ``path``, whose folder is made.
    """
    path = Path(path).resolve()
    page = (
        environment()
        .get_template("compare.html")
        .render(
            it=comparison,
            looks=_looks(comparison, path.parent),
            style=(ASSETS / "style.css").read_text(encoding="utf-8"),
            number=format_number,
            digits=_digits,
        )
    )
    write_atomic(path, page.encode())
    return path


def _digits(change: Change) -> int:
    return decimals(max(abs(change.before), abs(change.after)))


def _looks(comparison: Comparison, base: Path) -> list[Look]:
    """The pairs that changed most, each method and pair once."""
    found: dict[tuple[str, str, str], Look] = {}
    for change in (one for one in comparison.changes if not one.measured):
        for item in change.look_at:
            key = (change.dataset, change.method, item.pair)
            if key in found or len(found) >= LOOKED_AT:
                continue
            before, after = (_image(root, *key, base) for root in (comparison.a, comparison.b))
            if before and after:
                text = f"{change.name}: {item.before:.4g} to {item.after:.4g}"
                found[key] = Look(change, item.pair, before, after, text)
    return list(found.values())


def _image(root: Path, dataset: str, method: str, pair: str, base: Path) -> str:
    try:
        store = Store(root.resolve())
        facts = store.read_manifest().datasets.get(dataset, DatasetFacts())
        path = store.fused_path(dataset, facts.split or "test", method, pair)
    except BenchError:
        return ""
    return url_of(path, base) if path.is_file() else ""
