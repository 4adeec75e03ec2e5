"""IoU and accuracy of a set from its one confusion matrix, as rows of the score table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.types import PairFiles, Score

SUBSETS = ("day", "night")
"""Tags of pairs that are also scored by themselves."""


@dataclass(frozen=True, slots=True, eq=False)
class SetScores:
    """Per class and mean; NaN for a class that no pixel of the truth has.

    Attributes:
        iou: intersection over union of each class, 0 to 1.
        accuracy: share of each class's pixels that were found, 0 to 1.
        mean_iou: mean over the classes there are, background included.
        mean_accuracy: likewise.
    """

    iou: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    mean_iou: float
    mean_accuracy: float


def score_set(confusion: NDArray[np.int64]) -> SetScores:
    """Scores one confusion matrix (classes, classes), row = truth; it must hold at least one pixel."""
    right = confusion.diagonal().astype(float)
    truth, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    present = truth > 0
    iou = np.full(len(right), np.nan)
    accuracy = np.full(len(right), np.nan)
    iou[present] = right[present] / (truth + predicted - right)[present]
    accuracy[present] = right[present] / truth[present]
    return SetScores(iou, accuracy, float(iou[present].mean()), float(accuracy[present].mean()))


def score_rows(
    template: Score, convention: str, files: Sequence[PairFiles], matrices: NDArray[np.int64], classes: Sequence[str]
) -> Iterator[Score]:
    """Rows for the whole set and for each subset that it has pairs of.

    Args:
        template: dataset, split and method of the rows.
        convention: e.g. ``single_scale``; a subset's rows have ``single_scale/day``.
        files: the pairs, for their tags.
        matrices: int64 (N, classes, classes), one per pair.
        classes: their names.
    """
    yield from _set_rows(template, convention, matrices.sum(axis=0), classes)
    for tag in SUBSETS:
        chosen = [index for index, item in enumerate(files) if tag in item.tags]
        if chosen:
            yield from _set_rows(template, f"{convention}/{tag}", matrices[chosen].sum(axis=0), classes)


def _set_rows(
    template: Score, convention: str, confusion: NDArray[np.int64], classes: Sequence[str]
) -> Iterator[Score]:
    if not confusion.sum():
        yield _row(template, "mIoU", convention, None, reason="no pixel of this part has a label")
        return
    scores = score_set(confusion)
    absent = [name for name, value in zip(classes, scores.iou, strict=True) if np.isnan(value)]
    for name, value in zip(classes, scores.iou, strict=True):
        if np.isnan(value):
            yield _row(template, "IoU", convention, None, name, "no pixel of this class in the truth of this part")
        else:
            yield _row(template, "IoU", convention, float(value), name)
    said = f"mean without {', '.join(absent)}, absent from the truth of this part" if absent else ""
    yield _row(template, "mIoU", convention, scores.mean_iou, reason=said)
    yield _row(template, "mAcc", convention, scores.mean_accuracy, reason=said)


def _row(
    template: Score, metric: str, convention: str, value: float | None, label: str = "", reason: str = ""
) -> Score:
    return Score(
        template.task, template.dataset, template.split, template.method, metric, value, convention=convention,
        label=label, status="ok" if value is not None else "skipped", reason=reason,
    )  # fmt: skip
