"""``bench ablate``: trains a method's ablations over seeds and compares what a retrained segmenter makes of each.

One variant and seed is one unit of work, given to the executors of a run: several at a time, on one machine or a
cluster, one thread each, so that no bit depends on how many. Each lies in folders of its own below ``out`` and is
taken up where it was left: ``trained/VARIANT-SEED``, ``fused/VARIANT-SEED``, ``segmentation/VARIANT-SEED``;
``ablation.csv`` holds every number, ``manifest.json`` what they mean.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from bench.analysis.numbers import Numbers, headline
from bench.analysis.seeds import seed_table
from bench.analysis.table import Cell, Table
from bench.data.catalogue import Dataset, open_dataset
from bench.data.pairs import pair_digest, read_pair, truth_digest
from bench.data.spec import RECORDED, DatasetSpec
from bench.errors import BenchError
from bench.files import VERSION, digest, file_digest, sweep, write_atomic
from bench.images import encode_png, read_image
from bench.machine import count_cores
from bench.plugin.kinds import METHODS, TASKS
from bench.plugin.method import Preset, TrainRequest
from bench.plugin.task import FusedSet, Job, Setting
from bench.run.choose_executor import create_executor
from bench.run.collect import latest
from bench.run.folder import make_folder, sole_writer
from bench.run.keys import fuse_code, task_code, train_code
from bench.run.pretrained import Pretrained, keep_pretrained, training_starts
from bench.run.record import declared
from bench.run.stages import Listener
from bench.run.units import WholeUnit
from bench.store.manifest import DatasetFacts, Manifest
from bench.store.run_folder import Store, place
from bench.train.precision import TrainPrecision, pick_precision
from bench.types import Image, PairFiles, Score

if TYPE_CHECKING:
    from bench.fuse.harness import Fuser
    from bench.fuse.stream import Timings

METRICS = headline("standard")
"""Fusion metrics of the test part, convention ``standard``: what an ablation does to the looks."""

DESCRIBED = {"title", "licence", "homepage", "citation", *RECORDED}
"""What of a data set's description the report of an ablation needs."""

CONVENTIONS = ("single_scale", "multi_scale", "joint/single_scale", "joint/multi_scale")

JOURNAL = "ablation"


@dataclass(frozen=True, slots=True)
class Ablation:
    """What is compared and how.

    Attributes:
        dataset: with a training and a test part, both with labels.
        preset: schedule sizes of training and segmentation.
        seeds: one training and one segmenter for each.
        out: folder of everything.
        variants: ablations of ``method``, or names of other methods (``visible``, ``infrared``, ``average`` ...).
        method: a trainable method that names its ``ablations``.
        device: torch device.
        options: of the training.
        task_options: of the segmentation task.
        executor: who does the units, as for a run.
        jobs: how many units at a time; 0 is one per core, or one per GPU.
        listener: called with (stage, done, total).
        train_precision: of all trainings.
    """

    dataset: Dataset
    preset: Preset
    seeds: tuple[int, ...]
    out: Path
    variants: tuple[str, ...]
    method: str = "seafusion"
    device: str = "cpu"
    options: tuple[tuple[str, str], ...] = ()
    task_options: dict[str, str] = field(default_factory=dict)
    executor: Literal["local", "inline", "ray"] = "local"
    jobs: int = 0
    listener: Listener | None = None
    train_precision: TrainPrecision = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class AblationResult:
    """What came of it.

    Attributes:
        rows: the table, all text; a variant of which no seed came out is not in it.
        failed: one line per variant and seed that did not come out.
    """

    rows: list[dict[str, str]]
    failed: list[str]


