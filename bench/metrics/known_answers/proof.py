"""Computes the known answers with the engine and says which came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.metrics.catalogue import CONVENTIONS
from bench.metrics.engine import PairScorer
from bench.metrics.known_answers.answers import ANSWERS
from bench.metrics.known_answers.facts import Answer, WrongAnswer
from bench.metrics.known_answers.images import IMAGES
from bench.metrics.known_answers.wrong_answers import WRONG_ANSWERS

APART = 1e-6
"""A wrong answer is told from the value found where they differ by more than this, relative or absolute."""

Key = tuple[str, str, str]
"""Images, convention, metric."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the known answers say of the engine.

    Attributes:
        proven: (convention, metric) -> how many answers came out.
        refuted: one sentence per answer that did not.
        wrong_kept_out: how many published wrong answers did not come out.
        wrong: how many there are.
    """

    proven: Counter[tuple[str, str]]
    refuted: tuple[str, ...]
    wrong_kept_out: int
    wrong: int

    @property
    def count(self) -> int:
        """Answers proven."""
        return sum(self.proven.values())


def prove(answers: Sequence[Answer] = ANSWERS, wrong_answers: Sequence[WrongAnswer] = WRONG_ANSWERS) -> Proof:
    """Computes every answer with the engine; one (convention, metric, images) is one answer."""
    values = _values(answers, wrong_answers)
    proven: Counter[tuple[str, str]] = Counter()
    refuted = []
    for answer in answers:
        for convention in answer.conventions:
            found = values[answer.images, convention, answer.metric]
            if found is not None and abs(found - answer.value) <= answer.tolerance * max(1.0, abs(answer.value)):
                proven[convention, answer.metric] += 1
            else:
                refuted.append(
                    f"{convention} {answer.metric} of {answer.images}: {found}, wanted {answer.value} ({answer.why})"
                )
    slipped = [_slip(wrong, values[wrong.images, wrong.convention, wrong.metric]) for wrong in wrong_answers]
    refuted += [line for line in slipped if line]
    return Proof(proven, tuple(refuted), slipped.count(""), len(slipped))


def _slip(wrong: WrongAnswer, found: float | None) -> str:
    if found is not None and abs(found - wrong.value) > APART * max(1.0, abs(wrong.value)):
        return ""
    return f"{wrong.convention} {wrong.metric} of {wrong.images}: {found}, the published wrong answer: {wrong.whose}"


def _values(answers: Sequence[Answer], wrong_answers: Sequence[WrongAnswer]) -> dict[Key, float | None]:
    """Every value needed; each triple of images is made and scored once."""
    wanted = [(answer.images, name, answer.metric) for answer in answers for name in answer.conventions]
    wanted += [(wrong.images, wrong.convention, wrong.metric) for wrong in wrong_answers]
    chosen: dict[str, dict[str, list[str]]] = {}
    for images, convention, metric in dict.fromkeys(wanted):
        chosen.setdefault(images, {}).setdefault(convention, []).append(metric)
    values: dict[Key, float | None] = {}
    for images, metrics in chosen.items():
        ir, vis, fused = IMAGES[images]()
        for value in PairScorer(ir, vis, metrics).score(fused):
            values[images, value.convention, value.metric] = value.value
    return values


def summary_rows(proof: Proof) -> list[dict[str, str | int]]:
    """One row per convention: how many answers of how many metrics came out, and of which."""
    rows: list[dict[str, str | int]] = []
    for name, entry in CONVENTIONS.items():
        counts = {metric: proof.proven[name, metric] for metric in entry.metrics}
        rows.append({
            "convention": name, "metrics": len(counts), "answers": sum(counts.values()),
            "proven": ", ".join(f"{metric} {count}" for metric, count in counts.items()),
        })  # fmt: skip
    return rows
