"""Which methods a run has: names, folders of ready images, both ways, trained weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import __version__
from bench.errors import BenchError
from bench.files import digest, file_digest
from bench.plugin.kinds import METHODS
from bench.run.code_digest import code_digest
from bench.run.config import RunConfig
from bench.run.plan import MethodPlan, Plan
from bench.run.sources import MethodSource
from bench.store.run_folder import Store
from bench.types import Way

if TYPE_CHECKING:
    from bench.plugin.method import Method


def device_of(config: RunConfig) -> str:
    """The device that the workers of this run compute on."""
    if config.device == "cpu" or (config.device == "cuda" and config.executor == "ray"):
        return config.device  # the machine that drives a cluster need not have the GPUs of its workers
    from bench.machine import pick_device

    return pick_device(config.device)


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
    if METHODS.known(label):
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
    from bench.plugin.method import Trainable
    from bench.weights.find import WeightsMissing, resolve

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
    device = device_of(config)
    kind = device.partition(":")[0]
    harness = code_digest(
        "bench.fuse.harness",
        "bench.fuse.style",
        "bench.images",
        "bench.colour",
        "bench.plugin.method",
        "bench.plugin.strips",
        "bench.fuse.stream",
        follow=False,
    )
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
        from bench.plugin.method import PLAIN

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
    from bench.weights.find import resolve

    cls = METHODS.get(plan.label)
    resolved = resolve(cls, weights)
    facts = {**plan.facts, "weights": [dict(file) for file in resolved.files], "training": resolved.training}
    if resolved.training and resolved.training.get("dataset"):
        facts["trained_on"] = [str(resolved.training["dataset"])]
    return replace(plan, source=make_source(cls, resolved.path, config), facts=facts, train=False)
