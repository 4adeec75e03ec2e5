"""What a reader is told about a convention and its metrics, from the catalogue; plug-ins may bring names it lacks."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.metrics.catalogue import CONVENTIONS, METRICS


@dataclass(frozen=True, slots=True)
class ConventionText:
    """Words about one convention.

    Attributes:
        name: of the ``convention`` column.
        title: in a few words.
        summary: what it is; empty if unknown.
        sound: True if every number is what its name says.
        warnings: metric -> what is wrong with it here.
        cite: how a paper names it.
    """

    name: str
    title: str
    summary: str = ""
    sound: bool = True
    warnings: dict[str, str] = field(default_factory=dict)
    cite: str = ""


def text_of(name: str) -> ConventionText:
    """The words about a convention; a bare name for one that the catalogue does not list."""
    if name not in CONVENTIONS:
        return ConventionText(name, name)
    entry = CONVENTIONS[name]
    warnings = {metric: use.defect for metric, use in entry.uses.items() if use.defect}
    return ConventionText(name, entry.title, entry.summary, entry.sound, warnings, entry.cite)


def definition(convention: str, metric: str) -> str:
    """What a number is: full name, definition in this convention, unit; empty if the catalogue does not list it."""
    if metric not in METRICS:
        return ""
    facts = METRICS[metric]
    use = CONVENTIONS[convention].uses.get(metric) if convention in CONVENTIONS else None
    unit = use.unit if use else facts.unit
    text = f"{facts.title}: {use.definition if use else facts.definition}"
    return f"{text} Unit: {unit}." if unit else text


TASKS = {
    "segmentation": "A segmenter is trained anew on every method's fused images and scored on its fused test images.",
    "detection": "A detector that never saw a fused image looks for people and cars in every method's images.",
    "efficiency": "Time of one pair from tensors to fused tensor, one at a time, after warming up; and what it costs.",
}

TASK_CONVENTIONS = {
    "single_scale": "whole images, once, most likely class",
    "multi_scale": "six scales, mirrored, sliding windows, as the authors' published evaluation does",
    "joint": "the segmenter that was trained together with the method, not the one trained anew; another schedule",
    "coco": "mean over 101 recall points, as pycocotools",
    "yolov5": "trapezoids under 101 interpolated recall points, as YOLOv5's own validation",
    "day": "pairs tagged day only",
    "night": "pairs tagged night only",
    "unseen": "only pairs that are in no method's training part",
    "compiled": "compiled by torch.compile",
    "fast_bf16": "in bfloat16",
    "plain": "without channels-last memory layout",
}


def task_text(task: str) -> str:
    """What a task does, in one sentence; empty for one that a plug-in brought."""
    return TASKS.get(task, "")


def task_convention(name: str) -> str:
    """A way of scoring, such as ``joint/single_scale/day``, in words; empty where none is known."""
    return "; ".join(TASK_CONVENTIONS[part] for part in name.split("/") if part in TASK_CONVENTIONS)