def ablation_command(
    dataset: str, preset: str, variants: Sequence[str], seeds: int, out: Path, data_root: Path | None, device: str,
    executor: str = "local", jobs: int = 0, listener: Listener | None = None, datasets_file: Path | None = None,
    train_precision: str = "auto",
) -> AblationResult:  # fmt: skip
    """What ``bench ablate`` does.

    Raises:
        BenchError: an unknown preset, executor or variant, no seeds, or a data set without labelled parts.
    """
    from bench.machine import pick_device

    if preset not in ("smoke", "quick", "paper"):
        raise BenchError(f"--preset is {preset!r}, wanted smoke, quick or paper")
    if executor not in ("local", "inline", "ray"):
        raise BenchError(f"--executor is {executor!r}, wanted local, ray or inline")
    pick_precision(train_precision, "cpu")
    if seeds < 1:
        raise BenchError(f"--seeds is {seeds}, wanted at least 1")
    return run_ablation(Ablation(
        open_dataset(dataset, data_root, datasets_file), preset, tuple(range(seeds)), out.resolve(),  # type: ignore[arg-type]
        tuple(variants) or known_variants("seafusion"), device=pick_device(device), executor=executor,  # type: ignore[arg-type]
        jobs=jobs, listener=listener, train_precision=train_precision,  # type: ignore[arg-type]
    ))  # fmt: skip


def known_variants(method: str) -> tuple[str, ...]:
    """The names of a method's ablations.

    Raises:
        BenchError: it has none.
    """
    variants = METHODS.get(method).ablations
    if not variants:
        raise BenchError(f"{method} has no ablations; wanted a method with some, e.g. seafusion")
    return tuple(variants)


def run_ablation(ablation: Ablation) -> AblationResult:
    """Trains, fuses and evaluates what is not done yet, and fills the table: mean and standard deviation over seeds.

    Raises:
        BenchError: a variant is not known, the data set lacks a part, or another run holds the folder.
    """
    units = make_units(ablation)
    store = Store(ablation.out)
    make_folder(store.root)
    with sole_writer(store):
        sweep(store.root)
        pretrained = _choose_pretrained(ablation, store)
        start = str(sorted(pretrained.digests.items()))
        units = [replace(unit, pretrained=pretrained.folder, key=digest(unit.key, start)) for unit in units]
        todo = [unit for unit in units if _line(store, unit).get("status") != "ok"]
        _carry_out(ablation, todo)
        lines = [(unit, _line(store, unit)) for unit in units]
        scores = [
            {"variant": unit.variant, "seed": unit.seed, **score}
            for unit, line in lines
            for score in (line["scores"] if line.get("status") == "ok" else ())
        ]
        failed = [
            f"{unit.method}: {line.get('reason', 'interrupted')}" for unit, line in lines if line.get("status") != "ok"
        ]
        if not scores:
            return AblationResult([], failed)
        frame = pd.DataFrame(scores)
        write_atomic(ablation.out / "ablation.csv", frame.to_csv(index=False).encode())
        rows = table(frame)
        facts = DatasetFacts.model_validate(ablation.dataset.spec.model_dump(mode="json", include=DESCRIBED))
        store.write_manifest(
            Manifest(
                version=VERSION, tasks={"segmentation": declared("segmentation")},
                datasets={ablation.dataset.name: facts}, pretrained=dict(pretrained.digests),
            )
        )  # fmt: skip
    return AblationResult(rows, failed)


def _choose_pretrained(ablation: Ablation, store: Store) -> Pretrained:
    """One file for all units, whatever machine they run on."""
    request = TrainRequest(ablation.dataset.name, (), ablation.preset, store.root, options=ablation.options)
    setting = Setting(ablation.preset, ablation.task_options, ablation.device)
    starts = [training_starts(ablation.method, request), TASKS.get("segmentation")().starts_from(setting)]
    return keep_pretrained(store.pretrained_dir, starts, ablation.executor == "ray")


def make_units(ablation: Ablation) -> list[AblationUnit]:
    """One per variant and seed, seed after seed, so that one that is broken off has whole seeds.

    Raises:
        BenchError: a variant is not known, or a part of the data set is not on disk.
    """
    variants = known_variants(ablation.method)
    for name in ablation.variants:
        if name not in variants and name not in METHODS.names():
            raise BenchError(f"variant {name!r} is not known, wanted one of {', '.join(variants)}, or a method's name")
    parts = []
    for split in ("train", "test"):
        files = ablation.dataset.listing(split).pairs
        if not files:
            raise BenchError(f"{ablation.dataset.name}: no {split} pair is on disk; see bench data check")
        parts.append((split, files))
    data = digest(*(f"{item.key} {pair_digest(item)} {truth_digest(item)}" for _, files in parts for item in files))
    return [_unit(ablation, name, seed, tuple(parts), data) for seed in ablation.seeds for name in ablation.variants]


