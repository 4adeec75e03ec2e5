"""The detection task: detectors look for people, cars and the like in every method's images."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.files import file_digest, write_atomic
from bench.images import image_size
from bench.machine import in_words
from bench.plugin.kinds import DETECTORS
from bench.plugin.task import Detections, Job, Number, Resampler, Setting, Task
from bench.types import PairFiles, Score
from tasks.detection import _files
from tasks.detection.boxes import PAPER
from tasks.detection.drawing import SHOWN, draw, matches
from tasks.detection.looking import (
    VERSION,
    detections,
    found_classes,
    looks,
    starting_point,
    starts_from,
    starts_in_words,
)
from tasks.detection.looks import Look, keep_looks
from tasks.detection.predictions import merge_kept
from tasks.detection.resampling import METRICS, SUMMARY, read_resamplers
from tasks.detection.scoring import SPREAD, Found, Labelled, nameless_rows, rows_of_look, seen_rows
from tasks.detection.settings import OPTIONS, Settings, read_settings
from tasks.detection.truth import boxed, known_classes, read_truth
from tasks.detection.weighted import warm

if TYPE_CHECKING:
    from tasks.detection.finetuning import Tuning

PICTURES = "pictures"
MERGED = "merged_boxes"
TUNED = (
    "Detectors are trained on every method's fused training images, with one budget for all, and look for objects in "
    "its other images."
)


class DetectionTask(Task):
    """Average precision of detectors on every method's fused images, trained anew on them or as they are.

    Rows: ``AP@0.5``, ``AP@0.7``, ``AP@0.9``, ``AP@[0.5:0.95]`` (0 to 1) with the class's name, or ``all``, as label.
    Conventions: ``coco`` and ``yolov5`` over all labelled pairs, ``coco/unseen`` and ``yolov5/unseen`` over those that
    are not in the data set's training part under any name: the same pairs for every method, so that rows compare,
    and none that any method trained on that part has seen. Each pair has a row ``seen_in_training``: 1 if this method's
    weights were trained on it, else 0. The first also ``coco/unseen/day``, ``/night``, ``/small``, ``/medium``,
    ``/large``: pairs by their tag, objects by their size.

    With ``finetune`` each detector first learns on the method's fused training images, with one budget for all and
    with several seeds if asked; AP is then the mean over the seeds, ``AP... std`` its sample deviation,
    ``untuned/coco`` that of the same detector before it learned, and a pair whose scene the detector learned from is
    no unseen one.
    With several detectors the first speaks; the ways of another begin with its name, ``yolov8n/coco``.

    Each convention says what its numbers are over: rows ``pictures``, ``objects`` (by class and ``all``) and
    ``left_out``. A pair whose labels cannot be read is left out and named in a ``skipped`` row of metric ``boxes``; a
    pair whose label file is empty counts, and everything found in it is false.

    Kept in ``work_dir``: ``looks.json``, which detectors looked; ``predictions.jsonl`` (see
    ``tasks.detection.predictions``), those of other detectors and seeds in folders beside; ``pictures/<pair>.jpg``; and
    ``images.json``: for each pair the number of ``right``, ``wrong`` and ``missed`` boxes at score 0.25 and IoU 0.5,
    ``seen`` (by the method in training), ``unseen`` (in no training, so that it counts there) and ``picture``.
    """

    name = "detection"
    title = "Detection"
    about = (
        "A detector that never saw a fused image looks for people and cars in every method's images. Its default, "
        "YOLOv5n, is the smallest of its kind and does not reproduce Table 2 of the SeAFusion paper."
    )
    numbers = (
        Number("AP@0.5", headline=True, labels=("all",), effect=0.01),
        Number("AP@0.7"),
        Number("AP@0.9"),
        Number("AP@[0.5:0.95]", headline=True, labels=("all",), effect=0.01),
        *(Number(metric + SPREAD, "", spread_of=metric) for metric in METRICS),
        Number("seeds", "", "Seeds", 0),
        Number("pictures", "", "Pictures", 0),
        Number("objects", "", "Objects", 0),
        Number("left_out", "", "Pictures left out", 0),
        Number("seen_in_training", ""),
    )
    ways = {  # noqa: RUF012 - a declaration, never changed
        "coco": "mean over 101 recall points, as pycocotools",
        "yolov5": "trapezoids under 101 interpolated recall points, as ultralytics 8.4",
        "yolov5_val": "the same with the curve sloping to 0 at recall 1, as the original YOLOv5's val.py",
    }
    controls = {  # noqa: RUF012 - a declaration, never changed
        MERGED: "The boxes found in the visible and in the infrared image, merged by weighted boxes fusion; no image "
        "is fused."
    }
    truth = "boxes"
    options = OPTIONS
    splits = ("detection",)

    def check(self) -> None:
        """Raises BenchError with the install command when an optional package is missing."""
        for package in ("ultralytics", "faster_coco_eval"):
            _files.require(package)

    def warm(self) -> None:
        """The kernel of average precision in drawn images."""
        warm()

    def ready(self, options: Mapping[str, str], weights_root: Path | None) -> None:
        """The detectors' weights must be at hand; those that learn may do without, as ``starts_from`` says."""
        settings = read_settings(options)
        for judge in settings.judges if not settings.finetune else ():
            _files.locate(judge.model, weights_root)

    def lacks(self, spec: DatasetSpec) -> str:
        """A class that the detector knows."""
        return "" if known_classes(spec) else "has no box_classes of COCO in its description, e.g. {0: person, 2: car}"

    def splits_for(self, options: Mapping[str, str]) -> tuple[str, ...]:
        """Fine-tuning also needs the fused training part."""
        return ("train", *self.splits) if read_settings(options).finetune else self.splits

    def stands_beside(self, options: Mapping[str, str]) -> tuple[str, ...]:
        """Where detectors are trained, both sources and their average are what every method must do better than."""
        return ("visible", "infrared", "average") if read_settings(options).finetune else ()

    def judges(self, options: Mapping[str, str]) -> tuple[str, ...]:
        """The detectors."""
        return tuple(judge.name for judge in read_settings(options).judges)

    def about_under(self, options: Mapping[str, str]) -> str:
        """What is measured: whether the detector has learned on the images that it looks at."""
        return TUNED if read_settings(options).finetune else self.about

    def starts_from(self, setting: Setting) -> Mapping[str, Path | None]:
        """The detectors' weights; a file given as such is where it was said to be."""
        return starts_from(read_settings(setting.options), setting)

    def facts(self, setting: Setting) -> dict[str, object]:
        """Detectors, what they start from, thresholds, and how they are fine-tuned."""
        settings = read_settings(setting.options)
        return {
            **asdict(settings), "detector": [judge.plug_in for judge in settings.judges],
            "start": starts_in_words(settings, setting), "protocol": asdict(PAPER),
            **({"schedule": asdict(settings.schedule(setting.preset)), "train_precision": "float32"}
               if settings.finetune else {}),
        }  # fmt: skip

    def built_on(self, job: Job) -> Sequence[str]:
        """The detectors' modules."""
        plug_ins = dict.fromkeys(judge.plug_in for judge in read_settings(job.options).judges)
        return tuple(DETECTORS.entry(name).module for name in plug_ins)

    def fingerprint(self, job: Job) -> str:
        """Version, detectors, their weights and settings, and which pairs the method has seen."""
        settings = read_settings(job.options)
        starts = [starting_point(judge, settings, job) for judge in settings.judges]
        facts = {
            "version": VERSION, "settings": asdict(settings), "protocol": asdict(PAPER),
            "weights": [file_digest(start) if start else "" for start in starts], "classes": job.spec.box_classes,
            "schedule": asdict(settings.schedule(job.preset)) if settings.finetune else None,
            "seen": None if job.seen is None else sorted(job.seen),
        }  # fmt: skip
        return json.dumps(facts, sort_keys=True)

    def resamplers(self, work_dir: Path, files: Sequence[PairFiles], spec: DatasetSpec) -> Sequence[Resampler]:
        """From the predictions kept: of the pairs unseen in training, and of all."""
        return read_resamplers(work_dir, files, spec)

    def estimate_cost(self, job: Job) -> str:
        """Times a few steps of each detector's training; empty where none learns."""
        settings = read_settings(job.options)
        if not settings.finetune:
            return ""
        tuning = _tuning(settings, job)
        lines = []
        for judge in settings.judges:
            seconds, seeds = tuning.seconds_per_step(judge, starting_point(judge, settings, job)), tuning.schedule.seeds
            steps = tuning.schedule.total(len(tuning.part))
            lines.append(
                f"detection, preset {job.preset}, {judge.name} on {job.device}: {steps} steps of {seconds:.3f} s, "
                f"{seeds} times, about {in_words(seconds * steps * seeds)} for every method"
            )
        return "\n".join(lines)

    def run(self, job: Job) -> Iterable[Score]:
        """Trains what is to learn, detects (or goes on with either), keeps predictions and pictures, and scores."""
        self.check()
        if not known_classes(job.spec):
            raise BenchError(
                f"{job.dataset}: has no box_classes of COCO in its description; add them, e.g. {{0: person, 2: car}}"
            )
        settings = read_settings(job.options)
        made = looks(settings, job.preset, job.spec)
        tuning = _tuning(settings, job) if settings.finetune else None
        return _rows(job, made, detections(job, settings, made, tuning))

    def run_control(self, job: Job, sources: Mapping[str, Job]) -> Iterable[Score]:
        """Merges the boxes kept of the two sources and scores them as any other."""
        made = looks(read_settings(job.options), job.preset, job.spec)
        places = [one.work_dir for one in sources.values()]
        part = job.parts["detection"]
        found = (
            [list(merge_kept(part, job.work_dir / folder, [place / folder for place in places])) for folder in
             look.folders]
            for look in made
        )  # fmt: skip
        return _rows(job, made, found)


