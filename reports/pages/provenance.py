"""The page that says what was run, with what, on what; and where its tables, commands and citations are."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from bench.store.manifest import CommandFacts
from reports.bibliography import bibliography
from reports.pages.kind import Build, PageKind, Step
from reports.pictures import url_of
from reports.source import RunData

REPOSITORY = "https://github.com/ivif-bench/ivif-bench"


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One command that worked on the run.

    Attributes:
        text: as typed, quoted for a shell, known folders by name.
        commit: that it ran from, shortened.
        link: to the commit; empty if files differed from it.
    """

    facts: CommandFacts
    text: str
    commit: str
    link: str


def _page(build: Build) -> None:
    run = build.run
    text = bibliography(run)
    build.site.text("bibliography.bib", text)
    build.site.page(
        "provenance.html", "provenance.html", title="Provenance", problems=run.problems(), bibliography=text,
        commands=[_row(run, one) for one in run.manifest.commands], files=list(_files(run)),
        config_text=run.places.short(run.manifest.config.model_dump_json(indent=1)),
    )  # fmt: skip


def _row(run: RunData, facts: CommandFacts) -> CommandRow:
    sha, _, changed = facts.commit.partition("-")
    link = f"{REPOSITORY}/commit/{sha}" if sha and not changed else ""
    return CommandRow(facts, command_text(run, facts), f"{sha[:12]}{' with changes' if changed else ''}", link)


def command_text(run: RunData, facts: CommandFacts) -> str:
    """As typed, quoted for a shell, folders by name."""
    words = [_by_name(word, before) for before, word in zip(["", *facts.command], facts.command, strict=False)]
    return run.places.short(shlex.join(words)) or "(from Python)"


FOLDERS = {"--data-root": "DATA", "--weights-root": "WEIGHTS", "--out": "RUN"}
"""Options whose folder differs on every machine."""


def _by_name(word: str, before: str) -> str:
    """A word of a command, a folder by its name; ``before`` is the word before it."""
    option, equals, _ = word.partition("=")
    if equals and option in FOLDERS:
        return f"{option}={FOLDERS[option]}"
    return FOLDERS.get(before, word)


def _files(run: RunData) -> Iterator[tuple[str, str]]:
    """(what it is, address) of what the run leaves beside the report."""
    store = run.store
    for path in (store.scores_csv, store.scores_parquet, store.manifest_path):
        if path.is_file():
            yield path.name, url_of(path, store.report_dir)


def _steps(build: Build) -> Iterator[Step]:
    yield partial(_page, build)


KIND = PageKind("provenance", lambda _run: [("provenance.html", "Provenance")], _steps)
