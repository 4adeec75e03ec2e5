"""The detection task's door for other tasks: the detector as it is, on any image, and AP over any choice of images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.analysis.bootstrap import WeightedStatistic
from bench.images import as_rgb
from bench.plugin.task import Detections, Job
from bench.types import Image
from tasks.detection import _files
from tasks.detection.average_precision import Truth, match_image
from tasks.detection.looking import make_detector
from tasks.detection.predictions import find_boxes
from tasks.detection.resampling import METRICS, statistic_of
from tasks.detection.settings import Judge
from tasks.detection.weighted import RULES, ranked

RULE = RULES[0]
"""The rule in which other tasks give AP."""


def open_detector(job: Job, model: str, classes: Sequence[int]) -> Callable[[Image], Detections]:
    """A detector that is not trained on anything here.

    Args:
        job: says where weights lie and on what device.
        model: as the detection task's option of that name.
        classes: COCO ids wanted.

    Returns:
        Finds the boxes of an image, uint8 (H, W) or (H, W, 3) RGB.

    Raises:
        BenchError: its package or its weights are not here.
    """
    _files.require("ultralytics")
    detector = make_detector(Judge(model), job)

    return lambda image: find_boxes(detector, as_rgb(image), classes)


def precision_of_all(
    truth: Sequence[Truth], found: Sequence[Detections], names: Mapping[int, str]
) -> WeightedStatistic:
    """AP of ``all`` in ``RULE`` for any choice of images: takes (B, images), gives (4, B), the numbers ``METRICS``.

    Args:
        truth: of each image.
        found: in each image.
        names: of the classes that count.
    """
    classes = [ranked([match_image(*both, number) for both in zip(truth, found, strict=True)]) for number in names]
    every = statistic_of(classes, (RULE,))
    return lambda counts: every(counts)[-len(METRICS) :]