def _tuning(settings: Settings, job: Job) -> Tuning:
    from tasks.detection.finetuning import Tuning

    return Tuning.of(job, settings.schedule(job.preset), found_classes(settings, job.spec))


# ------------------------------------------------------------------ rows


Boxes = Sequence[Sequence[tuple[int, Detections]]]
"""Of one look: for each of its trainings (place in the part, what was found there)."""


def _rows(job: Job, made: Sequence[Look], detected: Iterable[Boxes]) -> Iterator[Score]:
    """Scores what was found in the images of a job, and keeps summary and pictures."""
    settings = read_settings(job.options)
    part = job.parts["detection"]
    row = Score("detection", job.dataset, part.files[0].split, job.method, "", None)
    images, faults = _labelled(job)
    yield from (replace(row, pair=pair, metric="boxes", status="skipped", reason=why) for pair, why in faults.items())
    unseen = _unseen(job, images)
    for look, boxes in zip(made, detected, strict=True):
        runs = [dict(run) for run in boxes]
        there = [image for image in images if all(image.place in run for run in runs)]
        names = {number: job.spec.box_classes[number] for number in look.classes}
        found = Found(look, names, [[run[image.place] for image in there] for run in runs])
        if not look.prefix:
            _keep(job, there, found, unseen, settings.pictures)
            yield from seen_rows(row, there, job.seen)
        yield from nameless_rows(row, found, job.spec.box_classes)
        yield from rows_of_look(row, there, found, unseen, len(faults))
    keep_looks(job.work_dir, made)


