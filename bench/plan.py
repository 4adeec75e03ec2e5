"""From a request to a plan: which pairs, which methods, which tasks, and the fingerprint of each result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import __version__
from bench.code_digest import code_digest
from bench.config import DatasetSpec, RunConfig
from bench.datasets import Dataset, open_dataset
from bench.plugins import METHODS, TASKS
from bench.store import Store, digest, file_digest
from bench.types import BenchError, PairFiles, Problem, Way
from bench.work import MethodSource

if TYPE_CHECKING:
    from bench.method import Method

CORE_TASKS = ("metrics", "efficiency")


@dataclass(frozen=True)
class DatasetPlan:
    """One chosen data set.

    Attributes:
        opened: where it lies on disk.
        parts: the pairs of each part that some task needs, by split.
        main: the split that the metrics are computed on.
        listed: how many pairs the published list of ``main`` has.
        digests: digest of each pair's source files.
        label_digests: digest of each pair's truth files, empty where there are none.
    """

    opened: Dataset
    selection: str
    main: str
    parts: dict[str, tuple[PairFiles, ...]]
    listed: int
    problems: tuple[Problem, ...]
    digests: dict[str, str]
    label_digests: dict[str, str]

    @property
    def name(self) -> str:
        """As in ``datasets.yaml``."""
        return self.opened.name

    @property
    def spec(self) -> DatasetSpec:
        """Its entry there."""
        return self.opened.spec

    def files(self) -> list[PairFiles]:
        """All pairs of all parts, each once."""
        return list({files.id: files for part in self.parts.values() for files in part}.values())


@dataclass(frozen=True)
class MethodPlan:
    """One chosen method or folder of images.

    Attributes:
        label: what tables call it.
        by_name: asked for by name, so that skipping it counts as a failure.
        source: how its images are made; None if it cannot run.
        reason: why not.
        facts: what the manifest says of it.
        train: True if its weights are to be trained in this run first.
    """

    label: str
    by_name: bool
    source: MethodSource | None
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    train: bool = False


@dataclass(frozen=True)
class Plan:
    """All that a run will do."""

    config: RunConfig
    device: str
    datasets: tuple[DatasetPlan, ...]
    methods: tuple[MethodPlan, ...]
    tasks: tuple[str, ...]
    metrics: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]


def fused_key(source: MethodSource, pair: str, digests: dict[str, str]) -> str:
    """The fingerprint of one fused image."""
    return digest(source.key, digests[pair])


def make_plan(config: RunConfig, store: Store) -> Plan:
    """Checks the request and finds everything it names.

    Raises:
        BenchError: an unknown name, a data set that is not there, nothing to do.
    """
    from bench.metrics.catalogue import chosen_metrics

    metrics = chosen_metrics(config.conventions, list(config.metrics) or None)
    _known("task", config.tasks, [*CORE_TASKS, *TASKS.names()])
    for option, folder in (("--data-root", config.data_root), ("--weights-root", config.weights_root)):
        if folder is not None and not folder.exists():
            raise BenchError(f"{option} {folder} does not exist; give an existing folder")
    named, every = _requested_methods(config)
    tasks, notes = _requested_tasks(config)
    datasets = tuple(_plan_dataset(selection, config, tasks) for selection in _unique(config.datasets))
    methods = tuple(plan_method(label, label in named, config, store) for label in every)
    if not any(plan.files() for plan in datasets):
        raise BenchError("none of the data sets holds a usable pair; see bench data check, or give --data-root")
    return Plan(config, _device(config), datasets, methods, tasks, metrics, notes)


def _known(kind: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    import difflib

    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else f"; known: {', '.join(known)}"
            raise BenchError(f"unknown {kind} {name!r}{hint}")


def _unique(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))


def _requested_methods(config: RunConfig) -> tuple[set[str], list[str]]:
    wanted = _unique(config.methods)
    named = {label for label in wanted if label != "all"}
    every: list[str] = []
    for label in wanted:
        every += METHODS.names() if label == "all" else [label]
    for label in named:
        if "=" not in label:
            METHODS.entry(label)
    return named, _unique(every)


def _requested_tasks(config: RunConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Named tasks as they are; else metrics plus those task runners that can run here and are not long."""
    if config.tasks:
        return tuple(_unique(config.tasks)), ()
    chosen, notes = ["metrics"], []
    for name in TASKS.names():
        try:
            task = TASKS.get(name)()
            if task.on_request and config.preset is None:
                continue
            task.check()
            task.ready(task_options(config, name), config.weights_root)
        except BenchError as error:
            notes.append(f"task {name} left out: {error}")
        else:
            chosen.append(name)
    return tuple(chosen), tuple(notes)


