"""The mean of two segmenters' logits, each on the images of its own source: the control that needs no fused image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from bench.plugin.task import FusedSet, Job
from bench.types import Fused, Score
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


def merged_rows(job: Job, sources: Sequence[SegmentationJob]) -> Iterator[Score]:
    """The rows of the merged logits, in every way of scoring that is no other method's.

    Args:
        job: of the control.
        sources: the finished jobs of the single sources.
    """
    trained = [source.retrain(labelled(source.job.parts["train"])) for source in sources]
    tests = tuple(labelled(source.job.parts["test"]) for source in sources)
    both = SideBySide(job.method, tests[0].files, tests[0].paths, tests)
    runner = SegmentationJob(job, sources[0].budget)
    merged = Trained(MeanLogits([one.net for one in trained]).eval(), trained[0].image_scale)
    template = Score("segmentation", job.dataset, both.files[0].split, job.method, "", None)
    matrices = runner.evaluate(merged, both, "")
    for convention, found in matrices.items():
        yield from score_rows(template, convention, both.files, found, runner.classes)
    runner.keep_matrices(both, matrices)
