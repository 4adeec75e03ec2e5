"""The values that travel along the line: data set -> pair -> fused -> scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""uint8, (H, W) grey or (H, W, 3) RGB, 0..255."""

Status = Literal["ok", "skipped", "failed"]
Runtime = Literal["torch", "winograd", "openvino", "auto"]
"""What computes networks on the CPU, see :mod:`bench.fusion.runtime`."""

Way = Literal["published", "plain"]
"""How a fused image is read and written: as the method's authors did, or the same for all methods."""

UNDER_LOAD = "measured under load"
"""In the ``reason`` of a time that other work on the machine had a part in; such a time is not ranked."""

PART = " · "
"""Between the name of a stage of work and that of a method in it, where progress is told."""

SCORE_COLUMNS = (
    "task", "dataset", "split", "method", "pair", "metric", "convention", "label", "value", "status", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PairFiles:
    """Where one pair of a data set lies on disk; nothing is read yet.

    Attributes:
        dataset: data set name, e.g. ``mfnet``.
        split: part of it, e.g. ``train`` or ``test``.
        id: the pair's name, unique within the part, e.g. ``00004N``.
        ir_path: the infrared image; for a four-channel layout the same file as ``vis_path``.
        vis_path: the visible image.
        label_path: segmentation labels, a single-channel PNG of class ids, if the data set has them.
        boxes_path: detection labels, if the data set has them: YOLO lines, VOC XML, or COCO JSON of many pairs.
        four_channel: True where one RGBA-like file holds RGB plus infrared (the original MFNet release).
        tags: named subsets this pair belongs to, e.g. ``("day",)``.
        border: pixels that are cut off every side of both images.
        ir_range: how infrared of more than 8 bits becomes 8 (``bench.data.depth``); empty refuses it.
        clip: the video that the pair is a frame of; empty for a still.
    """

    dataset: str
    split: str
    id: str
    ir_path: Path
    vis_path: Path
    label_path: Path | None = None
    boxes_path: Path | None = None
    four_channel: bool = False
    tags: tuple[str, ...] = ()
    border: int = 0
    ir_range: str = ""
    clip: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Part and name: what tells a pair from all others of its data set."""
        return self.split, self.id


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One registered infrared and visible image, as stored in their files.

    Attributes:
        ir: uint8, (H, W), or (H, W, 3) where the file stores grey as RGB (readers of some authors differ there).
        vis: uint8, (H, W) or (H, W, 3) RGB, same height and width as ``ir``.
    """

    files: PairFiles
    ir: Image
    vis: Image

    @property
    def id(self) -> str:
        """The pair's name within its data set."""
        return self.files.id


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """A fused image: uint8 RGB (H, W, 3)."""

    method: str
    pair: PairFiles
    image: Image


@dataclass(frozen=True, slots=True)
class Score:
    """One number of one row of ``scores.parquet``; see the columns' meaning in docs/architecture.md."""

    task: str
    dataset: str
    split: str
    method: str
    metric: str
    value: float | None
    pair: str = ""
    convention: str = ""
    label: str = ""
    status: Status = "ok"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the input that did not stop the rest: where it is, what was seen, how to mend it.

    ``fault`` is False for a mere remark, e.g. that only part of a published list is on disk.
    """

    where: str
    text: str
    fault: bool = True


@dataclass(frozen=True, slots=True)
class Number:
    """A number that a task yields, for tables, ranks and pages.

    Attributes:
        metric: as in the column ``metric``.
        better: direction; empty where more is neither better nor worse, so that nobody is ranked by it.
        title: for headings, with the unit where it has one.
        decimals: places printed; None leaves it to the size of the numbers.
        headline: True for the one or two numbers that speak for the task on the overview.
        measured: True if a repetition on the same machine gives another value (times, memory).
        labels: the labels that a headline is about, e.g. ``("all",)``; empty for the number without a label.
        by_label: True if a column of it is headed by its label alone, e.g. the name of a class.
        spread_of: the number whose spread this is; it is shown beside that one.
        hidden: True if it is no column of tables (it stands in the score table all the same).
        zero: why a 0 is no place in a ranking, e.g. ``none``; empty if it is one.
        effect: the smallest difference that counts, for the verdict whether fusion helps; None for no verdict. Only
            for numbers where higher is better.
        merit: False for a number that leads its task and is no merit by itself, so that it stays out of the mean rank
            over all tasks.
    """

    metric: str
    better: Literal["higher", "lower", ""] = "higher"
    title: str = ""
    decimals: int | None = None
    headline: bool = False
    measured: bool = False
    labels: tuple[str, ...] = ()
    by_label: bool = False
    spread_of: str = ""
    hidden: bool = False
    zero: str = ""
    effect: float | None = None
    merit: bool = True


@dataclass(frozen=True, slots=True)
class Machine:
    """What a run was measured on."""

    cpu: str = ""
    cores: int = 0
    memory_gb: float = 0.0
    gpu: str = ""
    driver: str = ""
    python: str = ""
    torch: str = ""
    cuda: str = ""
    platform: str = ""
    threads: int = 0
    packages: dict[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[str, str]]:
        """What is known, as (title, text), without the packages."""
        titles = {"cpu": "CPU", "gpu": "GPU", "memory_gb": "Memory (GB)", "torch": "PyTorch", "cuda": "CUDA"}
        for key in (one.name for one in fields(self)):
            value = getattr(self, key)
            if value and key != "packages":
                yield titles.get(key, key.capitalize()), str(value)
