"""Going up the ladders with one method: every pair fused with every fault, scored, and noted in a journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bench.data.pairs import read_pair
from bench.errors import BenchError, describe, is_fatal
from bench.files import write_atomic
from bench.images import encode_png
from bench.memory import retained_memory
from bench.metrics.choice import choose_engine
from bench.metrics.engine import MetricValue, PairScorer
from bench.metrics.facts import CAPPED
from bench.plugin.task import Detections, FusedSet, Job
from bench.store.journal import Journal
from bench.types import Image, Pair
from tasks.detection.predictions import as_lists
from tasks.robustness.corruptions import CORRUPTIONS, Corruption, corrupt, earlier_infrared
from tasks.robustness.settings import Settings

FILE = "ladder.jsonl"
"""In the job's ``work_dir``: a line per pair and rung with ``key`` (the job's), ``pair``, ``rung`` and either ``error``
or: ``scores``, convention -> metric -> number, or why there is none; ``own``, the same against the method's own clean
image; ``size`` of the image; and ``found``, its boxes, where boxes are looked for."""

PICTURES = "pictures"
"""In the job's ``work_dir``: ``<rung>/<pair>.png``, what became of a few pairs along the ladders."""

CLEAN = "clean"
"""The rung without a fault."""

CAP_DB = 100.0
"""PSNR of an image that equals the clean one, and the most that any image gets: one grey level off in two pixels of a
640 x 480 image."""

OWN = {"PSNR": "self_PSNR", "SSIM": "self_SSIM"}
"""Metrics of convention ``standard``, here against the method's own clean image -> what they are called here."""


def rung_of(corruption: str, severity: int) -> str:
    """The name of a rung, ``CORRUPTION@SEVERITY``; severity 0 of every corruption is the same, ``CLEAN``."""
    return f"{corruption}@{severity}" if severity else CLEAN


def pictured(pairs: int, wanted: int) -> frozenset[int]:
    """Which of some pairs are kept as pictures: so many of them, evenly spread over the listing."""
    return frozenset(int(at) for at in np.linspace(0, pairs - 1, min(wanted, pairs))) if wanted else frozenset()


@dataclass(frozen=True)
class Climb:
    """One method's way up the ladders.

    Attributes:
        job: what the task is asked for.
        settings: of the task.
        find: finds the boxes of an image; None where none are looked for.
    """

    job: Job
    settings: Settings
    find: Callable[[Image], Detections] | None = None

    @cached_property
    def part(self) -> FusedSet:
        """The pairs."""
        (part,) = self.job.parts.values()
        return part

    @cached_property
    def journal(self) -> Journal:
        """What is done; what was done under another key is removed, since nothing would read it again."""
        journal = Journal(self.job.work_dir / FILE)
        if any(line["key"] != self.job.key for line in journal.lines("key")):
            journal.path.unlink()
        return journal

    @cached_property
    def engine(self) -> str:
        """Of the metrics."""
        rungs = 1 + sum(map(len, self.settings.ladders.values()))
        return choose_engine(self.job.engine, len(self.part) * rungs * (1 + len(self.settings.conventions)))

    def run(self) -> None:
        """Does what is not done yet.

        Raises:
            BenchError: there is no method to fuse with, but a folder of images.
        """
        if self.job.load is None:
            raise BenchError(f"{self.job.method}: ready images cannot be fused anew; name the method itself")
        done = {(line["pair"], line["rung"]) for line in self.journal.lines("pair", "rung")}
        steps = [(name, severity) for name, severities in self.settings.ladders.items() for severity in severities]
        kept = pictured(len(self.part), self.settings.pictures)
        with retained_memory():
            for at, files in enumerate(self.part.files):
                left = [step for step in [("", 0), *steps] if (files.id, rung_of(*step)) not in done]
                if left:
                    self._climb(_OnePair(self, at, self.job.load()), left, at in kept)
                if self.job.progress is not None:
                    self.job.progress("pairs along the ladders", at + 1, len(self.part))

    def _climb(self, one: _OnePair, left: list[tuple[str, int]], keep: bool) -> None:
        for step in left:
            try:
                image, found = one.step(*step)
            except Exception as error:
                if is_fatal(error):
                    raise
                image, found = None, {"error": describe(error)}
            if keep and image is not None:
                path = self.job.work_dir / PICTURES / rung_of(*step) / f"{one.pair.id}.png"
                write_atomic(path, encode_png(image))
            self.journal.append({"key": self.job.key, "pair": one.pair.id, "rung": rung_of(*step), **found})


@dataclass(frozen=True)
class _OnePair:
    """One pair on its way; what serves several rungs is computed once."""

    climb: Climb
    at: int
    fuser: Any

    @cached_property
    def pair(self) -> Pair:
        return read_pair(self.climb.part.files[self.at])

    @cached_property
    def clean(self) -> Image:
        return self.fuse(self.pair.ir, self.pair.vis)

    @cached_property
    def scorer(self) -> PairScorer:
        """Against the clean pair."""
        return PairScorer(self.pair.ir, self.pair.vis, self.climb.settings.chosen, engine=self.climb.engine)

    @cached_property
    def own_scorers(self) -> dict[int, PairScorer]:
        """Against the method's own clean image, by the width of the frame that is cut off."""
        return {}

    def fuse(self, ir: Image, vis: Image) -> Image:
        image: Image = self.fuser.fuse_pair(ir, vis)
        return image

    def step(self, name: str, severity: int) -> tuple[Image, dict[str, Any]]:
        """The image of a rung, and what its line says."""
        if not severity:
            return self.clean, self._scores(self.clean)
        corruption = CORRUPTIONS[name]
        size = self.pair.vis.shape[:2]
        earlier = earlier_infrared(list(self.climb.part.files), self.at, (size[0], size[1]))
        image = self.fuse(*corrupt(self.pair, corruption, severity, earlier))
        return image, {**self._scores(image), "own": self._own(image, corruption)}

    def _scores(self, image: Image) -> dict[str, Any]:
        scores: dict[str, dict[str, float | str]] = {}
        for value in self.scorer.score(image):
            scores.setdefault(value.convention, {})[value.metric] = value.reason if value.value is None else value.value
        found = {} if self._labelled is None else {"found": as_lists(self._labelled(image))}
        return {"scores": scores, "size": list(image.shape[:2]), **found}

    @property
    def _labelled(self) -> Callable[[Image], Detections] | None:
        """Finds boxes, where the pair has boxes to be found."""
        return self.climb.find if self.pair.files.boxes_path is not None else None

    def _own(self, image: Image, corruption: Corruption) -> Mapping[str, float | str]:
        """PSNR and SSIM to the clean image, on the pixels that are real at every severity of the corruption."""
        frame = corruption.frame(*image.shape[:2])
        if min(image.shape[:2]) <= 2 * frame:
            return dict.fromkeys(OWN.values(), f"no pixel is left inside a frame of {frame} pixels")
        inner = np.s_[frame : image.shape[0] - frame, frame : image.shape[1] - frame]
        if frame not in self.own_scorers:
            clean = self.clean[inner]
            self.own_scorers[frame] = PairScorer(clean, clean, {"standard": tuple(OWN)}, engine=self.climb.engine)
        found = self.own_scorers[frame].score(np.ascontiguousarray(image[inner]))
        return {OWN[one.metric]: _at_most(one) for one in found}


def _at_most(found: MetricValue) -> float | str:
    """A value, or why there is none; equal images have the best one whatever their size."""
    if found.value is None:
        return found.reason
    return CAP_DB if found.reason == CAPPED else min(CAP_DB, found.value)
