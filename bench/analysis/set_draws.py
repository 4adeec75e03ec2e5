"""Set-level numbers (mIoU, AP) of a method in every draw of the images: made once and kept in the run folder."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.analysis import bootstrap
from bench.analysis.bootstrap import Floats, draws
from bench.analysis.pairwise import Settings
from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.files import VERSION, digest
from bench.plugin.kinds import TASKS
from bench.plugin.task import Resampler, Task
from bench.store.draws import keep_draws, kept_draws
from bench.store.manifest import DatasetFacts
from bench.store.run_folder import Store
from bench.store.work_mark import work_is_unfinished
from bench.types import PairFiles

DRAWS = Settings(resamples=999, interval="percentile")
"""Of set-level numbers: fewer than of means, since each draw scores a whole set again; quantiles as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class SetDraws:
    """K numbers of one method over one part of the images.

    Attributes:
        pairs: the images, by pair name.
        numbers: (metric, label, convention) of each number.
        values: float64 (K,), of all images, each once.
        drawn: float64 (K, B), of B draws of as many images; NaN where a draw has no such number.
        part: which images, as ``Resampler.part``.
        reason: why there are no pairs in this part; empty if there are.
    """

    pairs: tuple[str, ...]
    numbers: tuple[tuple[str, str, str], ...]
    values: Floats
    drawn: Floats
    part: str = ""
    reason: str = ""


def set_draws(resampler: Resampler, settings: Settings = DRAWS) -> SetDraws:
    """The draws of a resampler; those of two with equally many pairs are paired.

    Raises:
        BenchError: its statistic gives another count of numbers than it names.
    """
    one, images, count = resampler, len(resampler.pairs), len(resampler.numbers)
    if not images:
        return SetDraws(one.pairs, one.numbers, np.empty(0), np.empty((0, 0)), one.part, one.reason)
    values = one.statistic(np.ones((1, images), dtype=np.int64))[:, 0]
    if len(values) != count:
        raise BenchError(f"{one.part or 'all images'}: {len(values)} numbers for {count} names")
    drawn = draws(images, one.statistic, settings.resamples, settings.seed)
    return SetDraws(one.pairs, one.numbers, np.asarray(values, dtype=np.float64), drawn, one.part, one.reason)


@dataclass(frozen=True)
class TaskWork:
    """What a task left of some methods on one data set; small enough to be sent to a worker.

    Attributes:
        root: the run folder.
        task: its name.
        spec: of the data set.
        dataset: its name.
        methods: those that the task is finished with.
        files: the pairs it worked on.
    """

    root: Path
    task: str
    spec: DatasetSpec
    dataset: str
    methods: tuple[str, ...]
    files: tuple[PairFiles, ...]

    def of(self, method: str) -> TaskWork:
        """The same of one method alone."""
        return replace(self, methods=(method,))

    def resamplers(self, method: str) -> Sequence[Resampler]:
        """What the task kept of a method to score other choices of images."""
        return self._runner.resamplers(self._folder(method), self.files, self.spec)

    def draws(self, method: str, settings: Settings = DRAWS) -> tuple[SetDraws, ...]:
        """The draws of each part of the images: those kept if they are of the present results, else made and kept."""
        owner, key = self._owner(method, settings), self._key(method, settings)
        kept = kept_draws(Store(self.root), owner, key)
        if kept is not None:
            return _read(kept)
        made = tuple(set_draws(resampler, settings) for resampler in self.resamplers(method))
        keep_draws(Store(self.root), owner, key, _written(made))
        return made

    def lacking(self, settings: Settings = DRAWS) -> list[str]:
        """The methods of which no draws are kept."""
        store = Store(self.root)
        return [
            method
            for method in self.methods
            if kept_draws(store, self._owner(method, settings), self._key(method, settings)) is None
        ]

    def _owner(self, method: str, settings: Settings) -> tuple[str, ...]:
        return (self.task, self.dataset, method, str(settings.resamples), str(settings.seed))

    def _key(self, method: str, settings: Settings) -> str:
        folder = self._folder(method)
        found = sorted(
            path for path in folder.rglob("*") if path.is_file()
        )  # predictions of each training have folders
        states = (f"{path.relative_to(folder).parent} {_state(path)}" for path in found)
        return digest(self._ground, *self._owner(method, settings), *states)

    @cached_property
    def _ground(self) -> str:
        """Digest of what the draws of every method depend on: the truth, the data set, the code."""
        truth = [path for item in self.files for path in (item.label_path, item.boxes_path) if path]
        package = Path(inspect.getfile(type(self._runner))).parent
        code = [Path(__file__), Path(bootstrap.__file__), *sorted([*package.glob("*.py"), *package.glob("*/*.py")])]
        return digest(
            VERSION, np.__version__, self.spec.model_dump_json(), *(item.id for item in self.files),
            *map(_state, truth), *(path.read_bytes() for path in code),
        )  # fmt: skip

    @cached_property
    def _runner(self) -> Task:
        return TASKS.get(self.task)()

    def _folder(self, method: str) -> Path:
        return Store(self.root).work_dir(self.task, self.dataset, method)


