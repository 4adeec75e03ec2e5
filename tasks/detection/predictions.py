"""The detections of one method, kept as JSON lines: an interrupted detection goes on where it stood."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.files import file_digest
from bench.images import as_rgb, read_image
from bench.machine import exact_arithmetic
from bench.plugin.task import Detections, Detector, FusedSet
from bench.store.journal import Journal
from bench.types import Image
from tasks.detection.merging import merge_boxes

FILE = "predictions.jsonl"
"""In the job's ``work_dir``: one line per image with ``pair``, ``image`` (digest of its file), ``detector`` (digest of
model and settings), ``width``, ``height``, ``boxes`` (x1 y1 x2 y2 in pixels), ``scores`` and ``classes`` (COCO ids)."""


def detect_all(
    part: FusedSet,
    classes: tuple[int, ...],
    folder: Path,
    key: str,
    make: Callable[[], Detector],
    progress: Callable[[str, int, int], None] | None = None,
) -> Iterator[tuple[int, Detections]]:
    """The detections of every image of a part, from the journal where they are there.

    Args:
        part: fused images.
        classes: COCO ids wanted.
        folder: where the journal lies.
        key: changes with the detector's weights and settings.
        make: loads the detector; called only if there is something to detect.
        progress: called with (what, done, total).

    Yields:
        Index within the part, detections.
    """
    journal = Journal(folder / FILE)
    known = {(line["pair"], line["image"], line["detector"]): line for line in journal.lines()}
    detector: Detector | None = None
    for index, (files, path) in enumerate(zip(part.files, part.paths, strict=True)):
        image_digest = file_digest(path)
        line = known.get((files.id, image_digest, key))
        if line is None:
            detector = detector or make()
            image = as_rgb(read_image(path))
            found = find_boxes(detector, image, classes)
            line = {"pair": files.id, "image": image_digest, "detector": key, **as_lists(found)}
            journal.append({**line, "height": image.shape[0], "width": image.shape[1]})
        yield index, from_lists(line)
        if progress is not None:
            progress("detecting", index + 1, len(part))


def find_boxes(detector: Detector, image: Image, classes: Sequence[int]) -> Detections:
    """The boxes in one image.

    Args:
        detector: loaded.
        image: uint8 RGB (H, W, 3).
        classes: COCO ids wanted.
    """
    import torch

    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255.0
    with exact_arithmetic():
        return detector.detect(pixels, classes)[0]


def merge_kept(part: FusedSet, folder: Path, sources: Sequence[Path]) -> Iterator[tuple[int, Detections]]:
    """What journals hold of every image of a part, merged; kept likewise.

    Args:
        part: the images.
        folder: where the merged boxes are kept.
        sources: folders of the journals.

    Yields:
        Index within the part, merged detections; nothing of an image that a journal lacks.
    """
    journals = [{line["pair"]: line for line in Journal(source / FILE).lines()} for source in sources]
    kept = Journal(folder / FILE)
    kept.path.unlink(missing_ok=True)
    for index, files in enumerate(part.files):
        lines = [known[files.id] for known in journals if files.id in known]
        if len(lines) < len(journals):
            continue
        merged = merge_boxes([from_lists(line) for line in lines])
        facts = {key: lines[0][key] for key in ("pair", "image", "height", "width")}
        kept.append({**facts, "detector": "merged", **as_lists(merged)})
        yield index, merged


def as_lists(found: Detections) -> dict[str, object]:
    """Detections as they stand in a line."""
    # float32 values written as the shortest decimals that read back as the same float32
    return {
        "boxes": [[float(str(value)) for value in box] for box in found.boxes],
        "scores": [float(str(value)) for value in found.scores],
        "classes": found.classes.tolist(),
    }


def from_lists(line: Mapping[str, Any]) -> Detections:
    """The detections of one line of the journal."""
    return Detections(
        np.array(line["boxes"], dtype=np.float32).reshape(-1, 4),
        np.array(line["scores"], dtype=np.float32),
        np.array(line["classes"], dtype=np.int64),
    )
