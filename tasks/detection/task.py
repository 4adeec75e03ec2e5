"""The detection task: a detector that was never trained on fused images looks for people and cars in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.files import digest, file_digest, write_atomic
from bench.images import image_size
from bench.plugin.kinds import DETECTORS
from bench.plugin.task import Detections, Detector, Job, Number, Resampler, Setting, Task
from bench.types import PairFiles, Score
from tasks.detection import _files
from tasks.detection.average_precision import CONVENTIONS, Truth, table
from tasks.detection.boxes import PAPER, VAL_PADDING, Protocol
from tasks.detection.drawing import SHOWN, draw, matches
from tasks.detection.predictions import detect_all, merge_kept
from tasks.detection.resampling import METRICS, SUMMARY, UNSEEN, read_resamplers
from tasks.detection.settings import OPTIONS, Settings, read_settings
from tasks.detection.truth import known_classes, read_truth

VERSION = 2
"""Raised whenever the same images would get other scores."""

PICTURES = "pictures"
MERGED = "merged_boxes"


@dataclass(frozen=True, slots=True, eq=False)
class _Image:
    """One labelled image with what was found in it."""

    files: PairFiles
    path: Path
    truth: Truth
    found: Detections


class DetectionTask(Task):
    """Average precision of a detector on every method's fused images, without fine-tuning by default.

    Rows: ``AP@0.5``, ``AP@0.7``, ``AP@0.9``, ``AP@[0.5:0.95]`` (0 to 1) with the class's name, or ``all``, as label.
    Conventions: ``coco`` and ``yolov5`` over all labelled pairs, ``coco/unseen`` and ``yolov5/unseen`` over those that
    are not in the data set's training part under any name: the same pairs for every method, so that rows compare,
    and none that any method trained on that part has seen. Each pair has a row ``seen_in_training``: 1 if this method's
    weights were trained on it, else 0.

    Each convention says what its numbers are over: rows ``pictures``, ``objects`` (by class and ``all``) and
    ``left_out``. A pair whose labels cannot be read is left out and named in a ``skipped`` row of metric ``boxes``; a
    pair whose label file is empty counts, and everything found in it is false.

    Kept in ``work_dir``: ``predictions.jsonl`` (see ``tasks.detection.predictions``); ``pictures/<pair>.jpg``; and
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

    def ready(self, options: Mapping[str, str], weights_root: Path | None) -> None:
        """The detector's weights must be at hand."""
        _files.locate(read_settings(options).model, weights_root)

    def lacks(self, spec: DatasetSpec) -> str:
        """A class that the detector knows."""
        return "" if known_classes(spec) else "has no box_classes of COCO in its description, e.g. {0: person, 2: car}"

    def splits_for(self, options: Mapping[str, str]) -> tuple[str, ...]:
        """Fine-tuning also needs the fused training part."""
        return ("train", *self.splits) if read_settings(options).finetune else self.splits

    def starts_from(self, setting: Setting) -> Mapping[str, Path | None]:
        """The detector's weights; a file given as such is where it was said to be."""
        model = read_settings(setting.options).model
        try:
            found = _files.locate(model, _files.root_of(model, setting))
        except BenchError:  # said when the task runs
            return {}
        return {found.name: found} if found.stem == model else {}

    def facts(self, setting: Setting) -> dict[str, object]:
        """Detector, its weights and their digest, thresholds, and whether it is fine-tuned."""
        settings = read_settings(setting.options)
        return {
            **asdict(settings), "detector": settings.plug_in,
            "weights_sha256": _weights_digest(settings, setting), "protocol": asdict(PAPER),
            "epochs": settings.epochs_for(setting.preset),
            **({"train_precision": "float32"} if settings.finetune else {}),
        }  # fmt: skip

    def built_on(self, job: Job) -> Sequence[str]:
        """The detector's module."""
        return (DETECTORS.entry(read_settings(job.options).plug_in).module,)

    def fingerprint(self, job: Job) -> str:
        """Version, detector, its weights and settings, and which pairs the method has seen."""
        settings = read_settings(job.options)
        facts = {
            "version": VERSION, "settings": asdict(settings), "protocol": asdict(PAPER),
            "weights": _weights_digest(settings, job), "classes": job.spec.box_classes,
            "seen": None if job.seen is None else sorted(job.seen),
        }  # fmt: skip
        return json.dumps(facts, sort_keys=True)

    def resamplers(self, work_dir: Path, files: Sequence[PairFiles], spec: DatasetSpec) -> Sequence[Resampler]:
        """From the predictions kept: of the pairs unseen in training, and of all."""
        return read_resamplers(work_dir, files, spec)

    def run(self, job: Job) -> Iterable[Score]:
        """Detects (or goes on detecting), keeps predictions and pictures, and scores."""
        self.check()
        names = known_classes(job.spec)
        if not names:
            raise BenchError(
                f"{job.dataset}: has no box_classes of COCO in its description; add them, e.g. {{0: person, 2: car}}"
            )
        settings = read_settings(job.options)
        model = _finetuned(settings, job) if settings.finetune else settings.model
        key = _detector_key(settings, job, model)
        found = detect_all(
            job.parts["detection"], tuple(names), job.work_dir, key,
            lambda: make_detector(settings, model, job), job.progress,
        )  # fmt: skip
        yield from _rows(job, found)

    def run_control(self, job: Job, sources: Mapping[str, Job]) -> Iterable[Score]:
        """Merges the boxes kept of the two sources and scores them as any other."""
        return _rows(job, merge_kept(job.parts["detection"], job.work_dir, [one.work_dir for one in sources.values()]))


