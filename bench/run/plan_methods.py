"""Which methods a run has: names, folders of ready images, both ways, trained weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.names import DATASET, Place, is_junk
from bench.errors import BenchError
from bench.files import VERSION, digest, file_digest
from bench.fusion.zoo import zoo_files
from bench.plugin.kinds import METHODS
from bench.plugin.proof import in_words, recorded
from bench.run.config import RunConfig, Trial
from bench.run.keys import fuse_code, runtime_key
from bench.run.plan import MethodPlan, Plan
from bench.run.sources import MethodSource
from bench.store.manifest import MethodFacts, WeightFacts
from bench.types import Way

if TYPE_CHECKING:
    from bench.plugin.method import Method
    from bench.weights.find import Resolved


def device_of(config: RunConfig) -> str:
    """The device that the workers of this run compute on."""
    if config.device == "cpu" or (config.device == "cuda" and config.executor == "ray"):
        return config.device  # the machine that drives a cluster need not have the GPUs of its workers
    from bench.machine import pick_device

    return pick_device(config.device)


def plan_method(label: str, by_name: bool, config: RunConfig) -> MethodPlan:
    """Finds a method's weights, or a folder of images; a method that cannot run is planned with the reason."""
    name, is_folder, folder = label.partition("=")
    if is_folder and not folder:
        raise BenchError(f"--methods {label}: no folder after the =; give LABEL=FOLDER with one image per pair")
    if is_folder:
        return _plan_folder(name, Path(folder))
    try:
        cls = METHODS.get(name)
        return _plan_named(cls, by_name, config)
    except BenchError as error:
        facts = MethodFacts(name=name, title=name, status="skipped", reason=str(error))
        return MethodPlan(name, by_name, None, reason=str(error), facts=facts)


def _plan_folder(label: str, folder: Path) -> MethodPlan:
    if DATASET in str(folder):
        top, images = zoo_files(folder.expanduser())
    else:
        top = Place.of(folder.expanduser()).folder
        images = sorted(path for path in top.rglob("*") if path.is_file() and not is_junk(path.name))
    if not top.is_dir():
        raise BenchError(f"method {label}: {folder} is not a folder; give LABEL=FOLDER with one image per pair")
    if METHODS.known(label):
        raise BenchError(f"method {label}: this name is a built-in method's; choose another label for {folder}")
    content = (part for path in images for part in (str(path.relative_to(top)), file_digest(path)))
    key = digest("folder", Place.of(folder).pattern, *content)
    facts = MethodFacts(
        name=label, title=label, kind="folder", origin="folder of images", notes=f"images from {folder}",
        way="as given",
    )  # fmt: skip
    return MethodPlan(label, True, MethodSource(name="", key=key, folder=folder.expanduser().absolute()), facts=facts)


def _plan_named(cls: type[Method], by_name: bool, config: RunConfig) -> MethodPlan:
    from bench.plugin.method import Trainable
    from bench.weights.find import WeightsMissing, resolve

    facts = method_facts(cls, config)
    try:
        resolved = resolve(cls, config.weights_root)
    except WeightsMissing as error:
        if config.preset is None or not isinstance(cls, Trainable):
            facts = facts.model_copy(update={"status": "skipped", "reason": str(error)})
            return MethodPlan(cls.name, by_name, None, reason=str(error), facts=facts)
        facts = facts.model_copy(update={"origin": "trained here", **UNPROVEN})
        return MethodPlan(cls.name, by_name, make_source(cls, None, config), facts=facts, train=True)
    facts = _with_weights(facts, resolved)
    if resolved.origin == "trained here":  # the agreement is that of the authors' weights
        facts = facts.model_copy(update=UNPROVEN)
    return MethodPlan(cls.name, by_name, make_source(cls, resolved.path, config), facts=facts)


UNPROVEN: dict[str, Any] = {"agreement": "", "proofs": ()}
"""Proofs are of the authors' weights; nothing is said of others."""

TRAINED_ON = "trained_on"
"""Key of ``--option METHOD.trained_on=DATASET``."""


def retrained_methods(config: RunConfig) -> tuple[MethodPlan, ...]:
    """The methods that ``--option METHOD.trained_on=DATASET`` asks to train anew, beside their published selves.

    Raises:
        BenchError: no such method, one that has no trainer here, or no preset that says how long it learns.
    """
    from bench.plugin.method import Trainable

    found: list[MethodPlan] = []
    for key, dataset in config.options.items():
        name, _, option = key.partition(".")
        if option != TRAINED_ON:
            continue
        cls = METHODS.get(name)
        if not isinstance(cls, Trainable):
            raise BenchError(f"--option {key}: {name} has no trainer here; see bench train --help")
        if config.preset is None:
            raise BenchError(f"--option {key}: give --preset smoke, quick or paper, which says how long it learns")
        facts = method_facts(cls, config).model_copy(
            update={
                "title": f"{cls.info.title} (trained on {dataset})", "origin": "trained here", **UNPROVEN,
                "trained_on": (dataset,),
            }
        )  # fmt: skip
        label = f"{cls.name}-{dataset.replace(':', '-')}"
        source = make_source(cls, None, config)
        found.append(MethodPlan(label, True, source, facts=facts, train=True, train_on=dataset))
    return tuple(found)


