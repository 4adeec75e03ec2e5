"""The files that a segmenter starts from, or that hold one trained elsewhere; found without PyTorch."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from bench.errors import BenchError
from bench.plugin.kinds import SEGMENTERS
from bench.plugin.task import Job, Setting
from bench.weights.backbones import RESNET18, require_backbone, starting_file
from tasks.segmentation.budget import Budget

WEIGHTS = "segmenter.safetensors"
"""The name of every trained segmenter's file."""


def starting_weights(budget: Budget, job: Job | Setting, fetch: bool = True) -> Path | None:
    """The backbone's file as found; None only where the segmenter takes none, or random weights will do.

    Raises:
        BenchError: there is none, and random ones were not asked for.
    """
    segmenter = SEGMENTERS.get(budget.segmenter)
    if segmenter.backbone_files:
        return _put_there(budget, segmenter.backbone_files, job)
    allowed = budget.random_backbone or not segmenter.takes_backbone
    return require_backbone(
        RESNET18, starting_file(RESNET18, job, fetch), allowed, "segmentation.random_backbone=true",
        f"segmentation, preset {job.preset}",
    )  # fmt: skip


def _put_there(budget: Budget, pattern: str, job: Job | Setting) -> Path | None:
    """A backbone that a user put below the weights root, or that the run keeps; never fetched."""
    given = job.weights_root or os.environ.get("BENCH_WEIGHTS")
    folders = [job.pretrained] if job.pretrained else [Path(given).expanduser()] if given else []
    name = pattern.rpartition("/")[2] if job.pretrained else pattern
    found = sorted(path for folder in folders for path in folder.glob(name))
    if not found and not budget.random_backbone:
        raise BenchError(
            f"segmentation, preset {job.preset}: {budget.segmenter} has no {pattern} below the weights root; random "
            "weights give another result; it is not free, so put it there by hand (mmsegmentation's model zoo), or ask "
            "for random ones with --option segmentation.random_backbone=true"
        )
    return found[0] if found else None


def joint_path(job: Job) -> Path | None:
    """The file of the segmenter trained together with the method, if there is one."""
    path = job.weights.with_name(WEIGHTS) if job.weights is not None else None
    return path if path is not None and path.is_file() else None


def joint_digest(job: Job) -> str:
    """What tells one such file from another: its record's settings, else its size."""
    path = joint_path(job)
    if path is None:
        return "none"
    with suppress(OSError):
        return hashlib.sha256(path.with_name("training.json").read_bytes()).hexdigest()
    return str(path.stat().st_size)
