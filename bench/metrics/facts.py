"""What is said about a metric and a convention; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Parameter = str | float | bool

CAPPED = "three equal images: a cap, no measurement"
"""The ``reason`` of a value, of status ok, that is infinite by its definition and stands at a cap instead."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric under its name in the literature.

    Attributes:
        name: letters of the literature; the ``metric`` column.
        title: full name.
        idea: the metric that it is compared with across conventions, e.g. ``EN`` for ``vifb``'s ``Entropy``.
        unit: of the value in ``standard``, or in the one convention that has it; empty for a pure number.
        better: which direction is better.
        low: smallest possible value, None where there is none.
        high: largest possible value, None where there is none.
        definition: in one sentence.
        source: author, year.
        doi: of the source; empty where none is known.
        defects: what is known to be wrong or misleading about it in any convention; empty if nothing.
        spelling_of: the canonical name, where this is only another way to write it (``Q_CB`` of ``Qcb``); else empty.
    """

    name: str
    title: str
    idea: str
    unit: str
    better: Literal["higher", "lower"]
    low: float | None
    high: float | None
    definition: str
    source: str
    doi: str = ""
    defects: str = ""
    spelling_of: str = ""

    @property
    def canonical(self) -> str:
        """The one spelling that all ways to write this name share."""
        return self.spelling_of or self.name


@dataclass(frozen=True, slots=True)
class Use:
    """How one convention computes one metric: a formula of the engine and its parameters.

    Attributes:
        metric: name in :data:`bench.metrics.catalogue.METRICS`.
        formula: name in the engine's table.
        parameters: of the formula; two uses with equal formula and parameters share the work.
        definition: what this convention computes, in one sentence.
        unit: None: the metric's.
        low: smallest value here.
        high: largest value here.
        defect: what is wrong here; empty if nothing.
        quick: computed when nothing is asked for by name.
        smallest: height and width from which it is defined.
        channels: for a convention of colour channels: ``mean`` of the channels, or the channels ``side_by_side``; in
            any convention: the three channels ``together``, for a formula of colour.
        error: how far, relative, the original may differ from this engine; None: the convention's.
        extra: the optional dependency it needs; such a metric is computed only when it is named. Empty: none.
    """

    metric: str
    formula: str
    parameters: tuple[tuple[str, Parameter], ...]
    definition: str
    unit: str
    low: float | None
    high: float | None
    defect: str = ""
    quick: bool = True
    smallest: int = 1
    channels: Literal["mean", "side_by_side", "together"] = "mean"
    extra: str = ""
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Convention:
    """One way of computing the field's metrics.

    Attributes:
        name: of the ``convention`` column.
        title: in a few words.
        summary: what it is, in one or two sentences.
        sound: True if every number is what its name says; only ``standard`` is.
        grey: how colour becomes grey, see :func:`bench.metrics.planes.grey_planes`.
        input_text: the same in words.
        defects: the defects found, one sentence each.
        used_by: papers and code that report in it.
        verified: against what, how closely.
        cite: how a paper names it.
        source: of the convention.
        default: metrics that a run computes unless told otherwise.
        uses: metric name -> how it is computed here, in table order.
        error: how far, relative, the original may differ from this engine in a metric that does not say otherwise.
    """

    name: str
    title: str
    summary: str
    sound: bool
    grey: Literal["bt601", "matlab", "opencv", "pillow", "channels"]
    input_text: str
    defects: tuple[str, ...]
    used_by: tuple[str, ...]
    verified: str
    cite: str
    source: str
    default: tuple[str, ...]
    uses: MappingProxyType[str, Use]
    error: float = 1e-9

    def stated_error(self, metric: str) -> float:
        """How far, relative, the original may differ from this engine: what its proof left."""
        own = self.uses[metric].error
        return self.error if own is None else own

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics of this convention that need no optional package, in table order."""
        return tuple(name for name, use in self.uses.items() if not use.extra)

    @property
    def quick(self) -> tuple[str, ...]:
        """Those that cost little: what ``evaluate`` computes unless told otherwise."""
        return tuple(name for name, use in self.uses.items() if use.quick)
