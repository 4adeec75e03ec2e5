"""From a request to a plan: which pairs, which methods, which tasks, and the fingerprint of each result."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from bench.data.catalogue import DataMissing, Dataset, Datasets, open_dataset
from bench.data.folders import FOLDER, open_folders
from bench.data.frames import frames_of
from bench.data.names import check_label, key_of, some
from bench.data.near import remarks, training_lists
from bench.data.pairs import pair_digest, truth_digest
from bench.data.spec import TRAIN
from bench.errors import BenchError, suggest
from bench.fusion.zoo import zoo_methods
from bench.plugin.kinds import METHODS, TASKS
from bench.plugin.task import Setting
from bench.run.config import RunConfig
from bench.run.met import check_tasks
from bench.run.plan import METRICS, DatasetPlan, Plan
from bench.run.plan_methods import TRAINED_ON, device_of, plan_method, plan_trials, retrained_methods
from bench.types import PairFiles, Problem


def make_plan(config: RunConfig, earlier: Collection[str] = ()) -> Plan:
    """Checks the request and finds everything it names.

    Args:
        config: what was asked for.
        earlier: tasks that ran in the folder before, whose options are kept.

    Raises:
        BenchError: an unknown name, a data set that is not there, nothing to do.
    """
    from bench.metrics.catalogue import chosen_metrics

    metrics = chosen_metrics(config.conventions, list(config.metrics) or None)
    _known("task", config.tasks, [METRICS, *TASKS.names()])
    for option, folder in (("--data-root", config.data_root), ("--weights-root", config.weights_root)):
        if folder is not None and not folder.exists():
            raise BenchError(f"{option} {folder} does not exist; give an existing folder")
    if not (_unique(config.methods) or config.results or config.trials):
        raise BenchError("--methods names no method, wanted all, or names by comma; see bench list methods")
    if not _unique(config.datasets):
        raise BenchError("--datasets names no data set, wanted names by comma; see bench list datasets")
    named, every = requested_methods(config)
    tasks, notes = _requested_tasks(config)
    _check_options(config, tasks, earlier)
    every = _unique([*every, *_beside(config, tasks)])
    selections = _unique(config.datasets)
    _one_part_each(selections)
    datasets, absent = _present(selections, config, tasks)
    methods = tuple(plan_method(label, label in named, config) for label in every)
    methods += (*retrained_methods(config), *plan_trials(config))
    if not any(plan.files() for plan in datasets):
        faults = [f"{p.where}: {p.text}" for plan in datasets for p in plan.problems if p.fault]
        more = f", and {len(faults) - 1} more" if faults[1:] else ""
        why = f" ({faults[0]}{more})" if faults else ""
        raise BenchError(f"none of the data sets holds a usable pair{why}; see bench data check, or give --data-root")
    notes += check_tasks(config, datasets)
    return Plan(config, device_of(config), datasets, methods, tasks, metrics, notes, absent)


def _beside(config: RunConfig, tasks: Sequence[str]) -> list[str]:
    """Methods that tasks want to see beside those asked for; an ablation names its own."""
    runners = [(name, TASKS.get(name)()) for name in tasks if name != METRICS and not config.trials]
    return [label for name, runner in runners for label in runner.stands_beside(config.options_of(name))]


def _present(
    selections: Sequence[str], config: RunConfig, tasks: Sequence[str]
) -> tuple[tuple[DatasetPlan, ...], tuple[str, ...]]:
    """The data sets that are on disk, and a line for each that is not; an error where none is."""
    plans, absent = [], []
    for selection in selections:
        try:
            plans.append(_plan_dataset(selection, config, tasks))
        except DataMissing as error:
            absent.append(str(error))
    if not plans and len(absent) == 1:
        raise DataMissing(absent[0])
    if not plans:
        root = Datasets.of(config.data_root, config.datasets_file).root
        raise DataMissing(
            f"none of the data sets {', '.join(selections)} is in {root}; get them with --fetch, see bench data list, "
            "or give --data-root"
        )
    return tuple(plans), tuple(absent)


def _check_options(config: RunConfig, tasks: Sequence[str], earlier: Collection[str]) -> None:
    """Every ``--option`` must be heard: by a task of this run, and be one that it knows.

    Raises:
        BenchError: an option of no task, of a task that is not part of the run, or that its task does not know.
    """
    for option in config.options:
        name, _, key = option.partition(".")
        if key == TRAINED_ON or (name in earlier and name not in tasks):  # checked where it is read, or ran before
            continue
        if name in {trial.method for trial in config.trials if trial.ablation}:  # its training reads them
            continue
        if METHODS.known(name):
            raise BenchError(
                f"--option {option}: {name} is a method, and a run hands options to tasks only; train it with "
                f"bench train {name} --option NAME=VALUE"
            )
        _known("task of --option", [name], TASKS.names())
        if config.tasks and name not in tasks:
            raise BenchError(f"--option {option}: {name} is not among --tasks {','.join(tasks)}; add it there")
        TASKS.get(name)().facts(
            Setting(
                config.preset or "quick", config.options_of(name), "cpu", config.weights_root, config.train_precision
            )
        )


def _one_part_each(selections: Sequence[str]) -> None:
    """One folder holds one part of a data set: tables and reports go by the set's name."""
    seen: dict[str, str] = {}
    for selection in selections:
        name = selection.partition(":")[0]
        if name in seen:
            raise BenchError(
                f"--datasets names {seen[name]} and {selection}, two parts of one set, whose rows would be mixed; "
                "run them with an --out of their own, or name the set once"
            )
        seen[name] = selection


