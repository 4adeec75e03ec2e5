"""Segmentation scores of any choice of images, from the confusion matrices that a job keeps."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from bench.analysis.bootstrap import iou_statistic, stacked
from bench.errors import BenchError
from bench.plugin.task import Resampler

CONVENTION = "single_scale"
JOINT = "joint.single_scale"
"""Of the segmenter that was trained together with the method."""


def read_resampler(path: Path) -> Resampler | None:
    """Of a job's ``confusion.npz``: mIoU and the IoU of each class by each segmenter trained for it, whole images.

    Args:
        path: of the file.

    Returns:
        None if the file is not there.

    Raises:
        BenchError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            ways = [name for name in kept.files if name.rpartition(".")[2] == CONVENTION and name != JOINT]
            if CONVENTION not in ways:
                return None
            pairs, classes, matrices = kept["pairs"].tolist(), kept["classes"].tolist(), [kept[way] for way in ways]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BenchError(f"{path}: damaged ({error}); remove it and run again") from error
    names = [("mIoU", ""), *(("IoU", str(name)) for name in classes)]
    numbers = tuple((*name, way.replace(".", "/")) for way in ways for name in names)
    return Resampler(tuple(map(str, pairs)), numbers, stacked([iou_statistic(each) for each in matrices]))
