"""Whether one pair reaches the bar of its proof, under which settings, and in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.fusion.agreement import PairAgreement
from bench.fusion.formula_cases import CaseResult
from bench.plugin.method import Method
from bench.plugin.proof import Bar, Proof


def with_settings(cls: type[Method], settings: Mapping[str, Any]) -> type[Method]:
    """A method's class with some class attributes replaced."""
    return type(cls.__name__, (cls,), {**settings, "__module__": cls.__module__}) if settings else cls


def settings_for(proof: Proof, pair: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The settings under which a pair may pass, numbered."""
    yield 0, proof.settings
    for number, other in enumerate(proof.alternatives, 1):
        if not other.pairs or pair in other.pairs:
            yield number, {**proof.settings, **other.settings}


def bar_of(proof: Proof, pair: str) -> Bar:
    """The bar of one pair: its own where the proof makes an exception of it."""
    return proof.exceptions.get(pair, proof.bar)


def passes(result: PairAgreement | CaseResult, bar: Bar) -> bool:
    """Whether a pair is as close as the bar asks, as float values and as an image."""
    if isinstance(result, PairAgreement):
        return reaches(result, bar)
    near = bar.relative_error is None or result.error <= bar.relative_error
    return near and (result.image is None or reaches(result.image, bar))


def reaches(seen: PairAgreement, bar: Bar) -> bool:
    """Whether an image is as close as the bar asks."""
    if bar.equal < 1.0:
        return seen.psnr >= bar.psnr_db and seen.near >= bar.equal
    return seen.psnr >= bar.psnr_db and seen.max_difference <= bar.difference


def in_words(pair: str, image: PairAgreement | None, result: PairAgreement | CaseResult) -> str:
    """A pair and how far it is from its reference."""
    floats = f"{result.error:.1e} of the range, " if isinstance(result, CaseResult) else ""
    seen = "" if image is None else f"{image.psnr:.1f} dB, {image.max_difference} levels"
    return f"{pair} ({floats}{seen})"


def extremes(pairs: Sequence[PairAgreement]) -> dict[str, Any]:
    """The worst of some pairs, as fields of a record; decibels None where all are equal."""
    if not pairs:
        return {}
    worst = min(pair.psnr for pair in pairs)
    return {
        "worst_psnr_db": None if math.isinf(worst) else round(worst, 3),
        "largest_difference": max(pair.max_difference for pair in pairs),
    }