def _known(kind: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    for name in wanted:
        if name not in known:
            raise BenchError(f"unknown {kind} {name!r}{suggest(name, known)}")


def _unique(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))


def requested_methods(config: RunConfig) -> tuple[set[str], list[str]]:
    """Those asked for by name, and all; a variant by its label. ``all`` is each method once, without its variants."""
    named: list[str] = zoo_methods(config.results, _unique(config.datasets)) if config.results else []
    every = list(named)
    for wanted in _unique(config.methods):
        if wanted == "all":
            every += METHODS.names()
            continue
        label = wanted if "=" in wanted else METHODS.label(wanted)
        if "=" in wanted:
            check_label(wanted.partition("=")[0], f"--methods {wanted}")
        named.append(label)
        every.append(label)
    every = _unique(every)
    _tell_apart([label.partition("=")[0] for label in every])
    return set(named), every


def _tell_apart(labels: Sequence[str]) -> None:
    """Refuses labels that would share a folder: equal ones, and ones that not every file system tells apart."""
    seen: dict[str, str] = {}
    for label in labels:
        other = seen.setdefault(key_of(label), label)
        if other is not label:
            how = "is given twice" if other == label else f"and {other} differ in case alone"
            raise BenchError(f"--methods: the label {label} {how}; their images would share a folder: rename one")