def _labelled(job: Job) -> tuple[list[Labelled], dict[str, str]]:
    """The images whose labels can be read, and why others are left out."""
    part, images, faults = job.parts["detection"], list[Labelled](), dict[str, str]()
    for place, (files, path) in enumerate(zip(part.files, part.paths, strict=True)):
        try:
            images.append(Labelled(place, files, path, read_truth(files, job.spec, *image_size(path))))
        except BenchError as error:
            faults[files.id] = f"left out: {error}"
    return images, faults


def _unseen(job: Job, images: Sequence[Labelled]) -> frozenset[str] | None:
    """The pairs that neither this method, any other of this data set, nor the detector learned from.

    None where it is not known what the method was trained on.
    """
    if job.seen is None:
        return None
    names: dict[str, list[str]] = {}
    for image in images:
        names.setdefault(image.files.split, []).append(image.files.id)
    learned = [files.id for files in boxed(job.parts.get("train")).files]
    twins = {
        split: job.spec.in_training(split, own) | job.spec.in_training(split, own, learned)
        for split, own in names.items()
    }
    return frozenset(
        image.files.id
        for image in images
        if image.files.key not in job.seen and image.files.id not in twins[image.files.split]
    )


# ------------------------------------------------------------------ what is kept


def _keep(job: Job, images: Sequence[Labelled], found: Found, unseen: frozenset[str] | None, pictures: bool) -> None:
    """Writes the summary and the pictures, of the first training."""
    summary = {}
    for image, boxes in zip(images, found.runs[0], strict=True):
        shown = boxes.scores >= SHOWN
        right = int(matches(image.truth, boxes).sum())
        labelled = int(np.isin(image.truth.classes, list(found.names)).sum())
        picture = f"{PICTURES}/{image.files.id}.jpg" if pictures else ""
        summary[image.files.id] = {
            "right": right, "wrong": int(shown.sum()) - right, "missed": labelled - right,
            "seen": None if job.seen is None else image.files.key in job.seen,
            "unseen": None if unseen is None else image.files.id in unseen, "picture": picture,
        }  # fmt: skip
        if pictures:
            _write_picture(job.work_dir / picture, image, boxes, found.names)
    write_atomic(job.work_dir / SUMMARY, json.dumps(summary, indent=1).encode())


def _write_picture(path: Path, image: Labelled, found: Detections, names: Mapping[int, str]) -> None:
    import cv2

    from bench.images import read_image

    drawn = draw(read_image(image.path), image.truth, found, names)
    done, data = cv2.imencode(".jpg", drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not done:
        raise BenchError(f"{path}: the picture could not be encoded")
    write_atomic(path, data.tobytes())
