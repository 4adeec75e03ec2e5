"""The video task: one row a clip and number, and the mean over clips."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

import numpy as np

from bench.data.pairs import read_pair
from bench.errors import BenchError
from bench.plugin.task import FusedSet, Job, Number, Task
from bench.types import PairFiles, Score
from tasks.video.measures import SMALLEST, ClipNumbers, Moment, luma


class VideoTask(Task):
    """Measures clips: data sets whose description says that their sequences are videos."""

    name = "video"
    title = "Video"
    about = (
        "Flicker: how far the mean luma of a frame is off the line between its neighbours'. Warping error: squared "
        "difference between a frame and the next one moved back onto it by optical flow of the sources. Temporal "
        "consistency: mutual information of the changes from frame to frame with those of both sources. The first two "
        "are 0 for a method that shows nothing at all, which the third finds out."
    )
    truth = "clips"
    splits = ()
    runs = "named"
    contends = False
    numbers = (
        Number("flicker", "lower", "Flicker of the mean (levels)", headline=True),
        Number("warping_error", "lower", "Warping error", 5, headline=True),
        Number("consistency", "higher", "Consistency with both sources (bit)", headline=True),
        Number("consistency_ir", "higher", "with infrared (bit)"),
        Number("consistency_vis", "higher", "with visible (bit)"),
    )

    def has_truth(self, files: PairFiles) -> bool:
        """True for a frame of a clip."""
        return bool(files.clip)

    def check(self) -> None:
        """Needs nothing beyond the suite."""

    def run(self, job: Job) -> Iterable[Score]:
        """Measures clip after clip.

        Raises:
            BenchError: frames too small for optical flow.
        """
        for split, images in job.parts.items():
            yield from _scores(self.name, job, split, images)

    def fingerprint(self, job: Job) -> str:  # noqa: ARG002 - a Task
        """It has no settings."""
        return "1"


def _scores(task: str, job: Job, split: str, images: FusedSet) -> Iterator[Score]:
    found: dict[str, list[float]] = {}
    clips = [(clip, list(places)) for clip, places in groupby(range(len(images)), lambda at: images.files[at].clip)]
    steps = 0
    for number, (clip, places) in enumerate(clips, 1):
        gathered = _gather(images, places)
        steps += gathered.steps
        for metric, value in gathered.values().items():
            if math.isnan(value):
                reason = f"{len(places)} frames, too few that follow each other"
                yield Score(task, job.dataset, split, job.method, metric, None, clip, status="skipped", reason=reason)
                continue
            found.setdefault(metric, []).append(value)
            yield Score(task, job.dataset, split, job.method, metric, value, clip)
        if job.progress:
            job.progress(f"{job.method} video", number, len(clips))
    for metric, values in found.items():
        number_of = "1 clip" if len(values) == 1 else f"{len(values)} clips"
        reason = f"mean over {number_of}, {steps} steps from frame to frame"
        yield Score(task, job.dataset, split, job.method, metric, float(np.mean(values)), reason=reason)


def _gather(images: FusedSet, places: list[int]) -> ClipNumbers:
    gathered, last, step = ClipNumbers(), math.nan, _usual_step([images.files[at] for at in places])
    for at in places:
        number = _number(images.files[at])
        gathered.add(_moment(images, at), follows=math.isnan(number) or number - last == step)
        last = number
    return gathered


def _moment(images: FusedSet, at: int) -> Moment:
    pair, fused = read_pair(images.files[at]), images[at].image
    height, width = fused.shape[:2]
    if min(height, width) < SMALLEST:
        raise BenchError(f"{pair.id}: frames of {width}x{height} pixels, wanted at least {SMALLEST} a side for flow")
    return Moment(luma(pair.ir), luma(pair.vis), fused)


def _number(files: PairFiles) -> float:
    """The number that a frame's name ends in; NaN if there is none."""
    found = re.search(r"([0-9]+)\D*$", files.id)
    return float(found[1]) if found else math.nan


def _usual_step(files: list[PairFiles]) -> float:
    """From frame to frame: what is more is a gap, where a frame could not be fused."""
    numbers = [_number(each) for each in files]
    return min((after - now for now, after in pairwise(numbers) if after > now), default=1.0)
