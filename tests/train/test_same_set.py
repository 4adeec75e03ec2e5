"""What a training learned from is another set as soon as one byte of it is another, though the size is the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.plugin.task import FusedSet
from bench.train.sets import set_digest
from bench.types import PairFiles
from tasks.detection.finetuning import Tuning
from tasks.segmentation.runner import files_digest


@pytest.fixture
def pairs(tmp_path: Path) -> list[PairFiles]:
    """Three pairs with labels and boxes."""
    random, found = np.random.default_rng(0), []
    for name in ("a", "b", "c"):
        paths = {kind: tmp_path / f"{name}_{kind}" for kind in ("ir", "vis", "labels", "boxes", "fused")}
        for kind in ("ir", "vis", "labels", "fused"):
            Image.fromarray(random.integers(0, 9, (12, 16), dtype=np.uint8)).save(paths[kind], format="BMP")
        paths["boxes"].write_text("0 0.50 0.50 0.25 0.25\n")
        found.append(
            PairFiles("made", "train", name, paths["ir"], paths["vis"], paths["labels"], boxes_path=paths["boxes"])
        )
    return found


def flip(path: Path) -> None:
    """Changes the last byte but one, a second later."""
    later, content = path.stat().st_mtime_ns + 10**9, bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(later, later))


Change = Callable[[list[PairFiles]], list[PairFiles]]


def file_of(kind: str) -> Change:
    def change(pairs: list[PairFiles]) -> list[PairFiles]:
        flip(pairs[1].ir_path.with_name(f"b_{kind}"))
        return pairs

    return change


CHANGES: dict[str, Change] = {
    "a label": file_of("labels"),
    "a box": file_of("boxes"),
    "an infrared pixel": file_of("ir"),
    "a visible pixel": file_of("vis"),
    "a fused pixel": file_of("fused"),
    "a name": lambda pairs: [pairs[0], replace(pairs[1], id="other"), pairs[2]],
    "two labels exchanged": lambda pairs: [
        replace(pairs[0], label_path=pairs[1].label_path), replace(pairs[1], label_path=pairs[0].label_path), pairs[2],
    ],
    "two boxes files exchanged, one changed": lambda pairs: file_of("boxes")([
        replace(pairs[0], boxes_path=pairs[1].boxes_path), replace(pairs[1], boxes_path=pairs[0].boxes_path), pairs[2],
    ]),
    "one pair less": lambda pairs: pairs[:2],
    "nothing": lambda pairs: pairs,
}  # fmt: skip

HEARD: dict[str, tuple[Callable[[list[PairFiles]], Any], set[str]]] = {
    "a method": (
        set_digest,
        {"a label", "a box", "an infrared pixel", "a visible pixel", "two labels exchanged",
         "two boxes files exchanged, one changed"},
    ),
    "a segmenter": (
        lambda pairs: files_digest(fused(pairs)), {"a label", "a fused pixel", "two labels exchanged"},
    ),
    "a detector": (
        lambda pairs: Tuning.of(  # type: ignore[arg-type]
            SimpleNamespace(parts={"train": fused(pairs)}, dataset="made"), None, {}
        ).images,
        {"a box", "a fused pixel", "two boxes files exchanged, one changed"},
    ),
}  # fmt: skip
"""Who learns -> what tells sets apart for it, and the changes of contents that it hears; names and counts all hear."""


def fused(pairs: list[PairFiles]) -> FusedSet:
    paths = tuple(files.ir_path.with_name(files.ir_path.name.replace("_ir", "_fused")) for files in pairs)
    return FusedSet("average", tuple(pairs), paths)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("tell", "heard"), HEARD.values(), ids=HEARD)
def test_one_byte_makes_another_training_set(
    pairs: list[PairFiles], tell: Callable[[list[PairFiles]], Any], heard: set[str], change: str
) -> None:
    before = tell(pairs)
    after = tell(CHANGES[change](pairs))
    assert (after != before) == (change in heard | {"a name", "one pair less"})
