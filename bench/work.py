"""The units of work a run consists of.

A unit is small, picklable and self-contained: it finds all it needs on disk and leaves its results in the store's
journals, so it may run in any process on any machine that shares the folder, may be killed at any moment and run again.
"""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from bench.store import Store, digest
from bench.types import FATAL_ERRNO, BenchError, PairFiles, Way

if TYPE_CHECKING:
    from bench.config import DatasetSpec
    from bench.harness import Fuser
    from bench.method import Preset, TrainRequest


def describe(error: BaseException) -> str:
    """An exception as one line for tables: our own text as it is, anything else with its type and place."""
    if isinstance(error, BenchError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"


def is_fatal(error: BaseException) -> bool:
    """True for faults that will hit every further unit too: a full, over-quota, limited or read-only disk."""
    return isinstance(error, OSError) and error.errno in FATAL_ERRNO


@dataclass(frozen=True)
class Unit(ABC):
    """One piece of a run.

    Attributes:
        out: the run folder.
        dataset: data set name.
        method: the method's label; empty for units that serve all methods.
        time_limit_s: the executor ends the unit's process after this long; None for no limit.
        gpus: how many GPUs it asks for.
    """

    out: Path
    dataset: str
    method: str
    time_limit_s: float | None
    gpus: float

    @property
    def weight(self) -> int:
        """How many progress steps the unit stands for."""
        return 1

    @abstractmethod
    def run(self) -> None:
        """Does the work and writes the results; raises only if nothing more of this unit can be done."""

    @abstractmethod
    def give_up(self, reason: str) -> list[Unit]:
        """Called when ``run`` raised, was stopped by the time limit, or its process died.

        Returns:
            Units to try instead; empty if the failure has been written to the journal.
        """


@dataclass(frozen=True)
class MethodSource:
    """Where a label's images come from: a method with its weights, or a folder of ready images.

    Attributes:
        name: the method's registered name; empty for a folder.
        folder: ready fused images, ``<pair>.*`` or ``<dataset>/<pair>.*``.
        weights: the safetensors file of a learned method.
        key: digest of code, weights and way, part of each fused image's fingerprint.
    """

    name: str
    key: str
    way: Way = "published"
    precision: Literal["exact", "fast"] = "exact"
    compile: Literal["never", "auto"] = "never"
    device: str = "cpu"
    seed: int = 0
    weights: Path | None = None
    folder: Path | None = None


@lru_cache(maxsize=1)
def load_fuser(source: MethodSource) -> Fuser:
    """The method of a source, built once per process and kept until another one is asked for."""
    from bench.harness import Fuser
    from bench.plugins import METHODS

    method = METHODS.get(source.name)(source.weights, source.device)
    return Fuser(method, way=source.way, seed=source.seed, precision=source.precision)


@dataclass(frozen=True)
class FuseUnit(Unit):
    """Fuses some pairs of one data set with one method; journal ``fused``, one line per pair.

    Attributes:
        files: the pairs.
        keys: the fingerprint of each pair's result.
        expected: about how many pairs each worker will fuse with this method, this unit's among them.
    """

    source: MethodSource
    files: tuple[PairFiles, ...]
    keys: tuple[str, ...]
    expected: int = 0

    @property
    def weight(self) -> int:
        """Pairs."""
        return len(self.files)

    def run(self) -> None:
        """Fuses the pairs that are not finished yet; a pair that fails is noted and the rest goes on."""
        done = self._finished()
        files = [files for files, key in zip(self.files, self.keys, strict=True) if (files.id, key) not in done]
        if self.source.folder is not None:
            self._copy(files)
            return
        from bench.throughput import fuse_stream

        fuser = load_fuser(self.source)
        parameters = sum(p.numel() for module in fuser.method.modules().values() for p in module.parameters())
        fuse_stream(
            fuser, files, lambda item, result, _: self._keep(item, result, parameters),
            compile=self.source.compile, expected=self.expected,
        )  # fmt: skip

    def _copy(self, files: list[PairFiles]) -> None:
        from bench.datasets import read_pair
        from bench.folder import read_ready

        for item in files:
            try:
                result: Any = read_ready(cast(Path, self.source.folder), item, read_pair(item).vis.shape[:2])
            except Exception as error:
                result = error
            self._keep(item, result, 0)

    def _keep(self, item: PairFiles, result: Any, parameters: int) -> None:
        store = Store(self.out)
        key = dict(zip((files.id for files in self.files), self.keys, strict=True))[item.id]
        if isinstance(result, Exception):
            if is_fatal(result):
                raise result
            self._journal().append(self._failure(item, key, describe(result)))
            return
        line = store.write_fused(item, self.method, result)
        self._journal().append({**line, "method": self.method, "key": key, "status": "ok", "parameters": parameters})

    def _failure(self, item: PairFiles, key: str, reason: str) -> dict[str, Any]:
        return {"pair": item.id, "method": self.method, "key": key, "status": "failed", "reason": reason}

    def _journal(self) -> Any:
        return Store(self.out).journal("fused", self.dataset, f"{digest(self.method, *self.keys)[:16]}")

    def _finished(self) -> set[tuple[str, str]]:
        store, lines = Store(self.out), self._journal().lines("pair", "key", "status")
        return {
            (line["pair"], line["key"])
            for line in lines
            if line["status"] == "ok" and store.fused_is_whole(self.dataset, self.method, line)
        }

    def give_up(self, reason: str) -> list[Unit]:
        """Several pairs: tries the unfinished ones one by one, to find the culprit; one pair: notes its failure."""
        done = self._finished()
        left = [(files, key) for files, key in zip(self.files, self.keys, strict=True) if (files.id, key) not in done]
        if len(self.files) > 1:
            return [replace(self, files=(files,), keys=(key,)) for files, key in left]
        for files, key in left:
            self._journal().append(self._failure(files, key, reason))
        return []


@dataclass(frozen=True)
class ScoreTarget:
    """One fused image to score: its method, its pair's index in the unit, and the fingerprint per convention."""

    method: str
    index: int
    keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ScoreUnit(Unit):
    """Scores all methods' images of some pairs; journal ``metrics``, one line per pair, method and convention.

    Attributes:
        metrics: the chosen metrics of each convention.
        afresh: score again what the journal holds already.
    """

    files: tuple[PairFiles, ...]
    targets: tuple[ScoreTarget, ...]
    metrics: tuple[tuple[str, tuple[str, ...]], ...]
    afresh: bool = False

    @property
    def weight(self) -> int:
        """Fused images."""
        return len(self.targets)

    def run(self) -> None:
        """Scores what is not scored yet; the statistics of the sources are computed once per pair."""
        left = self.targets if self.afresh else self._left()
        for index, files in enumerate(self.files):
            targets = [target for target in left if target.index == index]
            if not targets:
                continue
            try:
                self._score_pair(files, targets)
            except Exception as error:
                if is_fatal(error):
                    raise
                for target in targets:
                    self._fail(target, describe(error))

    def _left(self) -> list[ScoreTarget]:
        """What an earlier try of this unit, whose process was lost, did not come to."""
        lines = self._journal().lines("pair", "method", "convention", "key", "rows")
        done = {(line["pair"], line["method"], line["convention"], line["key"]) for line in lines if line["rows"]}
        left = []
        for target in self.targets:
            pair = self.files[target.index].id
            keys = tuple(item for item in target.keys if (pair, target.method, *item) not in done)
            if keys:
                left.append(replace(target, keys=keys))
        return left

    def _score_pair(self, files: PairFiles, targets: list[ScoreTarget]) -> None:
        from bench.datasets import read_pair
        from bench.images import read_image
        from bench.metrics import PairScorer

        store, pair = Store(self.out), read_pair(files)
        conventions = sorted({convention for target in targets for convention, _ in target.keys})
        names = {name for convention, chosen in self.metrics if convention in conventions for name in chosen}
        scorer = PairScorer(pair.ir, pair.vis, conventions, sorted(names))
        for target in targets:
            try:
                fused = read_image(store.fused_path(self.dataset, target.method, files.id))
                values = scorer.score(fused)
            except Exception as error:
                if is_fatal(error):
                    raise
                self._fail(target, describe(error))
                continue
            for convention, key in target.keys:
                rows = [[v.metric, v.value, v.status, v.reason] for v in values if v.convention == convention]
                self._append(target, convention, {"key": key, "rows": rows})

    def _fail(self, target: ScoreTarget, reason: str) -> None:
        for convention, key in target.keys:
            self._append(target, convention, {"key": key, "status": "failed", "reason": reason, "rows": []})

    def _append(self, target: ScoreTarget, convention: str, line: dict[str, Any]) -> None:
        pair = self.files[target.index].id
        self._journal().append({"pair": pair, "method": target.method, "convention": convention, **line})

    def _journal(self) -> Any:
        name = digest(self.dataset, *(files.id for files in self.files))[:16]
        return Store(self.out).journal("metrics", self.dataset, name)

    def give_up(self, reason: str) -> list[Unit]:
        """Several pairs: the unfinished ones one by one, to find the culprit; one pair: notes the failure."""
        left = self._left()
        if len(self.files) > 1:
            return [
                replace(
                    self,
                    files=(files,),
                    targets=tuple(replace(target, index=0) for target in left if target.index == index),
                )
                for index, files in enumerate(self.files)
                if any(target.index == index for target in left)
            ]
        for target in left:
            self._fail(target, reason)
        return []


@dataclass(frozen=True)
class WholeUnit(Unit):
    """A unit whose result is one journal line with all its scores; a failure is a line too."""

    key: str

    @property
    @abstractmethod
    def kind(self) -> str:
        """The journal's kind."""

    @abstractmethod
    def work(self) -> dict[str, Any]:
        """Does the work; returns what the journal line holds besides method, key and status."""

    def run(self) -> None:
        """Works and notes the result or why there is none."""
        try:
            line = {"status": "ok", **self.work()}
        except Exception as error:
            if is_fatal(error):
                raise
            line = {"status": "failed", "reason": describe(error)}
        self._journal().append({"method": self.method, "key": self.key, **line})

    def give_up(self, reason: str) -> list[Unit]:
        """Notes the failure."""
        self._journal().append({"method": self.method, "key": self.key, "status": "failed", "reason": reason})
        return []

    def _journal(self) -> Any:
        return Store(self.out).journal(self.kind, self.dataset, digest(self.method, self.key)[:16])

    def progress(self) -> Callable[[str, int, int], None]:
        """Leaves the present state of long work in the run folder, where the command line reads it."""
        path = self.out / "parts" / "progress" / f"{digest(self.kind, self.dataset, self.method)[:16]}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)

        def note(what: str, done: int, total: int) -> None:
            path.write_text(f"{self.method}: {what} {done}/{total}", encoding="utf-8")

        return note


@dataclass(frozen=True)
class TaskUnit(WholeUnit):
    """Runs one task runner on one method and data set; journal named after the task."""

    task: str
    spec: DatasetSpec
    parts: tuple[tuple[str, tuple[PairFiles, ...]], ...]
    preset: str
    seed: int
    device: str
    precision: Literal["exact", "fast"]
    weights: Path | None
    seen: frozenset[str] | None
    weights_root: Path | None
    options: tuple[tuple[str, str], ...]

    @property
    def kind(self) -> str:
        """The task's name."""
        return self.task

    def job(self) -> Any:
        """The task runner's view of this unit."""
        from bench.task import FusedSet, Job

        store = Store(self.out)
        parts = {}
        for split, files in self.parts:
            paths = tuple(store.fused_path(self.dataset, self.method, item.id) for item in files)
            parts[split] = FusedSet(self.method, files, paths)
        return Job(
            dataset=self.dataset, spec=self.spec, method=self.method, parts=parts,
            work_dir=store.work_dir(self.task, self.dataset, self.method), preset=self.preset, seed=self.seed,
            device=self.device, precision=self.precision, weights=self.weights, seen=self.seen,
            weights_root=self.weights_root, progress=self.progress(), options=dict(self.options),
        )  # fmt: skip

    def work(self) -> dict[str, Any]:
        """Runs the task."""
        from bench.plugins import TASKS

        job = self.job()
        job.work_dir.mkdir(parents=True, exist_ok=True)
        return {"scores": [asdict(score) for score in TASKS.get(self.task)().run(job)]}


@dataclass(frozen=True)
class TrainUnit(WholeUnit):
    """Trains one method on one data set; journal ``trained``."""

    files: tuple[PairFiles, ...]
    preset: Preset
    seed: int
    device: str

    @property
    def kind(self) -> str:
        """``trained``."""
        return "trained"

    def request(self) -> TrainRequest:
        """What the method is asked for."""
        from bench.method import TrainRequest

        return TrainRequest(
            dataset=self.dataset, pairs=self.files, preset=self.preset, out=self.folder(), device=self.device,
            seed=self.seed, progress=self.progress(),
        )  # fmt: skip

    def work(self) -> dict[str, Any]:
        """Trains, or goes on where an interrupted training stood."""
        from bench.plugins import METHODS

        cls: Any = METHODS.get(self.method)
        return {"weights": str(cls.train(self.request()).relative_to(self.out))}

    def folder(self) -> Path:
        """Where this training's checkpoints and weights lie; another request gets another folder."""
        return Store(self.out).trained_dir / self.method / self.key[:16]


@dataclass(frozen=True)
class EfficiencyUnit(WholeUnit):
    """Times one method on one data set; journal ``efficiency``; ``options`` as ``bench.runtime.read_options``."""

    source: MethodSource
    files: tuple[PairFiles, ...]
    options: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> str:
        """``efficiency``."""
        return "efficiency"

    def work(self) -> dict[str, Any]:
        """Measures."""
        from bench.runtime import measure, read_options

        variants, budget_s = read_options(dict(self.options))
        scores = measure(load_fuser(self.source), self.files, self.method, variants, budget_s)
        return {"scores": [asdict(score) for score in scores]}