def make_detector(settings: Settings, model: str, job: Job) -> Detector:
    """The detector of the settings, ready on the job's device.

    Raises:
        BenchError: unknown, missing weights, or not weights of that detector.
    """
    detector = DETECTORS.get(settings.plug_in)(model, _files.root_of(model, job), job.device)
    if settings.padding == "val":
        protocol = getattr(detector, "protocol", None)
        if not isinstance(protocol, Protocol):
            raise BenchError(f"detector {settings.plug_in!r} has no padding to choose; leave detection.padding out")
        detector.protocol = replace(protocol, padding=VAL_PADDING)  # type: ignore[attr-defined]
    return detector


# ------------------------------------------------------------------ rows


def _rows(job: Job, detections: Iterable[tuple[int, Detections]]) -> Iterator[Score]:
    """Scores what was found in the images of a job, and keeps summary and pictures."""
    part = job.parts["detection"]
    row = Score("detection", job.dataset, part.files[0].split, job.method, "", None)
    images: list[_Image] = []
    names, left_out = known_classes(job.spec), 0
    for index, found in detections:
        files, path = part.files[index], part.paths[index]
        try:
            images.append(_Image(files, path, read_truth(files, job.spec, *image_size(path)), found))
        except BenchError as error:
            left_out += 1
            yield replace(row, pair=files.id, metric="boxes", status="skipped", reason=f"left out: {error}")
    _keep(job, images, read_settings(job.options).pictures)
    yield from _unknown_rows(row, job.spec)
    yield from _seen_rows(row, images, job.seen)
    for convention in CONVENTIONS:
        yield from _ap_rows(replace(row, convention=convention), images, names, left_out)
        yield from _unseen_rows(replace(row, convention=f"{convention}/{UNSEEN}"), images, job, left_out)


def _ap_rows(row: Score, images: Sequence[_Image], names: dict[int, str], left_out: int) -> Iterator[Score]:
    """AP of each class and of all, and over what; a class without a box in the truth has none and says so."""
    yield from _count_rows(row, images, names, left_out)
    truth, found = [image.truth for image in images], [image.found for image in images]
    values = table(CONVENTIONS[row.convention.partition("/")[0]](truth, found, list(names)), names)
    for label in (*names.values(), "all"):
        for metric in METRICS:
            value = values.get((metric, label))
            if value is None:
                why = f"no {label if label != 'all' else 'box'} in the truth of the {len(images)} pairs"
                yield replace(row, metric=metric, label=label, status="skipped", reason=why)
            else:
                yield replace(row, metric=metric, label=label, value=value)


def _count_rows(row: Score, images: Sequence[_Image], names: dict[int, str], left_out: int) -> Iterator[Score]:
    """How many pictures and objects the numbers of a table are over, and how many pictures had to be left out."""
    yield replace(row, metric="pictures", value=float(len(images)))
    yield replace(row, metric="left_out", value=float(left_out))
    counts = {name: sum(int((image.truth.classes == key).sum()) for image in images) for key, name in names.items()}
    for label, count in {**counts, "all": sum(counts.values())}.items():
        yield replace(row, metric="objects", label=label, value=float(count))


