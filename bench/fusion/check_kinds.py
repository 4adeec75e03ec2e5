"""Contracts of the other kinds of plug-in, one sentence per broken promise.

What a method promises stands in ``bench.fusion.contract``; here is what the suite relies on in the rest.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bench.data.home import default_data_root
from bench.data.spec import broken_packages, load_datasets
from bench.errors import BenchError
from bench.fusion.contract import check_method
from bench.fusion.harness import create_fuser
from bench.metrics.catalogue import METRICS
from bench.metrics.engine import evaluate
from bench.metrics.facts import Metric
from bench.metrics.metric_facts import BUILT_IN
from bench.metrics.packages import broken_metrics, packaged_metrics
from bench.plugin.kinds import DETECTORS, SEGMENTERS, TASKS
from bench.plugin.task import Detector, Number, Task
from bench.types import Image

Images = tuple[Image, Image, Image]

DIRECTIONS = ("higher", "lower", "")


def check_metric(name: str) -> list[str]:
    """What a metric breaks of: finite, repeatable, alike for grey and grey as RGB, within its declared range.

    Raises:
        BenchError: unknown name.
    """
    broken = broken_metrics()
    if name in broken:
        return [f"{name}: cannot be used: {broken[name]}"]
    if name in BUILT_IN and name in packaged_metrics():
        return [f"{name}: is built in, so that of {packaged_metrics()[name].origin} is not used; choose another name"]
    if name not in METRICS:
        raise BenchError(f"unknown metric {name!r}; see bench list metrics")
    return list(_metric_faults(name))


def _metric_faults(name: str) -> Iterator[str]:
    facts = METRICS[name]
    for key in ("title", "definition", "source"):
        if not getattr(facts, key):
            yield f"{name}: {key} is empty, wanted a text for tables and cards"
    if facts.better not in ("higher", "lower"):
        yield f"{name}: better is {facts.better!r}, wanted higher or lower"
    rng = np.random.default_rng(0)
    cases: dict[str, Images] = {
        "random": (_random(rng, 64, 80), _random(rng, 64, 80), _random(rng, 64, 80)),
        "constant": (
            np.full((64, 80), 10, np.uint8),
            np.full((64, 80), 200, np.uint8),
            np.full((64, 80), 120, np.uint8),
        ),
        "odd-sized": (_random(rng, 65, 79), _random(rng, 65, 79), _random(rng, 65, 79)),
    }
    for what, images in cases.items():
        kept = [image.copy() for image in images]
        try:
            yield from _value_faults(facts, what, images)
        except BenchError as error:
            yield f"{name}: {what} images: {error}"
        if any((image != before).any() for image, before in zip(images, kept, strict=True)):
            yield f"{name}: changed its input"


def _random(rng: np.random.Generator, height: int, width: int) -> Image:
    return rng.integers(0, 256, (height, width), dtype=np.uint8)


def _value_faults(facts: Metric, what: str, images: Images) -> Iterator[str]:
    name = facts.name
    first, again = _value(name, images), _value(name, images)
    if not math.isfinite(first):
        yield f"{name}: {what} images give {first}, wanted a finite number"
        return
    if first != again:
        yield f"{name}: {what} images give {first!r}, then {again!r}, wanted the same number each time"
    low, high = -math.inf if facts.low is None else facts.low, math.inf if facts.high is None else facts.high
    if not low - 1e-9 <= first <= high + 1e-9:
        yield f"{name}: {what} images give {first}, outside its declared range {facts.low} to {facts.high}"
    ir, vis, fused = (np.repeat(image[..., None], 3, axis=2) for image in images)
    if abs(_value(name, (ir, vis, fused)) - first) > 1e-9 * max(1.0, abs(first)):
        yield f"{name}: {what} images stored as RGB give another number than as grey"


def _value(name: str, images: Images) -> float:
    ir, vis, fused = images
    return evaluate(ir, vis, fused, metrics=[name])[name]


def check_task(name: str) -> list[str]:
    """What a task breaks of: its declarations, with which tables, ranks and pages are made.

    Raises:
        BenchError: unknown name.
    """
    return list(_task_faults(name, TASKS.get(name)))


def _task_faults(name: str, cls: type[Task]) -> Iterator[str]:
    if not cls.numbers:
        yield f"{name}: declares no numbers, so nothing of it is headed or ranked; wanted Task.numbers"
    names = [number.metric for number in cls.numbers]
    for metric in {metric for metric in names if names.count(metric) > 1}:
        yield f"{name}: declares {metric} twice"
    for number in cls.numbers:
        yield from _number_faults(name, number, names)
    if cls.numbers and not any(number.headline for number in cls.numbers):
        yield f"{name}: no number is a headline, so the overview cannot show the task"
    if not cls.about:
        yield f"{name}: about is empty, wanted one sentence on what is measured and how"
    if cls.runs not in ("always", "preset", "named"):
        yield f"{name}: runs is {cls.runs!r}, wanted always, preset or named"
    if cls.truth not in ("", "labels", "boxes") and cls.has_truth is Task.has_truth:
        yield f"{name}: truth {cls.truth!r} is a word of its own, so has_truth must say which pairs carry it"
    try:
        pickle.dumps(cls)
    except Exception:
        yield f"{name}: its class cannot be found by a worker process; define it at the top of its module"


def _number_faults(name: str, number: Number, names: list[str]) -> Iterator[str]:
    if number.better not in DIRECTIONS:
        yield f"{name}: better of {number.metric} is {number.better!r}, wanted higher, lower or empty"
    if number.spread_of and number.spread_of not in names:
        yield f"{name}: {number.metric} is the spread of {number.spread_of!r}, which it does not declare"
    if number.headline and (number.hidden or number.spread_of):
        yield f"{name}: {number.metric} is a headline and hidden at once"


def check_segmenter(name: str) -> list[str]:
    """What a segmenter breaks of: shape of its outputs, weights of its losses, repeatability.

    Raises:
        BenchError: unknown name.
    """
    import torch

    segmenter = SEGMENTERS.get(name)()
    faults = [] if segmenter.normalisation else [f"{name}: normalisation is empty, wanted what is done to images first"]
    nets = [segmenter.build(5, seed=3)[0].eval() for _ in range(2)]
    images = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        outputs, again = (net(images) for net in nets)
    if len(outputs) != len(segmenter.loss_weights()):
        faults.append(f"{name}: {len(outputs)} outputs for {len(segmenter.loss_weights())} loss weights")
    faults += [
        f"{name}: output {place} has shape {tuple(output.shape)}, wanted (2, 5, 64, 96)"
        for place, output in enumerate(outputs)
        if tuple(output.shape) != (2, 5, 64, 96)
    ]
    if not all(torch.equal(one, other) for one, other in zip(outputs, again, strict=True)):
        faults.append(f"{name}: two networks built with one seed differ")
    grouped = {id(p) for group in segmenter.parameter_groups(nets[0], 1e-4) for p in group["params"]}  # type: ignore[attr-defined]
    missing = sum(id(p) not in grouped for p in nets[0].parameters())
    return [*faults, *([f"{name}: {missing} parameters are in no group, so they are never trained"] if missing else [])]


CLASSES = {0: "person", 2: "car", 80: "lamp"}
"""What a detector learns in its contract: two classes of COCO, and one that COCO lacks."""


def check_detector(name: str) -> list[str]:
    """What can be said of a detector without its weights: its class can be used, and what it says it can learn, it can.

    Raises:
        BenchError: unknown name.
    """
    cls = DETECTORS.get(name)
    faults = [] if cls.summary else [f"{name}: summary is empty, wanted one line for tables"]
    return faults + (list(_learning_faults(name, cls)) if cls.sample else [])


def _learning_faults(name: str, cls: type[Detector]) -> Iterator[str]:
    """What a detector that can be trained breaks of: loss, gradients, repeatability, boxes of its classes alone."""
    import torch

    pair = [cls.tunable(cls.sample, None, "cpu", CLASSES, 3) for _ in range(2)]
    first, stride = pair[0], pair[0].stride
    images = torch.rand(2, 3, 2 * stride, 3 * stride, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor([[0, 0, 0.5, 0.5, 0.4, 0.5], [1, 2, 0.3, 0.4, 0.3, 0.3]])
    found = [one.detect(images, tuple(CLASSES))[0] for one in pair]
    if any((getattr(found[0], key) != getattr(found[1], key)).any() for key in ("boxes", "scores", "classes")):
        yield f"{name}: two detectors made with one seed find different boxes"
    if set(found[0].classes.tolist()) - set(CLASSES):
        yield f"{name}: finds classes {sorted(set(found[0].classes.tolist()))}, wanted only those of {list(CLASSES)}"
    if (found[0].scores[1:] > found[0].scores[:-1]).any():
        yield f"{name}: its scores do not fall"
    loss = first.loss(images, boxes) if first.net.train() else None
    if loss is None or loss.ndim or not torch.isfinite(loss):
        yield f"{name}: its loss is {loss}, wanted one finite number"
        return
    torch.autograd.backward(loss)
    if not any(weight.grad is not None and weight.grad.any() for weight in first.net.parameters()):
        yield f"{name}: its loss has no gradient in the network, so nothing is learned"
    if not torch.isfinite(first.loss(images, torch.zeros(0, 6))):
        yield f"{name}: its loss of images without a box is not finite"


def check_dataset(name: str) -> list[str]:
    """What a data set breaks of: that it can be described, and that what is on disk reads.

    Raises:
        BenchError: unknown name.
    """
    from bench.data.commands import check_dataset as read_all

    broken = broken_packages()
    if name in broken:
        return [f"{name}: cannot be used: {broken[name]}"]
    if name not in load_datasets():
        raise BenchError(f"unknown data set {name!r}; see bench list datasets")
    try:
        report = read_all(name, default_data_root())
    except BenchError:  # nothing of it is on this disk, which breaks no promise
        return []
    return [f"{name}: {problem.where}: {problem.text}" for problem in report.problems if problem.fault]


KINDS: dict[str, Callable[[str], list[str]]] = {
    "metric": check_metric,
    "task": check_task,
    "segmenter": check_segmenter,
    "detector": check_detector,
    "dataset": check_dataset,
}


def check(kind: str, name: str, weights_root: Path | None = None) -> list[str]:
    """One sentence per broken promise of a plug-in of any kind.

    Args:
        kind: ``method`` or one of ``KINDS``.
        name: of the plug-in.
        weights_root: folder of published weights; with it a method is checked with its weights too.

    Raises:
        BenchError: unknown kind or name.
    """
    if kind == "method":
        return [*check_method(name), *(_weights_faults(name, weights_root) if weights_root else [])]
    if kind not in KINDS:
        raise BenchError(f"unknown kind {kind!r}, wanted method, {', '.join(KINDS)}")
    return KINDS[kind](name)


def _weights_faults(name: str, weights_root: Path) -> list[str]:
    """What goes wrong with the published weights of a method, on one pair."""
    try:
        fuser = create_fuser(name, weights_root)
        side = max(64, fuser.method.smallest)
        rng = np.random.default_rng(0)
        fuser.fuse_pair(_random(rng, side, side + 16), _random(rng, side, side + 16))
    except BenchError as error:
        return [f"{name}: with the weights of {weights_root}: {error}"]
    return []
