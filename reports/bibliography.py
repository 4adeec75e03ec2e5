"""What a paper that uses a run has to cite, as BibTeX: methods, data sets, conventions and this program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from bench.analysis.export import latex_escape
from bench.metrics.catalogue import CONVENTIONS
from reports.source import DatasetView, MethodView, RunData

KNOWN = Path(__file__).with_name("references.bib")


def bibliography(run: RunData) -> str:
    """All entries of a run, each paper once; ``keywords`` names what of the run an entry stands for."""
    entries: dict[str, list[str]] = {}
    for text, subject in [_program(run), *_methods(run), *_datasets(run), *_conventions(run)]:
        entries.setdefault(text, []).append(subject)
    shown = (_with_keywords(text, subjects) for text, subjects in entries.items())
    return "% What this run used; cite what your numbers come from.\n\n" + "\n\n".join(shown) + "\n"


def _with_keywords(entry: str, subjects: list[str]) -> str:
    words = ", ".join(latex_escape(subject) for subject in dict.fromkeys(subjects))
    return f"{entry.rstrip().removesuffix('}').rstrip()}\n  keywords = {{{words}}},\n}}"


def _program(run: RunData) -> tuple[str, str]:
    fields = {
        "author": "{The ivif-bench maintainers}",
        "title": "{ivif-bench: the infrared-visible image fusion benchmark}",
        "version": run.manifest.version or "unknown",
        "year": (run.manifest.created or "2026")[:4],
        "url": "https://github.com/ivif-bench/ivif-bench",
    }
    return _entry("software", "ivifbench", fields), "ivif-bench"


def _methods(run: RunData) -> Iterator[tuple[str, str]]:
    for method in run.methods:
        if method.status != "skipped" and method.facts.paper:
            yield _method(method), method.label


def _method(method: MethodView) -> str:
    paper = method.facts.paper
    if paper.removeprefix("doi:") in known_papers():
        return known_papers()[paper.removeprefix("doi:")]
    fields = {"title": f"{{{latex_escape(method.facts.title or method.label)}}}"}
    if method.facts.year:
        fields["year"] = str(method.facts.year)
    if paper.startswith("doi:"):
        fields["doi"] = paper[4:]
    elif paper.startswith("https://"):
        fields["url"] = paper
    else:
        fields["note"] = latex_escape(paper)
    return _entry("misc", _key(method.label), fields)


def _datasets(run: RunData) -> Iterator[tuple[str, str]]:
    for data in run.datasets:
        yield _entry("misc", f"data-{_key(data.name)}", _dataset_fields(data)), f"data set {data.name}"


def _dataset_fields(data: DatasetView) -> dict[str, str]:
    fields = {"title": f"{{{latex_escape(data.full_title)}}}"}
    if data.facts.citation:
        fields["note"] = latex_escape(data.facts.citation)
    if data.facts.homepage.startswith("https://"):
        fields["url"] = data.facts.homepage
    return fields


def _conventions(run: RunData) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys(name for data in run.datasets for name in data.conventions):
        known = CONVENTIONS.get(name)
        fields = {"title": f"{{Metric convention {latex_escape(name)}}}"}
        if known is not None and known.cite:
            fields["note"] = latex_escape(known.cite.replace("`", ""))
        yield _entry("misc", f"convention-{_key(name)}", fields), f"convention {name}"


def _key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "x"


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    return f"@{kind}{{{key},\n" + "".join(f"  {name} = {{{text}}},\n" for name, text in fields.items()) + "}"


@lru_cache(maxsize=1)
def known_papers() -> dict[str, str]:
    """Doi or address of a paper -> its entry."""
    found = {}
    for entry in re.findall(r"^@\w+\{.*?^\}", KNOWN.read_text(encoding="utf-8"), re.M | re.S):
        names = re.findall(r"^  (?:doi|url) = \{(.*)\},$", entry, re.M)
        found.update(dict.fromkeys(names, entry))
    return found
