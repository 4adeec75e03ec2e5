"""Pictures of what a task made of a pair: one shot per method, small copies kept in the report."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from bench.errors import BenchError
from bench.files import write_atomic
from bench.types import Image
from reports.pictures import workers

SHOWN = 24
"""Pairs that are pictured, those on which the methods differ most."""

WIDTH = 384
"""Pixels of a picture's width."""


@dataclass(frozen=True, slots=True)
class Shot:
    """What became of one pair with one method.

    Attributes:
        title: of the method.
        pictures: name of the view -> address, e.g. ``Overlay`` and ``Errors``.
        text: the outcome in a few words.
        mark: a caution, e.g. that the method saw the pair in training.
    """

    title: str
    pictures: dict[str, str]
    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """One pair: how much the methods differ on it, and a shot of each."""

    pair: str
    difference: float
    shots: list[Shot]
    link: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture to make.

    Attributes:
        target: where it goes.
        needs: files it is made from; a target that is not older than all of them is kept.
        make: gives the image, uint8 (H, W, 3).
    """

    target: Path
    needs: tuple[Path, ...]
    make: Callable[[], Image]


def draw_all(drawings: Sequence[Drawing], jobs: int) -> None:
    """Makes the pictures that are missing or old; one that cannot be made is left out."""
    todo = [drawing for drawing in drawings if not _fresh(drawing)]
    with ThreadPoolExecutor(workers(jobs)) as pool:
        list(pool.map(_draw, todo))


def _fresh(drawing: Drawing) -> bool:
    try:
        made = drawing.target.stat().st_mtime_ns
        return all(need.stat().st_mtime_ns <= made for need in drawing.needs)
    except OSError:
        return False


def _draw(drawing: Drawing) -> None:
    try:
        image = PillowImage.fromarray(np.ascontiguousarray(drawing.make()))
    except (BenchError, OSError, ValueError):
        return
    if image.width > WIDTH:
        image = image.resize((WIDTH, max(1, round(image.height * WIDTH / image.width))), PillowImage.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    write_atomic(drawing.target, buffer.getvalue())
