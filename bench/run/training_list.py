"""The trainings of a plan, done or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from bench.data.catalogue import open_dataset
from bench.data.pairs import pair_digest, truth_digest
from bench.files import VERSION, digest
from bench.plugin.kinds import METHODS
from bench.run.keys import train_code
from bench.run.outstanding import Outstanding
from bench.run.plan import DatasetPlan, MethodPlan
from bench.run.pretrained import training_starts
from bench.run.units import TrainUnit
from bench.types import PairFiles
from bench.weights.backbones import backbone_digest


@dataclass(frozen=True)
class TrainingList(Outstanding):
    """The trainings that a plan needs."""

    def units(self) -> list[TrainUnit]:
        """The trainings of this plan, done or not: each on the first chosen data set that has a training part."""
        units = (self._training(method) for method in self.plan.methods if method.train)
        return [unit for unit in units if unit is not None]

    def is_done(self, unit: TrainUnit) -> bool:
        """True if its weights are there."""
        line = self.done(unit.kind, unit.dataset, unit.method, unit.key)
        return line is not None and (self.store.root / str(line.get("weights"))).is_file()

    def _training(self, method: MethodPlan) -> TrainUnit | None:
        config = self.plan.config
        for dataset in self._training_sets(method):
            files = self._training_part(dataset)
            if files:
                cls: Any = METHODS.get(method.facts.name)
                data = [digest(*_digests(dataset, item)) for item in files]
                seed, options = self.plan.seed_of(method), self._options(method)
                unit = TrainUnit(
                    out=self.store.root, dataset=dataset.name, method=method.label, time_limit_s=None,
                    gpus=self.gpus, key="", name=cls.name, files=files, preset=cast(Any, config.preset),
                    seed=seed, device=self.plan.device, trained_on=dataset.opened.training_selection,
                    classes=dataset.spec.classes, weights_root=config.weights_root, precision=config.train_precision,
                    pretrained=self.pretrained, ablation=method.trial.ablation if method.trial else "",
                    options=options,
                )  # fmt: skip
                built_on = cls.built_on(unit.request()) if hasattr(cls, "built_on") else ()
                code = train_code(cls.__module__, built_on)
                words = unit.classes if any(item.label_path for item in files) else ()
                starts = training_starts(unit.name, unit.request()).values() if unit.pretrained else ()
                return replace(unit, key=digest(
                    VERSION, code, method.label, str(config.preset), str(seed), config.train_precision,
                    str(options), str(words), *data, *map(backbone_digest, starts),
                ))  # fmt: skip
        return None

    def _options(self, method: MethodPlan) -> tuple[tuple[str, str], ...]:
        """Settings of a trial's training; other trainings of a run have none."""
        return tuple(sorted(self.plan.config.options_of(method.facts.name).items())) if method.trial else ()

    def _training_sets(self, method: MethodPlan) -> Iterator[DatasetPlan]:
        """The chosen data sets, or the one that the method is to learn from."""
        if not method.train_on:
            yield from self.plan.datasets
            return
        chosen = [dataset for dataset in self.plan.datasets if dataset.name == method.train_on]
        if chosen:
            yield chosen[0]
            return
        config = self.plan.config
        opened = open_dataset(method.train_on, config.data_root, config.datasets_file, config.ir_range)
        yield DatasetPlan(opened, method.train_on, opened.split, {}, 0, (), {}, {})

    def _training_part(self, dataset: DatasetPlan) -> tuple[PairFiles, ...]:
        if "train" in dataset.parts:
            return dataset.parts["train"]
        opened = dataset.opened
        limit = self.plan.config.limit
        return opened.listing(split="train", limit=limit).pairs if opened.has_split("train") else ()


def _digests(dataset: DatasetPlan, files: PairFiles) -> tuple[str, str]:
    known = files.key in dataset.digests
    return (
        dataset.digests[files.key] if known else pair_digest(files),
        dataset.label_digests[files.key] if known else truth_digest(files),
    )