def _unit(
    ablation: Ablation, name: str, seed: int, parts: tuple[tuple[str, tuple[PairFiles, ...]], ...], data: str
) -> AblationUnit:
    owner = ablation.method if name in known_variants(ablation.method) else name
    cls: Any = METHODS.get(owner)
    module = cls.__module__
    code = train_code(module, getattr(cls, "built_on", ())), fuse_code(module), task_code("tasks.segmentation.task")
    options = tuple(sorted(ablation.task_options.items()))
    kind = ablation.device.partition(":")[0]
    key = digest(
        VERSION,
        *code,
        name,
        str(seed),
        ablation.preset,
        kind,
        ablation.train_precision,
        str(ablation.options),
        str(options),
        data,
    )
    return AblationUnit(
        out=ablation.out, dataset=ablation.dataset.name, method=f"{name}-{seed}", time_limit_s=None,
        gpus=1.0 if kind == "cuda" else 0.0, key=key, variant=name, owner=owner, seed=seed, preset=ablation.preset,
        device=ablation.device, spec=ablation.dataset.spec, parts=parts, train_options=ablation.options,
        task_options=options, train_precision=ablation.train_precision,
    )  # fmt: skip


def _line(store: Store, unit: AblationUnit) -> dict[str, Any]:
    """The journal's last word on a unit; empty if there is none."""
    return latest(store, JOURNAL, unit.dataset).get((unit.method, unit.key), {})


def _carry_out(ablation: Ablation, units: Sequence[AblationUnit]) -> None:
    listener = ablation.listener or (lambda *_: None)
    if not units:
        return
    done = 0
    listener("ablation", 0, len(units))

    def note(unit: Any, failed: bool) -> None:  # noqa: ARG001 - a callback
        nonlocal done
        done += 1
        listener("ablation", done, len(units))

    workers = ablation.jobs or (1 if ablation.device.startswith("cuda") else count_cores())
    create_executor(ablation.executor).run(units, min(workers, len(units)), 1, note)