def plan_trials(config: RunConfig) -> tuple[MethodPlan, ...]:
    """The methods of an ablation: variants with a seed of their own, each trained in this run.

    Raises:
        BenchError: a method that has no trainer here, or no preset that says how long it learns.
    """
    return tuple(_plan_trial(trial, config.model_copy(update={"seed": trial.seed})) for trial in config.trials)


def _plan_trial(trial: Trial, config: RunConfig) -> MethodPlan:
    from bench.plugin.method import Trainable

    cls = METHODS.get(trial.method)
    if trial.ablation:
        if not isinstance(cls, Trainable) or config.preset is None:
            raise BenchError(f"{trial.label}: {trial.method} needs a trainer here and a --preset to be trained with")
        facts = method_facts(cls, config).model_copy(update={"origin": "trained here", "agreement": ""})
        plan = MethodPlan(cls.name, True, make_source(cls, None, config), facts=facts, train=True)
    else:
        plan = _plan_named(cls, True, config)
    title = f"{trial.variant.replace('_', ' ')}, seed {trial.seed}"
    facts = plan.facts.model_copy(update={"title": title, "variant": trial.variant, "seed": trial.seed})
    return replace(plan, label=trial.label, facts=facts, trial=trial)


def _with_weights(facts: MethodFacts, resolved: Resolved) -> MethodFacts:
    """What the manifest says of a method once its weights are known."""
    update: dict[str, Any] = {
        "origin": resolved.origin,
        "weights": tuple(WeightFacts.model_validate(dict(file)) for file in resolved.files),
        "training": dict(resolved.training) if resolved.training else None,
    }
    if resolved.training and resolved.training.get("dataset"):
        update["trained_on"] = (str(resolved.training["dataset"]),)
    return facts.model_copy(update=update)


def method_facts(cls: type[Method], config: RunConfig) -> MethodFacts:
    """What the manifest says of a method before its weights are known."""
    info = cls.info
    return MethodFacts(
        name=cls.name, title=info.title, year=info.year, paper=info.paper, licence=info.licence, kind=info.kind,
        agreement=in_words(info.proof) if info.proof else "", trained_on=tuple(info.trained_on), notes=info.notes,
        proofs=recorded(cls),
        way="plain" if config.way == "plain" else "published", stretches=cls.published.stretch != "none",
        precision=config.precision, compile=config.compile,
    )  # fmt: skip


def make_source(cls: type[Method], weights: Path | None, config: RunConfig) -> MethodSource:
    """How a method's images are made, with the fingerprint of everything but the pair."""
    device = device_of(config)
    kind = device.partition(":")[0]
    seed = str(config.seed) if cls.stochastic else ""
    weights_digest = file_digest(weights) if weights else ""
    way: Way = "plain" if config.way == "plain" else "published"
    form = config.precision if config.compile == "never" else f"{config.precision}, compiled: {config.compile}"
    if runtime := runtime_key(config.runtime, device):
        form = f"{form}, {runtime}"
    key = digest(VERSION, cls.name, fuse_code(cls.__module__), weights_digest, way, form, kind, seed)
    return MethodSource(
        name=cls.name, key=key, way=way, precision=config.precision, device=device, seed=config.seed,
        compile=config.compile, runtime=config.runtime,
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
        from bench.plugin.method import PLAIN

        cls = METHODS.get(source.name)
        if cls.published != PLAIN or cls.reads_way:
            plain = make_source(cls, source.weights, plan.config.model_copy(update={"way": "plain"}))
            facts = method.facts.model_copy(
                update={"title": f"{method.facts.title} (plain)", "way": "plain", "beside": method.label}
            )
            methods.append(replace(method, label=f"{method.label}{PLAIN_SUFFIX}", source=plain, facts=facts))
    return replace(plan, methods=tuple(methods))


def with_trained_weights(plan: MethodPlan, weights: Path, config: RunConfig) -> MethodPlan:
    """The plan of a method whose training has just finished."""
    from bench.weights.find import resolve

    cls = METHODS.get(plan.facts.name)
    if plan.trial:
        config = config.model_copy(update={"seed": plan.trial.seed})
    resolved = resolve(cls, weights)
    facts = _with_weights(plan.facts, resolved).model_copy(update={"origin": plan.facts.origin})
    return replace(plan, source=make_source(cls, resolved.path, config), facts=facts, train=False)
