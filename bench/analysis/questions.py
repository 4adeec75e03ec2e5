"""Does fusion help, does learning help: the two questions put to every task of a run, and their answers in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.analysis.captions import left_out_words, part_words, way_of
from bench.analysis.judges import agreements
from bench.analysis.pairwise import Settings
from bench.analysis.ranked import PLAIN_RULES, SOURCES
from bench.analysis.set_level import Resamplers, aligned, resamplers_of
from bench.analysis.verdict import Drawn, Verdict, draw, verdicts
from bench.data.spec import DatasetSpec, recorded_spec
from bench.errors import BenchError
from bench.plugin.kinds import TASKS
from bench.store.manifest import DatasetFacts, Manifest
from bench.store.run_folder import Store
from bench.types import Number

SETTINGS = Settings(resamples=999, interval="percentile")
SUBSETS = ("day", "night")
"""Tags of pairs that are also judged by themselves."""
ASKED = {"fusion": "Does fusion help?", "learning": "Does learning help?"}
AGAINST = {"fusion": "the better single source", "learning": "the best rule that learns nothing"}
LEARNED = ("learned", "folder")
"""Kinds of methods whose learning is judged; ready images are taken for a learned method's."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question on one number of one part of a data set.

    Attributes:
        question: ``fusion`` or ``learning``.
        title: of the task, for people.
        label: class, or ``all``; empty for a mean over the classes.
        part: ``day``, ``night``, or what the task calls its part, such as ``unseen``; empty for all pairs.
        headline: True for a number that speaks for its task.
        effect: the smallest difference that counts.
        images: how many.
        units: how many independent things were drawn: images, or drives.
        seeds: how many runs.
        references: what the methods are compared with -> its value.
        verdicts: one for each method, the best first.
        left_out: method -> why it is not judged.
        judge: the model that looked at the images; empty where only one did.
        beside: True where another judge speaks for the task.
    """

    question: str
    task: str
    title: str
    dataset: str
    metric: str
    label: str
    convention: str
    part: str
    headline: bool
    effect: float
    images: int
    units: int
    seeds: int
    references: Mapping[str, float]
    verdicts: tuple[Verdict, ...]
    left_out: Mapping[str, str]
    judge: str = ""
    beside: bool = False

    @property
    def best(self) -> str:
        """The best reference."""
        return max(self.references, key=lambda name: self.references[name])

    @property
    def number(self) -> str:
        """What is judged, e.g. ``AP@0.5 person (coco), night``."""
        label = f" {self.label}" if self.label else ""
        part = part_words(self.part) if self.part else ""
        return f"{self.metric}{label} ({way_of(self.convention)[0]})" + (f", {part}" if part else "")

    @property
    def over(self) -> str:
        """What was drawn."""
        drives = f" of {self.units} drives, drawn whole" if self.units < self.images else ""
        seeds = f", {self.seeds} seeds" if self.seeds > 1 else ""
        return f"{self.images} images{drives}{seeds}"

    @property
    def detectable(self) -> float:
        """The difference that could have been shown for every method."""
        return max((one.detectable for one in self.verdicts), default=float("nan"))

    def counts(self) -> dict[str, int]:
        """How many methods have each answer."""
        found = Counter(one.answer for one in self.verdicts)
        return {answer: found[answer] for answer in ("helps", "no evidence", "hurts")}

    def summary(self, titles: Mapping[str, str] | None = None) -> str:
        """The answer in a sentence."""
        named = titles or {}
        bar = f"{named.get(self.best, self.best)} {_short(self.references[self.best])}"
        counts, total = self.counts(), len(self.verdicts)
        first, last = self.verdicts[0], self.verdicts[-1]
        said = [f"{self.question} helps {counts['helps']} of {total}"]
        if counts["helps"]:
            said[0] += f", most {named.get(first.method, first.method)} ({interval(first)})"
        if counts["hurts"]:
            said.append(f"hurts {counts['hurts']}, most {named.get(last.method, last.method)} ({interval(last)})")
        if counts["no evidence"]:
            said.append(f"no evidence for {counts['no evidence']}")
        return (
            f"{self.number}: against {AGAINST[self.question]} ({bar}), {'; '.join(said)}. {self.over}; a difference of "
            f"{_short(self.detectable)} could have been shown, {self.effect:g} counts."
        )


def interval(verdict: Verdict) -> str:
    """A difference with its interval, e.g. ``+.071, +.053 to +.091``."""
    low, high = (_short(end, "+") for end in (verdict.low, verdict.high))
    return f"{_short(verdict.difference, '+')}, {low} to {high}"


def _short(value: float, sign: str = "") -> str:
    return f"{value:{sign}.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:{sign}.3f}"


def findings(stores: Sequence[Store], settings: Settings = SETTINGS) -> list[Finding]:
    """The answers to both questions, for every number that its task gives an effect that counts.

    A class, and the pairs by day and by night, are answered apart. Of a task's parts the one is taken in which most
    methods can be compared, pairs unseen in training before all pairs.

    Args:
        stores: a run; more of them are the same run with other seeds.
        settings: of the draws.

    Returns:
        Headlines before classes, all pairs before day and night; nothing where a run lacks a source, or where the task
        kept nothing that could be drawn anew.
    """
    manifest = stores[0].read_manifest()
    found: list[Finding] = []
    for task, facts in manifest.tasks.items():
        judged = {number.metric: number for number in facts.numbers if number.effect is not None}
        if not judged or task not in TASKS.names():
            continue
        for dataset, data in manifest.datasets.items():
            asked = _Asked(manifest, task, dataset, data, judged)
            try:
                found += sorted(_answers(stores, asked, settings), key=_order)
            except (BenchError, ImportError, OSError, ValueError):  # said where intervals stand
                continue
    return found


def _order(finding: Finding) -> tuple[bool, bool, int]:
    return bool(finding.part in SUBSETS), not finding.headline, list(ASKED).index(finding.question)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One task and data set of a run."""

    manifest: Manifest
    task: str
    dataset: str
    facts: DatasetFacts
    judged: Mapping[str, Number]

    @property
    def spec(self) -> DatasetSpec:
        """The data set as the run recorded it."""
        return recorded_spec(self.facts.model_dump())

    def ways(self) -> dict[str, str]:
        """The way of scoring that is shown first, by every judge -> the judge; empty where there is only one."""
        facts = self.manifest.tasks[self.task]
        first = next(iter(facts.ways), "")
        speaks, *others = facts.judges or ("",)
        return {first: speaks if others else "", **{f"{name}/{first}": name for name in others}}

    def tags(self) -> dict[str, tuple[str, ...]]:
        """Pair -> tags, of all parts."""
        return {pair: tags for part in self.facts.parts.values() for pair, tags in part.tags.items()}


