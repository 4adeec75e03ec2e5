"""Segmentation scores of any choice of images, from the confusion matrices that a job keeps."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from bench.analysis.bootstrap import iou_statistic
from bench.errors import BenchError
from bench.plugin.task import Resampler

CONVENTION = "single_scale"


def read_resampler(path: Path) -> Resampler | None:
    """Of a job's ``confusion.npz``: mIoU and the IoU of each class, whole images; None if the file is not there.

    Raises:
        BenchError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            if CONVENTION not in kept:
                return None
            pairs, classes, matrices = kept["pairs"].tolist(), kept["classes"].tolist(), kept[CONVENTION]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BenchError(f"{path}: damaged ({error}); remove it and run again") from error
    numbers = [("mIoU", "", CONVENTION), *(("IoU", str(name), CONVENTION) for name in classes)]
    return Resampler(tuple(map(str, pairs)), tuple(numbers), iou_statistic(matrices))
