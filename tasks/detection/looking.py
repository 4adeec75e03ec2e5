"""Who looks at a method's images: each detector as it is, or after each of its trainings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.files import digest, file_digest
from bench.plugin.kinds import DETECTORS
from bench.plugin.task import Detections, Detector, Job, Setting
from tasks.detection import _files
from tasks.detection.boxes import PAPER, VAL_PADDING, Protocol
from tasks.detection.looks import Look
from tasks.detection.predictions import detect_all
from tasks.detection.settings import UNTUNED, Judge, Settings
from tasks.detection.truth import known_classes

if TYPE_CHECKING:
    from tasks.detection.finetuning import Tuning

VERSION = 2
"""Raised whenever the same images would get other boxes or scores."""


@dataclass(frozen=True, slots=True)
class Looking(Look):
    """A look with what it is made of.

    Attributes:
        judge: its detector.
    """

    judge: Judge


def looks(settings: Settings, preset: str, spec: DatasetSpec) -> tuple[Looking, ...]:
    """All looks of a job, the one that speaks first; with fine-tuning each detector untuned as well."""
    found = []
    for place, judge in enumerate(settings.judges):
        prefix = judge.name if place else ""
        names = [
            judge.name if seed == 0 else f"{judge.name}-seed{seed}" for seed in range(settings.seeds_under(preset))
        ]
        folders = (".", *names[1:]) if place == 0 else tuple(names)
        found.append(Looking(prefix, folders, tuple(found_classes(settings, spec)), settings.finetune, judge))
        if settings.finetune:
            before = "/".join(filter(None, (prefix, UNTUNED)))
            known = tuple(known_classes(spec))
            found.append(Looking(before, (f"{judge.name}-{UNTUNED}",), known, trained=False, judge=judge))
    return tuple(found)


def found_classes(settings: Settings, spec: DatasetSpec) -> dict[int, str]:
    """The classes that the detectors look for: those of COCO; all of the data set's, where they learn them."""
    return dict(spec.box_classes) if settings.finetune else known_classes(spec)


# ------------------------------------------------------------------ looking


def detections(
    job: Job, settings: Settings, made: Sequence[Looking], tuning: Tuning | None
) -> Iterator[list[list[tuple[int, Detections]]]]:
    """For each look and each of its trainings (place in the scored part, boxes found there)."""
    for look in made:
        yield [list(_detections(job, settings, look, seed, tuning)) for seed in range(len(look.folders))]


def _detections(
    job: Job, settings: Settings, look: Looking, seed: int, tuning: Tuning | None
) -> Iterator[tuple[int, Detections]]:
    start = starting_point(look.judge, settings, job)
    weights = file_digest(start) if start else look.judge.model
    make: Callable[[], Detector] = partial(make_detector, look.judge, job)
    folder = job.work_dir / look.folders[seed]
    if tuning is not None and not look.trained:
        weights += f", outputs of {job.seed}"
        make = partial(tuning.detector, look.judge, start, job.seed)
    elif tuning is not None:
        weights = str(tuning.signature(look.judge, start, job.seed + seed))
        make = partial(tuning.tuned, look.judge, start, job.seed + seed, folder)
    key = _key(look, weights, settings)
    return detect_all(
        job.parts["detection"], look.classes, folder, key, lambda: _padded(make(), settings), job.progress
    )


def _key(look: Looking, weights: str, settings: Settings) -> str:
    """What predictions depend on besides the image: weights, plug-in, protocol, classes."""
    return digest(
        str(VERSION), weights, look.judge.plug_in, str(asdict(PAPER)), settings.padding, str(sorted(look.classes))
    )


def make_detector(judge: Judge, job: Job) -> Detector:
    """A detector as it is, on the job's device.

    Raises:
        BenchError: unknown, missing weights, or not weights of that detector.
    """
    return DETECTORS.get(judge.plug_in)(judge.model, _files.root_of(judge.model, job), job.device)


def _padded(detector: Detector, settings: Settings) -> Detector:
    """The detector with the padding that was asked for.

    Raises:
        BenchError: it has none to choose.
    """
    if settings.padding == "val":
        protocol = getattr(detector, "protocol", None)
        if not isinstance(protocol, Protocol):
            raise BenchError(f"detector {detector.name!r} has no padding to choose; leave detection.padding out")
        detector.protocol = replace(protocol, padding=VAL_PADDING)  # type: ignore[attr-defined]
    return detector


# ------------------------------------------------------------------ what it starts from


def starting_point(judge: Judge, settings: Settings, asked: Job | Setting) -> Path | None:
    """A detector's weights; None for random ones, or where a plug-in finds its own.

    Within a run whose detectors learn, that is what the run itself chose, wherever the worker stands.

    Raises:
        BenchError: not there, and random ones will not do.
    """
    named = judge.name == judge.model
    if settings.finetune and named and asked.pretrained is not None:
        kept = asked.pretrained / f"{judge.name}.pt"
        if kept.is_file() or settings.may_start_at_random(asked.preset):
            return kept if kept.is_file() else None
    try:
        return _files.locate(judge.model, _files.root_of(judge.model, asked))
    except BenchError as error:
        if not settings.finetune:
            return None  # a plug-in may find its weights elsewhere; if it cannot, it says so
        if named and settings.may_start_at_random(asked.preset):
            return None
        more = "; or start from random weights with --option detection.random_start=true" if named else ""
        raise BenchError(f"{error}{more}") from error


def starts_from(settings: Settings, setting: Setting) -> Mapping[str, Path | None]:
    """The files that the run keeps for its workers; a file given as such is where it was said to be."""
    found: dict[str, Path | None] = {}
    for judge in settings.judges:
        path = starting_point(judge, settings, setting)
        if judge.name == judge.model and (path is not None or settings.finetune):
            found[f"{judge.name}.pt"] = path
    return found


def starts_in_words(settings: Settings, setting: Setting) -> dict[str, str]:
    """By detector, what it starts from."""
    found = {}
    for judge in settings.judges:
        path = starting_point(judge, settings, setting)
        missing = "random weights: none at hand" if settings.finetune else "no weights at hand"
        found[judge.name] = f"{path.name}, SHA-256 {file_digest(path)}" if path else missing
    return found
