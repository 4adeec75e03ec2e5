"""What a report is made from: the run folder, read once and turned into views that pages can show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from bench.analysis.captions import trained_on
from bench.analysis.numbers import FUSION, Numbers
from bench.analysis.ranked import counted, is_ranked, unranked_in
from bench.errors import BenchError
from bench.store.manifest import DatasetFacts, Manifest, MethodFacts, TaskFacts
from bench.store.run_folder import Store
from bench.store.thumbnails import slug
from reports.places import Places

STYLES = 7
"""How many colours the palette has; further methods reuse them with another line style."""


def viewer_link(dataset: str, pair: str, *methods: str) -> str:
    """The viewer's address for one pair, and for some methods only where given."""
    chosen = "".join(f"&m={quote(method, safe='')}" for method in methods)
    return f"viewer.html#d={quote(dataset, safe='')}&p={quote(pair, safe='')}{chosen}"


@dataclass(frozen=True)
class MethodView:
    """One method as the report shows it.

    Attributes:
        label: as in the score table.
        title: as its paper writes it; the label is added where two methods share a title.
        facts: its entry in the manifest.
        colour: index into the palette; -1 for a reference (grey).
        dash: index into the line styles.
    """

    label: str
    title: str
    facts: MethodFacts = field(default_factory=MethodFacts)
    colour: int = -1
    dash: int = 0

    @property
    def page(self) -> str:
        """File name of its page."""
        return f"method-{slug(self.label)}.html"

    @property
    def reference(self) -> bool:
        """True if it is shown but not ranked: a source passed through, or a method's images in the plain way beside."""
        return not is_ranked(self.label, self.facts)

    @property
    def status(self) -> str:
        """``ok``, ``skipped`` or ``failed``."""
        return self.facts.status

    def in_domain(self, dataset: str) -> bool:
        """True if its weights were trained on this data set."""
        return trained_on(self.facts, dataset)


@dataclass(frozen=True)
class DatasetView:
    """One data set as the report shows it.

    Attributes:
        name: as in the score table.
        full_title: for people, as ``datasets.yaml`` has it.
        facts: its entry in the manifest.
        pairs: ids of the pairs that the pair-wise scores cover.
        conventions: those with scores, in the order asked for.
        limit: the most pairs the run was asked to take; None for all.
    """

    name: str
    full_title: str
    facts: DatasetFacts
    pairs: tuple[str, ...]
    conventions: tuple[str, ...]
    limit: int | None = None

    @property
    def title(self) -> str:
        """The part before the first comma or bracket, for headings."""
        return self.full_title.partition(",")[0].partition(" (")[0].strip() or self.name

    @property
    def page(self) -> str:
        """File name of its page."""
        return f"dataset-{slug(self.name)}.html"

    @property
    def split(self) -> str | None:
        """The part that was scored pair by pair; None if the manifest does not say."""
        return self.facts.split or None

    @property
    def coverage(self) -> str:
        """How much of the listed data was there, in words; empty if all of it."""
        listed, found, scored = self.facts.listed, self.facts.found, len(self.pairs)
        parts = []
        if listed is not None and found is not None and found < listed:
            limited = self.limit is not None and found >= self.limit
            parts.append(f"{found} of {listed} listed pairs {'taken (the run was limited)' if limited else 'on disk'}")
        if found is not None and 0 < scored < found:
            parts.append(f"{scored} of these scored")
        return ", ".join(parts)


