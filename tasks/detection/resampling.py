"""Average precision of any choice of images, from the predictions that a job keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.analysis.bootstrap import evaluated
from bench.data.spec import DatasetSpec
from bench.data.truth import read_boxes
from bench.errors import BenchError
from bench.plugin.task import Resampler
from bench.store.journal import Journal
from bench.types import PairFiles
from tasks.detection.average_precision import Truth, match_image, table, yolov5_curve
from tasks.detection.predictions import FILE, from_lists

CONVENTION = "yolov5"
METRICS = ("AP@0.5", "AP@0.7", "AP@0.9", "AP@[0.5:0.95]")


def read_resampler(work_dir: Path, files: Sequence[PairFiles], spec: DatasetSpec) -> Resampler | None:
    """AP of people, cars and all in convention ``yolov5``; None if no predictions are kept.

    Boxes are matched once per image; a draw only sorts and sums them.

    Args:
        work_dir: of a finished job; of several lines on a pair the last counts.
        files: the labelled pairs.
        spec: of the data set, for its classes.
    """
    lines = {line["pair"]: line for line in Journal(work_dir / FILE).lines()}
    labelled = [item for item in files if item.id in lines and item.boxes_path is not None]
    numbers = list(spec.box_classes)
    kept, parts = [], []
    for item in labelled:
        line = lines[item.id]
        try:
            truth = _truth(item, int(line["width"]), int(line["height"]))
        except BenchError:  # the task has left this pair out too, and said so
            continue
        kept.append(item.id)
        parts.append({number: match_image(truth, from_lists(line), number) for number in numbers})
    if not kept:
        return None
    names = [(metric, label) for label in (*spec.box_classes.values(), "all") for metric in METRICS]

    wanted = {number for number in numbers if any(each[number].total for each in parts)}

    def score(drawn: NDArray[np.int64]) -> list[float]:
        chosen = {number: [parts[index][number] for index in drawn] for number in numbers}
        curves = {number: yolov5_curve(each) for number, each in chosen.items() if any(part.total for part in each)}
        values = table(curves, spec.box_classes)
        if set(curves) != wanted:  # over fewer classes it would be another number
            values = {key: value for key, value in values.items() if key[1] != "all"}
        return [values.get(name, np.nan) for name in names]

    return Resampler(tuple(kept), tuple((*name, CONVENTION) for name in names), evaluated(score))


def _truth(files: PairFiles, width: int, height: int) -> Truth:
    assert files.boxes_path is not None  # noqa: S101 - chosen so by the caller
    lines = read_boxes(files.boxes_path)
    centre, half = lines[:, 1:3] * (width, height), lines[:, 3:5] * (width, height) / 2
    return Truth(np.concatenate([centre - half, centre + half], axis=1), lines[:, 0].astype(np.int64), width, height)
