"""The segmentation task: what it needs, and what its numbers depend on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.plugin.kinds import SEGMENTERS
from bench.plugin.task import Job, Number, Resampler, Setting, Task
from bench.types import PairFiles, Score
from bench.weights.backbones import RESNET18, backbone_digest, starting_files
from tasks.segmentation.budget import OPTIONS, Budget, make_budget
from tasks.segmentation.resampling import read_resampler
from tasks.segmentation.starts import joint_digest, starting_weights

VERSION = 1
"""Raised whenever the same images would get other scores."""


class SegmentationTask(Task):
    """Retrains a segmenter on every method's fused training images and scores it on the fused test images.

    Rows: ``IoU`` with the class's name as label, ``mIoU`` and ``mAcc`` without a label, all from one confusion matrix
    over the set, background included. Conventions:

    * ``single_scale``: whole images, arg-max;
    * ``multi_scale``: the authors' published evaluation (six scales, mirrored, sliding windows);
    * ``.../day`` and ``.../night``: the same for the pairs with that tag;
    * ``joint/...``: not the retrained segmenter but the one trained together with the method (SeAFusion), which is
      what the paper evaluates. It has seen another schedule than the others, so compare it with care;
    * ``segformer_b0/single_scale``: by another segmenter than the first that was asked for.

    A class that no pixel of a part has gets no IoU there (``skipped``) and is left out of the means, which say so.
    """

    name = "segmentation"
    title = "Segmentation"
    about = "A segmenter is trained anew on every method's fused images and scored on its fused test images."
    numbers = (
        Number("IoU", by_label=True, effect=0.01),
        Number("mAcc"),
        Number("mIoU", headline=True, effect=0.01),
    )
    ways = {  # noqa: RUF012 - a declaration, never changed
        "single_scale": "whole images, once, most likely class",
        "multi_scale": "six scales, mirrored, sliding windows, as the authors' published evaluation does",
        "joint": "the segmenter that was trained together with the method, not the one trained anew; another schedule",
    }
    controls = {  # noqa: RUF012 - a declaration, never changed
        "merged_logits": "The logits of the segmenter trained on visible images and of the one trained on infrared "
        "images, averaged: no image is fused."
    }
    truth = "labels"
    options = OPTIONS
    splits = ("train", "test")
    runs = "preset"

    def check(self) -> None:
        """The default segmenter needs no optional package."""

    def lacks(self, spec: DatasetSpec) -> str:
        """Names of the classes."""
        return "" if spec.classes else "has no segmentation classes in its description; add classes and palette"

    def run(self, job: Job) -> Iterable[Score]:
        """Trains (or goes on training), predicts and scores.

        Raises:
            BenchError: the data set names no classes, a label file does not fit, or an option is wrong.
        """
        if not job.spec.classes:
            raise BenchError(f"{job.dataset}: has no segmentation classes in datasets.yaml; add classes and palette")
        from tasks.segmentation.runner import all_rows

        return all_rows(job, _budgets(job))

    def run_control(self, job: Job, sources: Mapping[str, Job]) -> Iterable[Score]:
        """Evaluates both sources' segmenters side by side, each on its own images."""
        from tasks.segmentation.merging import merged_rows

        return merged_rows(job, _budgets(job), list(sources.values()))

    def resampler(self, work_dir: Path, files: Sequence[PairFiles], spec: DatasetSpec) -> Resampler | None:  # noqa: ARG002 - a Task
        """From the confusion matrices kept."""
        return read_resampler(work_dir / "confusion.npz")

    def estimate_cost(self, job: Job) -> str:
        """Measures a few training steps of one job and says in words what the whole retraining would take here."""
        from tasks.segmentation.runner import SegmentationJob

        return "\n".join(SegmentationJob(job, budget).estimate_cost() for budget in _budgets(job))

    def facts(self, setting: Setting) -> dict[str, object]:
        """Segmenters, schedules, precision, normalisation, and where the backbones' weights come from.

        What differs between several segmenters is told of the first, and of all by name in ``segmenters``.
        """
        asked, *_ = budgets = _budgets(setting)
        each = {budget.segmenter: _facts_of(budget, setting) for budget in budgets}
        return {
            "preset": setting.preset, "segmenter": ",".join(each),
            "train_precision": _precision(asked, setting.device), "multi_scale": asked.multi_scale,
            **each[asked.segmenter], **({"segmenters": each} if len(each) > 1 else {}),
        }  # fmt: skip

    def judges(self, options: Mapping[str, str]) -> tuple[str, ...]:
        """The segmenters that were asked for; empty for the preset's own."""
        return tuple(options.get("segmenter", "").split(",")) if options.get("segmenter") else ()

    def starts_from(self, setting: Setting) -> Mapping[str, Path | None]:
        """The backbones' ImageNet weights; refuses at once what ``fingerprint`` would."""
        found: dict[str, Path | None] = {}
        for budget in _budgets(setting):
            segmenter, path = SEGMENTERS.get(budget.segmenter), starting_weights(budget, setting)
            if segmenter.backbone_files:
                found[path.name if path else segmenter.backbone_files.rpartition("/")[2]] = path
            elif segmenter.takes_backbone:
                found |= starting_files(RESNET18, setting)
        return found

    def built_on(self, job: Job) -> Sequence[str]:
        """The segmenters' modules."""
        budget = make_budget(job.preset, job.options, job.train_precision)
        return tuple(SEGMENTERS.entry(name).module for name in budget.segmenters)

    def fingerprint(self, job: Job) -> str:
        """Version, budget, precision, initial weights and the jointly trained segmenter.

        Preset ``paper`` refuses random weights of the backbone unless ``segmentation.random_backbone=true`` asks for
        them.
        """
        budgets = _budgets(job)
        facts = {
            "version": VERSION, "budget": [asdict(budget) for budget in budgets],
            "precision": _precision(budgets[0], job.device), "exact": job.precision,
            "backbone": [backbone_digest(starting_weights(budget, job)) for budget in budgets],
            "joint": joint_digest(job),
        }  # fmt: skip
        return json.dumps(facts, sort_keys=True)


def _budgets(asked: Job | Setting) -> tuple[Budget, ...]:
    return make_budget(asked.preset, asked.options, asked.train_precision).each()


def _precision(budget: Budget, device: str) -> str:
    """That trainings compute in; the answer is PyTorch's, which is imported here."""
    from bench.train.precision import pick_precision

    return pick_precision(budget.precision, device)


def _facts_of(budget: Budget, setting: Setting) -> dict[str, object]:
    """What is told of one segmenter."""
    segmenter = SEGMENTERS.get(budget.segmenter)
    auxiliary = budget.loss_weights(segmenter().loss_weights())[1:]
    try:
        backbone = starting_weights(budget, setting, fetch=False)
    except BenchError:  # said where it matters
        backbone = None
    return {
        "schedule": asdict(budget.schedule), "normalisation": segmenter.normalisation,
        "auxiliary": auxiliary[0] if len(auxiliary) == 1 else list(auxiliary),
        "backbone": f"ImageNet ({backbone.name})" if backbone else "random: no ImageNet weights at hand",
        "backbone_sha256": backbone_digest(backbone),
    }  # fmt: skip