def _answers(stores: Sequence[Store], asked: _Asked, settings: Settings) -> Iterator[Finding]:
    parts = [resamplers_of(store, asked.task, asked.dataset, asked.spec) for store in stores]
    able: list[tuple[str, list[Resamplers]]] = []
    for part in parts[0]:
        runs = [run for found in parts if (run := aligned(found.get(part, {}))) is not None]
        if len(runs) == len(stores):
            able.append((part, runs))
    if not able:
        return
    part, runs = max(able, key=lambda item: len(item[1][0].statistics))  # the first of equals
    yield from _of_part(asked, part, runs, settings)


def _of_part(asked: _Asked, part: str, runs: Sequence[Resamplers], settings: Settings) -> Iterator[Finding]:
    """All pairs of a part, then those by day and by night."""
    first = runs[0]
    same = [run for run in runs if (run.pairs, run.numbers) == (first.pairs, first.numbers)]
    methods = [name for name in first.statistics if all(name in run.statistics for run in same)]
    if not _rules(asked, methods) and not all(name in methods for name in SOURCES):
        return  # nothing to compare with
    statistics = {name: [each for run in same for each in run.seeds[name]] for name in methods}
    seeds, ways = max(map(len, statistics.values())), asked.ways()
    groups = [asked.spec.sequence_of(pair) for pair in first.pairs]
    tags = asked.tags()
    for subset in ("", *SUBSETS):
        mask = [not subset or subset in tags.get(pair, ()) for pair in first.pairs]
        if sum(mask) < 2 or (subset and all(mask)):
            continue
        try:
            drawn = draw(statistics, groups, settings, mask)
        except BenchError:  # one drive alone
            continue
        for at, (metric, label, convention) in enumerate(first.numbers):
            if metric in asked.judged and way_of(convention)[0] in ways:
                number = (metric, label, convention)
                yield from _of_number(asked, number, subset or part, drawn, at, (sum(mask), seeds), first.left_out)