def _unknown_rows(row: Score, spec: DatasetSpec) -> Iterator[Score]:
    """A class of the truth that the detector cannot name has no AP, and is no part of that of all."""
    for name in (name for number, name in spec.box_classes.items() if number not in known_classes(spec)):
        why = "no class of COCO, which the detector was trained on"
        for convention in CONVENTIONS:
            for metric in METRICS:
                yield replace(row, metric=metric, convention=convention, label=name, status="skipped", reason=why)


def _unseen_rows(row: Score, images: Sequence[_Image], job: Job, left_out: int) -> Iterator[Score]:
    unseen = _unseen(job, images)
    if unseen is not None:
        chosen = [image for image in images if image.files.id in unseen]
        yield from _ap_rows(row, chosen, known_classes(job.spec), left_out)
        return
    why = f"not known which pairs {job.method} was trained on"
    for label in (*known_classes(job.spec).values(), "all"):
        for metric in METRICS:
            yield replace(row, metric=metric, label=label, status="skipped", reason=why)


def _unseen(job: Job, images: Sequence[_Image]) -> frozenset[str] | None:
    """The pairs that neither this method nor any other of this data set was trained on; None where not known."""
    if job.seen is None:
        return None
    names: dict[str, list[str]] = {}
    for image in images:
        names.setdefault(image.files.split, []).append(image.files.id)
    twins = {split: job.spec.in_training(split, own) for split, own in names.items()}
    return frozenset(
        image.files.id
        for image in images
        if image.files.key not in job.seen and image.files.id not in twins[image.files.split]
    )


def _seen_rows(row: Score, images: Sequence[_Image], seen: frozenset[tuple[str, str]] | None) -> Iterator[Score]:
    for image in images:
        if seen is None:
            why = f"not known which pairs {row.method} was trained on"
            yield replace(row, pair=image.files.id, metric="seen_in_training", status="skipped", reason=why)
        else:
            value = float(image.files.key in seen)
            yield replace(row, pair=image.files.id, metric="seen_in_training", value=value)


# ------------------------------------------------------------------ what is kept


def _keep(job: Job, images: Sequence[_Image], pictures: bool) -> None:
    """Writes the summary and the pictures."""
    summary, unseen = {}, _unseen(job, images)
    for image in images:
        shown = image.found.scores >= SHOWN
        right = int(matches(image.truth, image.found).sum())
        labelled = int(np.isin(image.truth.classes, list(known_classes(job.spec))).sum())
        picture = f"{PICTURES}/{image.files.id}.jpg" if pictures else ""
        summary[image.files.id] = {
            "right": right, "wrong": int(shown.sum()) - right, "missed": labelled - right,
            "seen": None if job.seen is None else image.files.key in job.seen,
            "unseen": None if unseen is None else image.files.id in unseen, "picture": picture,
        }  # fmt: skip
        if pictures:
            _write_picture(job.work_dir / picture, image, known_classes(job.spec))
    write_atomic(job.work_dir / SUMMARY, json.dumps(summary, indent=1).encode())


def _write_picture(path: Path, image: _Image, names: dict[int, str]) -> None:
    import cv2

    from bench.images import read_image

    drawn = draw(read_image(image.path), image.truth, image.found, names)
    done, data = cv2.imencode(".jpg", drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not done:
        raise BenchError(f"{path}: the picture could not be encoded")
    write_atomic(path, data.tobytes())


# ------------------------------------------------------------------ the detector's identity


def _weights_digest(settings: Settings, asked: Job | Setting) -> str:
    try:
        return file_digest(_files.locate(settings.model, _files.root_of(settings.model, asked)))
    except BenchError:  # said when the task runs; weights that appear later give another fingerprint
        return ""


def _detector_key(settings: Settings, job: Job, model: str) -> str:
    """What predictions depend on besides the image: weights, plug-in, protocol, classes."""
    try:
        weights = file_digest(_files.locate(model, _files.root_of(model, job)))
    except BenchError:  # a plug-in may find its weights elsewhere; if it cannot, it says so
        weights = model
    return digest(str(VERSION), weights, settings.plug_in, str(asdict(PAPER)), str(sorted(known_classes(job.spec))))


def _finetuned(settings: Settings, job: Job) -> str:
    from tasks.detection.finetuning import finetune

    return str(finetune(settings, job))
