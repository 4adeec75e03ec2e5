"""What of a job keeps boxes: each detector as it is, or after each of its trainings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from bench.data.spec import DatasetSpec
from bench.files import write_atomic
from tasks.detection.truth import known_classes
from tasks.detection.weighted import RULES

FILE = "looks.json"
"""In the job's ``work_dir``: one entry per look, the one that speaks first."""


@dataclass(frozen=True, slots=True)
class Look:
    """One detector, perhaps trained several times; its numbers are the means over the trainings.

    Attributes:
        prefix: of its ways of scoring; empty for the one that speaks.
        folders: below ``work_dir``, one for each training: there lie ``predictions.jsonl`` and the training itself.
        classes: ids that it was asked for.
        trained: False for a detector as it is.
    """

    prefix: str
    folders: tuple[str, ...]
    classes: tuple[int, ...]
    trained: bool

    def way(self, rule: str) -> str:
        """A rule of average precision, as the column ``convention`` says it."""
        return f"{self.prefix}/{rule}" if self.prefix else rule


def rules_of(look: Look) -> tuple[str, ...]:
    """The rules of average precision that a look is scored by: all, or ``coco`` beside the one that speaks."""
    return RULES[:1] if look.prefix else RULES


def keep_looks(work_dir: Path, made: Sequence[Look]) -> None:
    """Notes what was looked with, for whoever draws the images anew."""
    kept = [{each.name: getattr(one, each.name) for each in fields(Look)} for one in made]
    write_atomic(work_dir / FILE, json.dumps(kept, indent=1).encode())


def read_looks(work_dir: Path, spec: DatasetSpec) -> tuple[Look, ...]:
    """What ``keep_looks`` noted; the one detector of old runs, where there is nothing."""
    try:
        kept = json.loads((work_dir / FILE).read_text(encoding="utf-8"))
        return tuple(
            Look(str(one["prefix"]), tuple(one["folders"]), tuple(one["classes"]), bool(one["trained"])) for one in kept
        )
    except (OSError, ValueError, KeyError, TypeError):
        return (Look("", (".",), tuple(known_classes(spec)), trained=False),)
