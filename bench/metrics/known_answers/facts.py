"""What an answer is."""

from __future__ import annotations

from dataclasses import dataclass

ALL_FIVE = ("standard", "seafusion2022", "tang2023", "cddfuse", "ivif_zoo")
"""The conventions that compute CC and SCD alike."""
LEVELS = ("standard", "tang2023", "cddfuse", "ivif_zoo")
"""Those that take SF and SD of 0..255."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The exact value of one metric of images given by a formula.

    Attributes:
        metric: name in the conventions.
        conventions: those that must give this value.
        images: name in :data:`bench.metrics.known_answers.images.IMAGES`.
        value: exact up to the rounding of its own derivation.
        why: the derivation.
        tolerance: relative, absolute below 1; what rounding, or constants added against division by 0, may leave.
    """

    metric: str
    conventions: tuple[str, ...]
    images: str
    value: float
    why: str
    tolerance: float = 1e-9


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A value that is published, or comes of a slip that was published, and must not come out here."""

    metric: str
    convention: str
    images: str
    value: float
    whose: str
