"""Pictures for the report: an image with the boxes of the truth and those that were found."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from bench.images import as_rgb
from bench.plugin.task import Detections
from bench.types import Image
from tasks.detection.average_precision import Truth, iou

SHOWN = 0.25
"""Boxes below this score are not drawn; what YOLOv5's own ``detect.py`` shows."""

OVERLAP = 0.5
"""IoU from which a found box counts as right."""

TRUTH, RIGHT, WRONG = (255, 255, 255), (64, 200, 96), (240, 72, 56)
"""RGB of truth, right and wrong boxes. Truth is drawn dashed, so that colour alone carries nothing."""

DASH = 6
"""Pixels of a dash and of a gap."""


def draw(image: Image, truth: Truth, found: Detections, names: Mapping[int, str] | None = None) -> Image:
    """Draws truth (white, dashed) and detections from score 0.25 (green: right at IoU 0.5, red: wrong).

    Args:
        image: uint8 (H, W) or (H, W, 3); not changed.
        truth: its labelled boxes.
        found: its detections, in its pixels.
        names: class -> text; the class ids by default.

    Returns:
        uint8 RGB (H, W, 3).
    """
    canvas = np.array(as_rgb(image))
    names = names or {}
    right = matches(truth, found)
    # the surest box is drawn last, and the truth over all
    for index in reversed(range(len(found.scores))):
        if found.scores[index] >= SHOWN:
            number = int(found.classes[index])
            text = f"{names.get(number, str(number))} {found.scores[index]:.2f}"
            _labelled(canvas, found.boxes[index], text, RIGHT if right[index] else WRONG)
    for box in truth.boxes:
        _dashed(canvas, box)
    return canvas


def matches(truth: Truth, found: Detections, lowest: float = SHOWN) -> np.ndarray:
    """Which detections are right: in falling order of score, each takes the best free box of its class.

    Args:
        truth: of the image.
        found: its detections, scores falling.
        lowest: detections below this score take nothing.

    Returns:
        bool (N,).
    """
    right = np.zeros(len(found.scores), dtype=bool)
    overlaps = iou(found.boxes.astype(np.float64), truth.boxes)
    free = np.ones(len(truth.boxes), dtype=bool)
    for index in np.argsort(-found.scores, kind="stable"):
        if found.scores[index] < lowest:
            break
        candidates = np.where(free & (truth.classes == found.classes[index]), overlaps[index], 0.0)
        if candidates.size and candidates.max() >= OVERLAP:
            right[index] = True
            free[candidates.argmax()] = False
    return right


def _dashed(canvas: Image, box: np.ndarray) -> None:
    left, top, right, bottom = (round(float(value)) for value in box)
    for start in range(left, right, 2 * DASH):
        for row in (top, bottom):
            cv2.line(canvas, (start, row), (min(start + DASH, right), row), TRUTH, 1)
    for start in range(top, bottom, 2 * DASH):
        for column in (left, right):
            cv2.line(canvas, (column, start), (column, min(start + DASH, bottom)), TRUTH, 1)


def _labelled(canvas: Image, box: np.ndarray, text: str, colour: tuple[int, int, int]) -> None:
    left, top, right, bottom = (round(float(value)) for value in box)
    cv2.rectangle(canvas, (left, top), (right, bottom), colour, 2)
    (width, height), baseline = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    # above the box, or inside it at the image's upper border
    foot = top - 3 if top - 3 - height - baseline >= 0 else top + height + baseline + 1
    cv2.rectangle(canvas, (left, foot - height - baseline), (left + width, foot + baseline), colour, -1)
    cv2.putText(canvas, text, (left, foot), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
