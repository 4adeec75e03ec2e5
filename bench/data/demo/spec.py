"""How large the demo set is, and the names of its classes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from bench.errors import BenchError

VERSION = 8
"""Raised whenever the same seed would make other files; an older set on disk is then made again."""


class Label(IntEnum):
    """The nine segmentation classes of ``mfnet``, by their ids in the label files."""

    UNLABELLED = 0
    CAR = 1
    PERSON = 2
    BIKE = 3
    CURVE = 4
    CAR_STOP = 5
    GUARDRAIL = 6
    COLOR_CONE = 7
    BUMP = 8


BOX_CLASSES = {Label.PERSON: 0, Label.CAR: 2}
"""Classes that get boxes, and their COCO ids."""


@dataclass(frozen=True, slots=True)
class DemoSpec:
    """Number and size of the images.

    Attributes:
        train: scenes of the training part, half of them by day (the even ones).
        test: scenes of the test part.
        detection: scenes with boxes alone.
        width: image width in pixels, a multiple of 4, at least 64.
        height: image height in pixels, a multiple of 4, at least 48.
        supersampling: the scene is drawn this many times larger and averaged down.
    """

    train: int = 64
    test: int = 24
    detection: int = 12
    width: int = 320
    height: int = 240
    supersampling: int = 2

    def __post_init__(self) -> None:
        for name, least in (("train", 0), ("test", 0), ("detection", 0), ("width", 64), ("height", 48)):
            if getattr(self, name) < least:
                raise BenchError(f"demo: {name} is {getattr(self, name)}, wanted at least {least}")
        if self.width % 4 or self.height % 4:
            raise BenchError(f"demo: size is {self.width}x{self.height}, wanted multiples of 4")
        if not 1 <= self.supersampling <= 4:
            raise BenchError(f"demo: supersampling is {self.supersampling}, wanted 1 to 4")
