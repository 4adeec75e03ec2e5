"""The page of an ablation: each variant's numbers as mean and spread over its seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from bench.analysis.ranked import is_ranked
from bench.analysis.seeds import by_seed, seed_table
from bench.analysis.table import Table
from bench.store.manifest import MethodFacts
from reports.pages.kind import Build, PageKind, Step
from reports.source import DatasetView, RunData

PAGE = "ablation.html"


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of the tables: a method of several seeds.

    Attributes:
        label: what was varied.
        facts: of one of its trials.
    """

    label: str
    facts: MethodFacts
    page: str = ""

    @property
    def title(self) -> str:
        """For people."""
        return self.label.replace("_", " ")

    @property
    def reference(self) -> bool:
        """True if it is a source passed through."""
        return not is_ranked(self.label, self.facts)

    def in_domain(self, _dataset: str) -> bool:
        """False: all variants were trained on the same pairs, so a mark would tell nothing."""
        return False


def variants_of(run: RunData) -> dict[str, Variant]:
    """The variants of a run's trials; empty for a run that is no ablation."""
    trials = [facts for facts in run.manifest.methods.values() if facts.variant]
    return {facts.variant: Variant(facts.variant, facts) for facts in trials}


def _page(build: Build) -> None:
    run, variants = build.run, variants_of(build.run)
    scores = by_seed(run.scores, run.manifest.methods)
    build.site.page(
        PAGE, PAGE, title="Ablation", parts=[_part(run, data, scores, variants) for data in run.datasets],
        variants=variants, by_label=variants.__getitem__,
        seeds=int(scores.groupby("method")["seed"].nunique().max()) if len(scores) else 0,
    )  # fmt: skip


def _part(run: RunData, data: DatasetView, scores: pd.DataFrame, variants: dict[str, Variant]) -> dict[str, Any]:
    """Tables of one data set: segmentation by convention, the whole set before its parts; and the fusion metrics."""
    own = scores[scores["dataset"] == data.name]
    titles = {label: variant.title for label, variant in variants.items()}
    names = dict.fromkeys(own.loc[own["task"] == "segmentation", "convention"])
    tables: dict[str, Table] = {
        name: seed_table(
            own, "segmentation", name, factor=100.0, labels=data.facts.classes, titles=titles, numbers=run.numbers
        )
        for name in sorted(names, key=lambda name: (name.startswith("joint"), name.count("/")))
    }
    sources = [label for label, variant in variants.items() if variant.reference]
    looks = {name: seed_table(own, "metrics", name, unranked=sources, titles=titles) for name in data.conventions}
    return {
        "data": data, "tables": {name: table for name, table in tables.items() if table.columns},
        "looks": {name: table for name, table in looks.items() if table.columns},
    }  # fmt: skip


def _links(run: RunData) -> list[tuple[str, str]]:
    return [(PAGE, "Ablation")] if variants_of(run) else []


def _steps(build: Build) -> Iterator[Step]:
    if variants_of(build.run):
        yield partial(_page, build)


KIND = PageKind("ablation", _links, _steps)