def _device(config: RunConfig) -> str:
    if config.device == "cpu" or (config.device == "cuda" and config.executor == "ray"):
        return config.device  # the machine that drives a cluster need not have the GPUs of its workers
    from bench.harness import pick_device

    return pick_device(config.device)


def _plan_dataset(selection: str, config: RunConfig, tasks: Sequence[str]) -> DatasetPlan:
    dataset = open_dataset(selection, config.data_root, config.datasets_file)
    main = dataset.listing(limit=config.limit)
    split = str(dataset.split)
    parts = {split: main.pairs}
    problems = list(main.problems)
    for wanted in _task_splits(dataset, tasks, config):
        if wanted not in parts:
            listing = dataset.listing(split=wanted, limit=config.limit)
            parts[wanted] = listing.pairs
            problems += listing.problems
    files = {item.id: item for part in parts.values() for item in part}
    return DatasetPlan(
        opened=dataset,
        selection=selection,
        main=split,
        parts=parts,
        listed=main.listed,
        problems=tuple(problems),
        digests={key: pair_digest(item) for key, item in files.items()},
        label_digests={key: truth_digest(item) for key, item in files.items()},
    )


def task_options(config: RunConfig, task: str) -> dict[str, str]:
    """The ``--option task.name=value`` settings meant for one task."""
    prefix = f"{task}."
    return {key.removeprefix(prefix): value for key, value in config.options.items() if key.startswith(prefix)}


def _task_splits(dataset: Dataset, tasks: Sequence[str], config: RunConfig) -> list[str]:
    wanted: list[str] = []
    for name in tasks:
        if name not in CORE_TASKS:
            wanted += TASKS.get(name)().splits_for(task_options(config, name))
    return [split for split in _unique(wanted) if dataset.has_split(split)]


def pair_digest(files: PairFiles) -> str:
    """Digest of a pair's source files."""
    both = [file_digest(files.ir_path)]
    return digest(*both, file_digest(files.vis_path) if files.vis_path != files.ir_path else "")


def truth_digest(files: PairFiles) -> str:
    """Digest of a pair's truth files; empty where it has none."""
    paths = (files.label_path, files.boxes_path)
    return digest(*(file_digest(path) if path else "" for path in paths)) if any(paths) else ""


def plan_method(label: str, by_name: bool, config: RunConfig, store: Store) -> MethodPlan:
    """Finds a method's weights, or a folder of images; a method that cannot run is planned with the reason."""
    name, is_folder, folder = label.partition("=")
    if is_folder:
        return _plan_folder(name, Path(folder))
    try:
        cls = METHODS.get(name)
        return _plan_named(cls, by_name, config, store)
    except BenchError as error:
        facts = {"name": name, "title": name, "status": "skipped", "reason": str(error)}
        return MethodPlan(name, by_name, None, reason=str(error), facts=facts)


def _plan_folder(label: str, folder: Path) -> MethodPlan:
    if not folder.is_dir():
        raise BenchError(f"method {label}: {folder} is not a folder; give LABEL=FOLDER with one image per pair")
    if label in METHODS.names():
        raise BenchError(f"method {label}: this name is a built-in method's; choose another label for {folder}")
    images = sorted(path for path in folder.rglob("*") if path.is_file())
    key = digest("folder", *(part for path in images for part in (str(path.relative_to(folder)), file_digest(path))))
    facts: dict[str, Any] = {
        "name": label, "title": label, "year": None, "paper": "", "licence": "", "kind": "folder",
        "origin": "folder of images", "weights": [], "trained_on": [], "notes": f"images from {folder}",
        "way": "as given", "status": "ok", "reason": "", "training": None,
    }  # fmt: skip
    return MethodPlan(label, True, MethodSource(name="", key=key, folder=folder.resolve()), facts=facts)