def task_work(store: Store, task: str, dataset: str, spec: DatasetSpec) -> TaskWork:
    """What a task left of the methods that it is finished with."""
    facts = store.read_manifest().datasets.get(dataset, DatasetFacts())
    scores = store.read_scores()
    rows = scores[(scores["task"] == task) & (scores["dataset"] == dataset) & (scores["status"] == "ok")]
    # the files of unfinished work belong to no result yet
    methods = [
        name for name in dict.fromkeys(rows["method"]) if not work_is_unfinished(store.work_dir(task, dataset, name))
    ]
    files = tuple(_files(dataset, facts, set(rows["split"])))
    return TaskWork(store.root, task, spec, dataset, tuple(methods) if task in TASKS.names() else (), files)


def _files(dataset: str, facts: DatasetFacts, splits: Collection[str]) -> Iterator[PairFiles]:
    """The pairs of some parts, from the manifest."""
    for split, part in facts.parts.items():
        for pair, places in part.sources.items() if split in splits else ():
            yield PairFiles(
                dataset, split, pair, Path(places.ir), Path(places.vis),
                Path(places.labels) if places.labels else None, Path(places.boxes) if places.boxes else None,
                border=places.border,
            )  # fmt: skip


Over = TypeVar("Over", Resampler, SetDraws)
"""Numbers over some images."""


def on_same_images(found: Mapping[str, Over]) -> tuple[dict[str, Over], dict[str, str]]:
    """The methods that were scored on the same images, the most there are; and why each other one was not."""
    able = [one for one in found.values() if one.pairs]
    if not able:
        return {}, {method: one.reason for method, one in found.items()}
    model = max(able, key=lambda one: len(one.pairs))
    left_out = {
        method: one.reason or f"it was scored on {len(one.pairs)} other images"
        for method, one in found.items()
        if (one.pairs, one.numbers) != (model.pairs, model.numbers)
    }
    return {method: one for method, one in found.items() if method not in left_out}, left_out


def _state(path: Path) -> str:
    """What a file is known by, short of reading it: checkpoints lie among them."""
    try:
        stat = path.stat()
    except OSError:
        return f"{path.name} absent"
    return f"{path.name} {stat.st_size} {stat.st_mtime_ns}"


def _written(parts: Sequence[SetDraws]) -> dict[str, NDArray[Any]]:
    return {
        f"{at}.{name}": np.array(value)
        for at, one in enumerate(parts)
        for name, value in (
            ("part", one.part), ("reason", one.reason), ("pairs", np.array(one.pairs, dtype=np.str_)),
            ("numbers", np.array(one.numbers, dtype=np.str_).reshape(-1, 3)), ("values", one.values),
            ("drawn", one.drawn),
        )
    }  # fmt: skip


def _read(arrays: Mapping[str, NDArray[Any]]) -> tuple[SetDraws, ...]:
    count = len({name.partition(".")[0] for name in arrays})
    return tuple(
        SetDraws(
            tuple(arrays[f"{at}.pairs"].tolist()),
            tuple((metric, label, way) for metric, label, way in arrays[f"{at}.numbers"].tolist()),
            arrays[f"{at}.values"], arrays[f"{at}.drawn"], arrays[f"{at}.part"].item(), arrays[f"{at}.reason"].item(),
        )
        for at in range(count)
    )  # fmt: skip