def _rules(asked: _Asked, methods: Sequence[str]) -> list[str]:
    """Those that learn nothing."""
    known = asked.manifest.methods
    return [name for name in methods if name in PLAIN_RULES or (name in known and known[name].kind == "control")]


def _of_number(
    asked: _Asked, number: tuple[str, str, str], part: str, drawn: Drawn, at: int, size: tuple[int, int],
    left_out: Mapping[str, str],
) -> Iterator[Finding]:  # fmt: skip
    metric, label, convention = number
    facts, ways = asked.judged[metric], asked.ways()
    judge = ways[way_of(convention)[0]]
    kinds = {name: asked.manifest.methods[name].kind for name in drawn.values if name in asked.manifest.methods}
    beside = {name for name, one in asked.manifest.methods.items() if one.beside}
    valued = [name for name in drawn.values if np.isfinite(drawn.values[name][at]) and name not in beside]
    rules = _rules(asked, valued)
    questions = (
        ("fusion", [name for name in SOURCES if name in valued], [name for name in valued if name not in SOURCES]),
        ("learning", rules, [name for name in valued if kinds.get(name) in LEARNED]),
    )
    for question, references, methods in questions:
        if not methods or not references or (question == "fusion" and len(references) < len(SOURCES)):
            continue
        try:
            found = verdicts(drawn, at, methods, references, float(facts.effect or 0.0))
        except BenchError:  # most draws lack the class
            continue
        yield Finding(
            question, asked.task, asked.manifest.tasks[asked.task].title, asked.dataset, metric, label, convention,
            part, facts.headline and (not facts.labels or label in facts.labels), float(facts.effect or 0.0), size[0],
            drawn.units, size[1], {name: float(drawn.values[name][at]) for name in references},
            tuple(sorted(found, key=lambda one: -one.value)), dict(left_out), judge,
            judge not in ("", next(iter(ways.values()))),
        )  # fmt: skip


def finding_rows(finding: Finding) -> list[dict[str, Any]]:
    """The table of a finding: its methods, the best first, and at the foot what they are compared with."""
    rows = [
        {
            "method": one.method,
            "value": f"{one.value:.4f}",
            "difference": f"{one.difference:+.4f}",
            "95% interval": f"{one.low:+.4f} to {one.high:+.4f}",
            "with Holm": "p < 0.001" if one.p < 0.001 else f"p = {one.p:.3f}",
            "could have been shown": f"{one.detectable:.4f}",
            "verdict": one.answer,
        }
        for one in finding.verdicts
    ]
    foot = sorted(finding.references.items(), key=lambda item: -item[1])
    return rows + [{"method": name, "value": f"{value:.4f}", "verdict": "compared with"} for name, value in foot]


def finding_sections(found: Sequence[Finding]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What ``bench stats`` prints: a heading and one row per method, for all pairs and every part and class."""
    for one in found:
        where = f"{one.dataset} · {one.title or one.task}"
        left = left_out_words(one.left_out)
        yield f"{where} · {ASKED[one.question]} {one.summary()}{left}", finding_rows(one)
    for each in agreements(found):
        yield f"{each.dataset} · {each.sentence()}", []


def closing_lines(found: Sequence[Finding]) -> list[str]:
    """The last words of a run: each question once for each task and data set, then the classes in which they differ."""
    lines = []
    for task, dataset in dict.fromkeys((one.task, one.dataset) for one in found):
        own = [one for one in found if (one.task, one.dataset) == (task, dataset) and one.part not in SUBSETS]
        judged, own = own, [one for one in own if not one.beside]
        for question in ASKED:
            heads = [one for one in own if one.question == question and one.headline]
            lines += [f"{dataset}: {one.summary()}" for one in heads[:1]]
        classes = [
            f"{one.label} {counts['helps']} of {len(one.verdicts)} (against {one.best}, hurts {counts['hurts']})"
            for one in own
            for counts in [one.counts()]
            if one.question == "fusion" and not one.headline and one.metric == own[0].metric
        ]
        if classes:
            lines.append(f"{dataset}: {own[0].metric} by class, fusion helps: {'; '.join(classes)}")
        lines += [f"{dataset}: {each.sentence()}" for each in agreements(judged) if each.number == own[0].number]
    return lines