def _plan_named(cls: type[Method], by_name: bool, config: RunConfig, store: Store) -> MethodPlan:
    from bench.method import Trainable
    from bench.weights import WeightsMissing, resolve

    try:
        resolved = resolve(cls, config.weights_root)
    except WeightsMissing as error:
        if config.preset is None or not isinstance(cls, Trainable):
            facts = {**method_facts(cls, config), "status": "skipped", "reason": str(error)}
            return MethodPlan(cls.name, by_name, None, reason=str(error), facts=facts)
        facts = {**method_facts(cls, config), "origin": "trained here", "agreement": ""}
        return MethodPlan(cls.name, by_name, make_source(cls, None, config), facts=facts, train=True)
    facts = method_facts(cls, config)
    if resolved.origin == "trained here":  # the agreement is that of the authors' weights
        facts["agreement"] = ""
    facts |= {
        "origin": resolved.origin,
        "weights": [dict(file) for file in resolved.files],
        "training": resolved.training,
    }
    if resolved.training and resolved.training.get("dataset"):
        facts["trained_on"] = [str(resolved.training["dataset"])]
    return MethodPlan(cls.name, by_name, make_source(cls, resolved.path, config), facts=facts)


def method_facts(cls: type[Method], config: RunConfig) -> dict[str, Any]:
    """What the manifest says of a method before its weights are known."""
    info = cls.info
    return {
        "name": cls.name, "title": info.title, "year": info.year, "paper": info.paper, "licence": info.licence,
        "kind": info.kind, "origin": "", "agreement": info.agreement,
        "weights": [], "trained_on": list(info.trained_on), "notes": info.notes,
        "way": "plain" if config.way == "plain" else "published",
        "beside": "", "precision": config.precision, "compile": config.compile,
        "status": "ok", "reason": "", "training": None,
    }  # fmt: skip


def make_source(cls: type[Method], weights: Path | None, config: RunConfig) -> MethodSource:
    """How a method's images are made, with the fingerprint of everything but the pair."""
    device = _device(config)
    kind = device.partition(":")[0]
    harness = code_digest("bench.harness", "bench.images", "bench.method", "bench.throughput", follow=False)
    code = code_digest(cls.__module__), harness
    seed = str(config.seed) if cls.stochastic else ""
    weights_digest = file_digest(weights) if weights else ""
    way: Way = "plain" if config.way == "plain" else "published"
    form = config.precision if config.compile == "never" else f"{config.precision}, compiled: {config.compile}"
    key = digest(__version__, cls.name, *code, weights_digest, way, form, kind, seed)
    return MethodSource(
        name=cls.name, key=key, way=way, precision=config.precision, device=device, seed=config.seed,
        compile=config.compile,
        weights=weights.resolve() if weights else None,
    )  # fmt: skip


PLAIN_SUFFIX = "-plain"
"""Ends the label of a method's images written in the plain way, beside those written as its authors did."""


def with_both_ways(plan: Plan) -> Plan:
    """With ``--way both``: each method whose authors wrote images in a way of their own, in the plain way as well."""
    if plan.config.way != "both":
        return plan
    methods: list[MethodPlan] = []
    for method in plan.methods:
        methods.append(method)
        source = method.source
        if source is None or method.train or source.folder is not None:
            continue
        from bench.method import PLAIN

        cls = METHODS.get(source.name)
        if cls.published != PLAIN or cls.reads_way:
            plain = make_source(cls, source.weights, plan.config.model_copy(update={"way": "plain"}))
            facts = {
                **method.facts,
                "title": f"{method.facts['title']} (plain)",
                "way": "plain",
                "beside": method.label,
            }
            methods.append(replace(method, label=f"{method.label}{PLAIN_SUFFIX}", source=plain, facts=facts))
    return replace(plan, methods=tuple(methods))


def with_trained_weights(plan: MethodPlan, weights: Path, config: RunConfig) -> MethodPlan:
    """The plan of a method whose training has just finished."""
    from bench.weights import resolve

    cls = METHODS.get(plan.label)
    resolved = resolve(cls, weights)
    facts = {**plan.facts, "weights": [dict(file) for file in resolved.files], "training": resolved.training}
    if resolved.training and resolved.training.get("dataset"):
        facts["trained_on"] = [str(resolved.training["dataset"])]
    return replace(plan, source=make_source(cls, resolved.path, config), facts=facts, train=False)