@dataclass(frozen=True)
class AblationUnit(WholeUnit):
    """Trains, fuses and evaluates one variant with one seed; journal ``ablation``.

    Attributes:
        variant: the ablation's name, or a method's.
        owner: the method that does it.
        parts: training and test pairs.
        train_options: of the training.
        task_options: of the segmentation task.
        train_precision: of both.
        pretrained: the folder of the run that holds the one copy of each pretrained file.
    """

    variant: str
    owner: str
    seed: int
    preset: Preset
    device: str
    spec: DatasetSpec
    parts: tuple[tuple[str, tuple[PairFiles, ...]], ...]
    train_options: tuple[tuple[str, str], ...]
    task_options: tuple[tuple[str, str], ...]
    train_precision: TrainPrecision = "auto"
    pretrained: Path | None = None

    @property
    def kind(self) -> str:
        """``ablation``."""
        return JOURNAL

    def work(self) -> dict[str, Any]:
        """Does what is not done yet."""
        return {"scores": [asdict(score) for score in self._scores()]}

    def _scores(self) -> Iterator[Score]:
        weights, fuser = self._fuser()
        fused = {split: self._fuse(fuser, weights, split, files) for split, files in self.parts}
        yield from self._looks(fused["test"])
        work_dir = self.out / "segmentation" / self.method
        work_dir.mkdir(parents=True, exist_ok=True)
        job = Job(
            dataset=self.dataset, spec=self.spec, method=self.variant, parts=fused, work_dir=work_dir,
            preset=self.preset, seed=self.seed, device=self.device, weights=weights, progress=self.progress(),
            options=dict(self.task_options), train_precision=self.train_precision, pretrained=self.pretrained,
        )  # fmt: skip
        yield from TASKS.get("segmentation")().run(job)

    def _fuser(self) -> tuple[Path | None, Fuser]:
        from bench.fuse.harness import Fuser, create_fuser

        if self.owner == self.variant:
            return None, create_fuser(self.owner, device=self.device, seed=self.seed)
        cls: Any = METHODS.get(self.owner)
        weights = cls.train(TrainRequest(
            dataset=self.dataset, pairs=dict(self.parts)["train"], preset=self.preset,
            out=self.out / "trained" / self.method, ablation=self.variant, device=self.device, seed=self.seed,
            progress=self.progress(), options=self.train_options, classes=self.spec.classes,
            precision=self.train_precision, pretrained=self.pretrained,
        ))  # fmt: skip
        return weights, Fuser(cls(weights, self.device), seed=self.seed)

    def _fuse(self, fuser: Fuser, weights: Path | None, split: str, files: Sequence[PairFiles]) -> FusedSet:
        """Fused images of one part; those that these weights made before are kept."""
        from bench.fuse.stream import fuse_stream

        made_by = file_digest(weights) if weights else "none"
        folder = self.out / "fused" / place(self.method, split) / made_by[:12]
        paths = {item.id: folder / f"{item.id}.png" for item in files}

        def keep(item: PairFiles, result: Image | Exception, timings: Timings) -> None:  # noqa: ARG001 - a callback
            if isinstance(result, Exception):
                raise result
            write_atomic(paths[item.id], encode_png(result))

        fuse_stream(fuser, [item for item in files if not paths[item.id].is_file()], keep)
        return FusedSet(self.method, tuple(files), tuple(paths.values()))

    def _looks(self, part: FusedSet) -> Iterator[Score]:
        """Means of the fusion metrics over the test part."""
        from bench.metrics import evaluate

        totals: dict[str, list[float]] = {metric: [] for metric in METRICS}
        for item, path in zip(part.files, part.paths, strict=True):
            pair = read_pair(item)
            for metric, value in evaluate(pair.ir, pair.vis, read_image(path, True), metrics=METRICS).items():
                totals[metric].append(value)
        for metric, values in totals.items():
            mean = statistics.fmean(values)
            yield Score("metrics", self.dataset, "test", self.variant, metric, mean, convention="standard")


def table(scores: pd.DataFrame) -> list[dict[str, str]]:
    """One row per variant: set-level segmentation in percent and fusion metrics, mean ± standard deviation over seeds.

    Args:
        scores: as in ``ablation.csv``: ``variant, seed`` and the columns of the score table.
    """
    scores = scores.assign(method=scores["variant"])
    numbers = Numbers({"segmentation": declared("segmentation")})
    segmentation = {
        name: _by_place(seed_table(scores, "segmentation", name, factor=100.0, numbers=numbers)) for name in CONVENTIONS
    }
    looks = _by_place(seed_table(scores, "metrics", "standard"))
    rows = []
    for name in dict.fromkeys(scores["variant"]):
        own = scores[scores["variant"] == name]
        row = {"variant": name, "seeds": str(own["seed"].nunique())}
        for convention, cells in segmentation.items():
            if (own["convention"] == convention).any():
                row |= {f"{metric} {convention}": _text(cells.get((name, metric, ""))) for metric in ("mIoU", "mAcc")}
            if convention == CONVENTIONS[0]:
                labels = own.loc[(own["metric"] == "IoU") & (own["convention"] == convention), "label"]
                row |= {label: _text(cells.get((name, "IoU", label))) for label in dict.fromkeys(labels)}
        row |= {metric: _text(looks.get((name, metric, "")), 3) for metric in METRICS}
        rows.append(row)
    return rows


def _by_place(made: Table) -> dict[tuple[str, str, str], Cell]:
    """(variant, metric, label) -> cell."""
    return {
        (row.method, column.metric, column.label): cell
        for row in made.rows
        for column, cell in zip(made.columns, row.cells, strict=True)
    }


def _text(cell: Cell | None, digits: int = 2) -> str:
    if cell is None or cell.mean is None:
        return ""
    mean = f"{cell.mean:.{digits}f}"
    return mean if cell.spread is None else f"{mean} ± {cell.spread:.{digits}f}"
