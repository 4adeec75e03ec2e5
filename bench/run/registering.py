"""The misalignment of the pairs that ``bench fuse`` fuses: watched, or mended and recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.data.pairs import read_pair
from bench.data.registration import SMALLEST, Misalignment, estimate, register_pair
from bench.errors import BenchError
from bench.files import VERSION, write_atomic
from bench.types import Pair, PairFiles

MOST_WATCHED = 8
"""Pairs whose misalignment is estimated where they are fused as they are, spread over all; others cost no time."""

RECORD = "registration.json"
"""In the folder of fused images; beside a single file it is called ``STEM.registration.json``."""


def read_registered(note: Path, files: PairFiles) -> Pair:
    """A pair with its infrared image moved onto the visible one; the estimate goes to ``note``."""
    pair = read_pair(files)
    found = estimate(pair.ir, pair.vis)
    write_atomic(note, json.dumps(asdict(found)).encode())
    return register_pair(pair, found)


def warnings(pairs: Sequence[PairFiles]) -> Iterator[str]:
    """One line for each of some pairs, spread over all, whose images are surely too far apart."""
    for files in pairs[:: max(1, -(-len(pairs) // MOST_WATCHED))]:
        try:
            pair = read_pair(files)
        except BenchError:  # said where the pair is fused
            continue
        if min(pair.ir.shape[:2]) >= SMALLEST:
            yield from warning(files.id, estimate(pair.ir, pair.vis))


def warning(name: str, found: Misalignment) -> Iterator[str]:
    """One line if a misalignment alarms."""
    if found.alarming:
        yield f"{name}: {found.in_words()}; --register moves it"


def read_estimate(note: Path) -> Misalignment:
    """What ``read_registered`` noted."""
    return Misalignment(**json.loads(note.read_text(encoding="utf-8")))


def record(out: Path, found: Mapping[str, Misalignment]) -> str:
    """Writes what was applied to each pair beside the fused images.

    Args:
        out: the fused file, or folder.
        found: estimates by the pair's name.

    Returns:
        A line that says so.
    """
    path = out / RECORD if out.is_dir() else out.with_name(f"{out.stem}.{RECORD}")
    content = {
        "version": VERSION,
        "moved": "infrared",
        "pairs": {name: {**asdict(each), "applied": each.sure} for name, each in found.items()},
    }
    write_atomic(path, json.dumps(content, indent=1).encode())
    moved = sum(each.sure for each in found.values())
    left = len(found) - moved
    rest = f", {left} left as they are, for they share too few edges" if left else ""
    return f"{moved} infrared images were moved onto the visible ones{rest}; see {path}"
