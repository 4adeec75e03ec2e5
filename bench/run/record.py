"""The manifest of a run: what was asked, what was found, what it ran on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from bench import __version__
from bench.errors import BenchError
from bench.files import digest
from bench.machine import describe_machine
from bench.run.plan import CORE_TASKS, DatasetPlan, MethodPlan, Plan, task_options
from bench.types import PairFiles


def build_manifest(
    plan: Plan, previous: dict[str, Any], command: Sequence[str], parameters: dict[str, int | None], complete: bool
) -> dict[str, Any]:
    """The manifest of a plan, merged with what an earlier run in the same folder said of other names.

    Args:
        plan: what is run.
        previous: the manifest that is there, or empty.
        command: the command line.
        parameters: number of parameters by method label, None where unknown.
        complete: False while the run is going on.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    datasets = {dataset.name: dataset_facts(dataset) for dataset in plan.datasets}
    methods = {method.label: method_facts(method, parameters, previous) for method in plan.methods}
    tasks = {name: task_facts(name, plan) for name in plan.tasks}
    return {
        "version": __version__,
        "created": previous.get("created", now),
        "updated": previous.get("updated", now),
        "command": list(command),
        "config": plan.config.model_dump(mode="json"),
        "seed": plan.config.seed,
        "device": plan.device,
        "machine": asdict(describe_machine()),
        "datasets": {**previous.get("datasets", {}), **datasets},
        "methods": {**previous.get("methods", {}), **methods},
        "tasks": {**previous.get("tasks", {}), **tasks},
        "problems": [
            {"where": f"{dataset.name}: {problem.where}", "text": problem.text}
            for dataset in plan.datasets
            for problem in dataset.problems
            if problem.fault
        ],
        "notes": list(plan.notes),
        "complete": complete,
    }


def dataset_facts(dataset: DatasetPlan) -> dict[str, Any]:
    """What the report needs to know of a data set."""
    spec, main = dataset.spec, dataset.parts[dataset.main]
    return {
        "title": spec.title,
        "licence": spec.licence,
        "homepage": spec.homepage,
        "citation": spec.citation,
        "split": dataset.main,
        "subset": dataset.selection.partition(":")[2],
        "listed": dataset.listed,
        "found": len(main),
        "pairs": [files.id for files in main],
        "parts": {split: [files.id for files in part] for split, part in dataset.parts.items()},
        "tags": {files.id: list(files.tags) for files in dataset.files() if files.tags},
        "sources": {files.id: source_paths(files) for files in dataset.files()},
        "problems": [asdict(problem) for problem in dataset.problems],
        "fingerprint": digest(*(f"{key} {value}" for key, value in sorted(dataset.digests.items()))),
        "digests": dataset.digests,
        "classes": list(spec.classes),
        "palette": [list(colour) for colour in spec.palette],
        "box_classes": {str(key): value for key, value in spec.box_classes.items()},
    }


def source_paths(files: PairFiles) -> dict[str, str]:
    """Where a pair's files lie, absolute."""
    paths = {"ir": files.ir_path, "vis": files.vis_path, "labels": files.label_path, "boxes": files.boxes_path}
    found = {key: str(path.resolve()) for key, path in paths.items() if path is not None}
    return {**found, "four_channel": "yes"} if files.four_channel else found


def method_facts(method: MethodPlan, parameters: dict[str, int | None], previous: dict[str, Any]) -> dict[str, Any]:
    """What the report needs to know of a method."""
    known = previous.get("methods", {}).get(method.label, {}).get("parameters")
    count = parameters.get(method.label)
    return {**method.facts, "parameters": count if count is not None else known}


def task_facts(name: str, plan: Plan) -> dict[str, Any]:
    """What a task says of itself and its settings."""
    if name in CORE_TASKS:
        return {"name": name}
    from bench.plugin.kinds import TASKS

    config, facts = plan.config, {"name": name, "summary": TASKS.summary(name)}
    try:
        settings = TASKS.get(name)().facts(
            config.preset or "quick", task_options(config, name), plan.device, config.weights_root
        )
    except BenchError as error:  # a wrong setting is said where the task runs
        return {**facts, "reason": str(error)}
    return {**facts, **settings}
