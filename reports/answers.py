"""Whether fusion and learning help, as blocks of a page: the answer in a sentence, and a row for each method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.questions import ASKED, SUBSETS, Finding, interval
from bench.analysis.sections import format_p
from reports.source import RunData

MARKS = {"helps": "good", "hurts": "bad", "no evidence": "open"}
"""Answer -> class of its cell."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One finding as a page shows it.

    Attributes:
        heading: the question and the number.
        sentence: the answer.
        counts: how many methods have each answer.
        rows: one per method, then one for each reference.
        main: True for what stands open on the page.
        left_out: who is not judged and why, a sentence each.
    """

    question: str
    number: str
    sentence: str
    counts: dict[str, int]
    rows: list[dict[str, Any]]
    main: bool
    left_out: list[str]


def answers(run: RunData, found: Sequence[Finding], task: str = "", dataset: str = "") -> Iterator[Answer]:
    """The findings of a task and data set, of all where these are empty."""
    for one in found:
        if one.verdicts and task in ("", one.task) and dataset in ("", one.dataset):
            titles = run.titles
            left_out = [f"{titles.get(name, name)} is left out: {why}." for name, why in one.left_out.items()]
            main = one.headline and one.part not in SUBSETS and not one.beside
            yield Answer(
                ASKED[one.question], one.number, one.summary(titles), one.counts(), list(_rows(run, one)), main,
                left_out,
            )  # fmt: skip


def _rows(run: RunData, finding: Finding) -> Iterator[dict[str, Any]]:
    for one in finding.verdicts:
        yield {
            "label": one.method, "title": run.titles.get(one.method, one.method), "value": one.value,
            "difference": interval(one), "number": one.difference, "p": format_p(one.p),
            "detectable": one.detectable, "answer": one.answer, "mark": MARKS[one.answer],
        }  # fmt: skip
    for name, value in sorted(finding.references.items(), key=lambda item: -item[1]):
        yield {
            "label": name, "title": run.titles.get(name, name), "value": value, "difference": "", "number": "",
            "p": "", "detectable": None, "answer": "compared with", "mark": "reference",
        }  # fmt: skip