@dataclass
class RunData:
    """A run folder.

    Attributes:
        store: its paths.
        manifest: as written by the run.
        scores: the score table.
        own: label of the method that is marked everywhere; empty for none.
    """

    store: Store
    manifest: Manifest
    scores: pd.DataFrame
    own: str = ""

    @classmethod
    def read(cls, run_dir: Path, own: str = "") -> RunData:
        """Reads a run folder.

        Args:
            run_dir: its path.
            own: label or title of the method to mark.

        Raises:
            BenchError: it is not one, it is damaged, or has no such method.
        """
        store = Store(Path(run_dir).resolve())
        scores = store.read_scores()
        for column in scores.columns.difference(["value"]):
            scores[column] = scores[column].fillna("").astype(str)
        scores["value"] = scores["value"].astype("float64")
        run = cls(store, store.read_manifest(), scores)
        run.own = run._label_of(own) if own else ""
        return run

    def _label_of(self, name: str) -> str:
        """The label of a method named by label or title, in whatever case."""
        wanted = name.strip().casefold()
        for method in self.methods:
            if wanted in (method.label.casefold(), method.title.casefold()):
                return method.label
        known = ", ".join(method.label for method in self.methods)
        raise BenchError(f"--highlight {name}: no such method in this run; it has {known or 'none'}")

    @cached_property
    def places(self) -> Places:
        """Names of the folders that texts speak of."""
        config = self.manifest.config
        return Places.of(self.store.root, config.data_root, config.weights_root)

    @cached_property
    def methods(self) -> tuple[MethodView, ...]:
        """All methods, references first, then in the order of the manifest."""
        known = self.manifest.methods
        labels = list(dict.fromkeys([*known, *self.scores["method"].unique()]))
        facts = {label: known.get(label, MethodFacts()) for label in labels}
        scored = set(self.scores["method"])  # a control that no data set had a truth for is nothing to show
        labels = [label for label in labels if facts[label].kind != "control" or label in scored]
        labels.sort(key=lambda label: facts[label].kind != "reference")
        titles = [facts[label].title or label for label in labels]
        views: list[MethodView] = []
        number = 0
        for label, title in zip(labels, titles, strict=True):
            entry = facts[label]
            shown = f"{title} ({label})" if titles.count(title) > 1 else title
            if not is_ranked(label, entry):
                views.append(MethodView(label, shown, entry, -1, sum(view.colour < 0 for view in views)))
            else:
                views.append(MethodView(label, shown, entry, number % STYLES, number // STYLES))
                number += 1
        return tuple(views)

    @cached_property
    def datasets(self) -> tuple[DatasetView, ...]:
        """All data sets, in the order of the manifest."""
        known = self.manifest.datasets
        names = list(dict.fromkeys([*known, *self.scores["dataset"].unique()]))
        return tuple(self._dataset(name, known.get(name, DatasetFacts())) for name in names if name)

    def _dataset(self, name: str, facts: DatasetFacts) -> DatasetView:
        rows = self.scores[(self.scores["dataset"] == name) & (self.scores["task"] == "metrics")]
        scored = set(rows["pair"]) - {""}
        listed = list(facts.main.pairs)
        pairs = [pair for pair in listed if pair in scored or not scored]
        pairs += sorted(scored.difference(pairs))
        found = [convention for convention in rows["convention"].unique() if convention]
        asked = list(self.manifest.config.conventions)
        conventions = [name for name in asked if name in found] + [name for name in found if name not in asked]
        limit = self.manifest.config.limit
        return DatasetView(name, facts.title or name, facts, tuple(pairs), tuple(conventions), limit)

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """Tasks with scores, fusion metrics first."""
        found = [task for task in self.scores["task"].unique() if task]
        contenders = [task for task in found if task == FUSION or self._contends(task)]
        return tuple(sorted(found, key=lambda task: (task != FUSION, task not in contenders, found.index(task))))

    def _contends(self, task: str) -> bool:
        return self.manifest.tasks.get(task, TaskFacts()).contends

    @cached_property
    def numbers(self) -> Numbers:
        """What is known of the tasks' numbers."""
        return Numbers.of(self.manifest)

    def unranked_in(self, task: str) -> tuple[str, ...]:
        """Labels shown without a rank: a source is a contender, unless the task measures the methods themselves."""
        facts = self.manifest.tasks.get(task, TaskFacts())
        return unranked_in(task, facts, [method.label for method in self.methods], self.manifest.methods)

    @cached_property
    def counted(self) -> tuple[str, ...]:
        """Labels of the methods that are ranked and have a number."""
        scored = set(self.scores.loc[self.scores["status"] == "ok", "method"])
        return counted([method.label for method in self.methods], self.manifest.methods, scored)

    @property
    def failed(self) -> int:
        """How many results failed."""
        return int((self.scores["status"] == "failed").sum())

    @cached_property
    def titles(self) -> dict[str, str]:
        """Label -> title."""
        return {method.label: method.title for method in self.methods}

    @cached_property
    def references(self) -> tuple[str, ...]:
        """Labels that are shown but not ranked in tables of fusion metrics."""
        return tuple(method.label for method in self.methods if method.reference)

    def fused_path(self, data: DatasetView, method: str, pair: str) -> Path | None:
        """A fused image of the part that was scored pair by pair, None if it is not on disk."""
        try:
            path = self.store.fused_path(data.name, data.split or "test", method, pair)
        except BenchError:
            return None
        return path if path.is_file() else None

    def problems(self) -> list[dict[str, str]]:
        """Work that was skipped or failed, and faults of the data: where, what happened, why; equal ones counted."""
        found: list[dict[str, str]] = []
        absent: dict[tuple[str, str], list[str]] = {}
        for method in self.methods:
            if method.status != "ok":
                absent.setdefault((method.status, method.facts.reason), []).append(method.title)
        for (status, reason), titles in absent.items():
            found.append(_problem(status, ", ".join(titles), self.places.short(reason)))
        bad = self.scores[self.scores["status"] != "ok"]
        bad = bad[~bad["method"].isin([method.label for method in self.methods if method.status != "ok"])]
        for (state, task, why), rows in bad.groupby(["status", "task", "reason"], sort=False):
            methods = [self.titles.get(name, name) for name in dict.fromkeys(rows["method"])]
            where = [str(task), _some(dict.fromkeys(rows["dataset"])), _some(methods)]
            pairs = [pair for pair in dict.fromkeys(rows["pair"]) if pair]
            told = self.places.short(str(why))
            found.append(_problem(str(state), " · ".join(part for part in where if part), told, pairs))
        said: dict[str, list[str]] = {}  # of several sets alike, once
        for name, facts in self.manifest.datasets.items():
            for item in facts.problems:
                place = self.places.short(item.where)
                named = place.partition(" ")[0] == name
                said.setdefault(self.places.short(item.text), []).append(place if named else f"{name} · {place}")
        return found + [_problem("data", _some(places), text) for text, places in said.items()]


def _problem(kind: str, where: str, text: str, pairs: Iterable[str] = ()) -> dict[str, str]:
    return {"kind": kind, "where": where, "text": text, "pairs": _some(pairs)}


def _some(names: Iterable[str], limit: int = 6) -> str:
    names = [name for name in names if name]
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
