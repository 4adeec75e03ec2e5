"""The mean of two segmenters' logits, each on the images of its own source: the control that needs no fused image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.plugin.task import FusedSet, Job
from bench.types import Fused, Score
from tasks.segmentation.budget import Budget
from tasks.segmentation.runner import SegmentationJob, Trained, labelled
from tasks.segmentation.scoring import score_rows


class MeanLogits(nn.Module):
    """Several segmenters side by side: (B, 3 K, H, W) in [0, 1] -> the mean of their K main outputs."""

    def __init__(self, nets: Sequence[nn.Module]) -> None:
        """Holds the networks, in eval mode."""
        super().__init__()
        self.nets = nn.ModuleList(nets)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """The mean."""
        parts = images.chunk(len(self.nets), dim=1)
        total = sum(net(part)[0].float() for net, part in zip(self.nets, parts, strict=True))
        return (total / len(self.nets),)


@dataclass(frozen=True, slots=True)
class SideBySide(FusedSet):
    """The images of several sources, channel behind channel: uint8 (H, W, 3 K).

    Attributes:
        sources: their sets, of the same pairs.
    """

    sources: tuple[FusedSet, ...] = ()

    def __getitem__(self, index: int) -> Fused:  # type: ignore[override]
        images = [source[index].image for source in self.sources]
        return Fused(self.method, self.files[index], np.concatenate(images, axis=2))


def merged_rows(job: Job, budgets: Sequence[Budget], sources: Sequence[Job]) -> Iterator[Score]:
    """The rows of the merged logits of every segmenter, in every way of scoring that is no other method's.

    Args:
        job: of the control.
        budgets: of the segmenters.
        sources: the finished jobs of the single sources.
    """
    matrices: dict[str, NDArray[np.int64]] = {}
    for place, budget in enumerate(budgets):
        runner, *finished = (SegmentationJob(one, budget, beside=place > 0) for one in (job, *sources))
        yield from _of_segmenter(runner, finished, matrices)
    SegmentationJob(job, budgets[0]).keep_matrices(labelled(job.parts["test"]), matrices)


def _of_segmenter(
    runner: SegmentationJob, sources: Sequence[SegmentationJob], matrices: dict[str, NDArray[np.int64]]
) -> Iterator[Score]:
    job = runner.job
    trained = [source.retrain(labelled(source.job.parts["train"])) for source in sources]
    tests = tuple(labelled(source.job.parts["test"]) for source in sources)
    both = SideBySide(job.method, tests[0].files, tests[0].paths, tests)
    merged = Trained(MeanLogits([one.net for one in trained]).eval(), trained[0].image_scale)
    template = Score("segmentation", job.dataset, both.files[0].split, job.method, "", None)
    for convention, found in runner.evaluate(merged, both, runner.prefix).items():
        matrices[convention] = found
        yield from score_rows(template, convention, both.files, found, runner.classes)