def _requested_tasks(config: RunConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Named tasks as they are; else metrics plus those task runners that can run here and are not long."""
    if config.tasks:
        return tuple(_unique(config.tasks)), ()
    chosen, notes = [METRICS], []
    for name in TASKS.names():
        try:
            task = TASKS.get(name)()
            if task.runs == "named" or (task.runs == "preset" and config.preset is None):
                continue
            task.check()
            task.ready(config.options_of(name), config.weights_root)
        except BenchError as error:
            notes.append(f"task {name} left out: {error}")
        else:
            chosen.append(name)
    return tuple(chosen), tuple(notes)


def _plan_dataset(selection: str, config: RunConfig, tasks: Sequence[str]) -> DatasetPlan:
    if selection == FOLDER:
        dataset = open_folders(config.ir, config.vis, ir_range=config.ir_range)
    else:
        dataset = open_dataset(selection, config.data_root, config.datasets_file, config.ir_range)
    main = dataset.listing(limit=config.limit)
    split = str(dataset.split)
    parts = {split: main.pairs}
    problems = list(main.problems)
    for wanted in _task_splits(dataset, tasks, config):
        if wanted not in parts:
            listing = dataset.listing(split=wanted, limit=config.limit)
            parts[wanted] = listing.pairs
            problems += listing.problems
    files = [item for part in parts.values() for item in part]
    problems += [*_leaks(dataset, parts), *_known_leaks(dataset, parts), *_near(dataset, parts, config)]
    return DatasetPlan(
        opened=dataset,
        selection=selection,
        main=split,
        parts=parts,
        listed=main.listed,
        problems=tuple(problems),
        digests={item.key: pair_digest(item) for item in files},
        label_digests={item.key: truth_digest(item) for item in files},
    )


def _leaks(dataset: Dataset, parts: Mapping[str, Sequence[PairFiles]]) -> Iterator[Problem]:
    """Names the scenes of a part that the training part holds too; those that are known of are a remark."""
    training = parts.get(TRAIN, ())
    frames = frames_of(dataset.name, training)
    listed = frames.names if TRAIN in dataset.spec.pairs or dataset.layout.lists else ()
    for part, files in parts.items():
        if part == TRAIN or not training:
            continue
        ids = [item.id for item in files]
        named, known = dataset.spec.in_training(part, ids, listed), dataset.spec.in_training(part, ids)
        shared = [item.id for item in files if item.id in named or frames.hold(item)]
        if shared:
            text = f"{len(shared)} of its {len(files)} pairs are also in the training part: {some(shared)}"
            fault = not set(shared) <= known
            yield Problem(f"{dataset.name} {part}", text + ("; take them out of one" if fault else ""), fault)


def _known_leaks(dataset: Dataset, parts: Mapping[str, Sequence[PairFiles]]) -> Iterator[Problem]:
    """What the description says of the parts that are looked at, and what its own lists say by their names."""
    spec = dataset.spec
    for part in dict.fromkeys([dataset.subset or dataset.split, *parts]):
        if part in spec.leaks and (part != dataset.split or not dataset.subset):
            yield Problem(f"{dataset.name} {part}", f"what training may know of it: {spec.leaks[part]}", False)
    others = {key: subset.pairs for key, subset in spec.subsets.items() if subset.split == TRAIN and subset.pairs}
    for part, files in parts.items():
        names = [item.id for item in files]
        for key, training in others.items() if part != TRAIN else ():
            if shared := spec.in_training(part, names, training):
                text = (
                    f"{len(shared)} of its {len(files)} pairs stand in the training list {key}: {some(sorted(shared))}"
                )
                yield Problem(f"{dataset.name} {part}", text, False)


def _near(dataset: Dataset, parts: Mapping[str, Sequence[PairFiles]], config: RunConfig) -> Iterator[Problem]:
    """Pairs that look like training pairs of any data set on this disk, and what that leaves open."""
    known = Datasets.of(config.data_root, config.datasets_file)
    lists = list(training_lists(known))
    if dataset.data_root != known.root:  # the generated one lies elsewhere
        lists = [one for one in lists if one.name.partition(":")[0] != dataset.name]
        lists += training_lists(Datasets(dataset.data_root, {dataset.name: dataset.spec}))
    for part, files in parts.items():
        if part != TRAIN and files:
            visible = {item.id: item.vis_path for item in files}
            for text in remarks(visible, dataset.layout.border, lists):
                yield Problem(f"{dataset.name} {part}", text, False)


def _task_splits(dataset: Dataset, tasks: Sequence[str], config: RunConfig) -> list[str]:
    wanted: list[str] = []
    for name in tasks:
        if name != METRICS:
            task = TASKS.get(name)()
            wanted += [dataset.part_for(role, task.truth) for role in task.splits_for(config.options_of(name))]
    return [split for split in _unique(wanted) if dataset.has_split(split)]
