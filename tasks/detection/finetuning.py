"""Optional: the detector is trained on a method's fused training images before it looks at its other images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from bench.data.boxes import read_boxes
from bench.data.coco import NAMES
from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.files import digest, file_digest, write_atomic
from bench.images import encode_png
from bench.plugin.task import FusedSet, Job
from tasks.detection import _files
from tasks.detection.settings import Settings

FOLDER = "finetuned"
"""In the job's ``work_dir``: ``images`` and ``labels`` as ultralytics wants them, its run, and ``done.json``."""


def finetune(settings: Settings, job: Job) -> Path:
    """Trains the detector with ultralytics' own trainer, or finds that it has been done for the same images.

    The classes keep their COCO numbers, so the pretrained head goes on where it was.

    Returns:
        The trained checkpoint.

    Raises:
        BenchError: the data set has no labelled training part, or the detector is not one the trainer can train.
    """
    part = _labelled(job)
    if settings.plug_in != "ultralytics":
        raise BenchError(
            f"detector {settings.plug_in!r} cannot be fine-tuned; ultralytics' trainer trains the models of its own "
            "package: give one with --option detection.model=yolov5nu"
        )
    _files.require_ultralytics()
    folder = job.work_dir / FOLDER
    epochs = settings.epochs_for(job.preset)
    start = _files.locate(settings.model, _files.root_of(settings.model, job))
    images = [
        digest(files.id, file_digest(path), file_digest(files.boxes_path) if files.boxes_path else "")
        for files, path in zip(part.files, part.paths, strict=True)
    ]
    key = digest(file_digest(start), str(epochs), str(job.seed), *images)
    checkpoint = folder / "run" / "weights" / "last.pt"
    if checkpoint.is_file() and _done(folder) == [key, file_digest(checkpoint)]:
        return checkpoint
    shutil.rmtree(folder, ignore_errors=True)
    _write_part(part, folder, job.spec)
    _train(start, folder, epochs, job)
    write_atomic(folder / "done.json", json.dumps([key, file_digest(checkpoint)]).encode())
    return checkpoint


def _labelled(job: Job) -> FusedSet:
    part = job.parts.get("train")
    if part is None or not any(files.boxes_path for files in part.files):
        raise BenchError(
            f"{job.dataset}: has no training part with boxes; run without --option detection.finetune=true"
        )
    return part


def _done(folder: Path) -> list[str]:
    try:
        return list(json.loads((folder / "done.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return []


def _write_part(part: FusedSet, folder: Path, spec: DatasetSpec) -> None:
    """Images and labels side by side, and the file that names them; pairs without labels stay out."""
    for fused in part:
        if fused.pair.boxes_path is None:
            continue
        boxes = read_boxes(fused.pair, spec, fused.image.shape[:2]).rows
        lines = [f"{int(box[0])} " + " ".join(f"{value:.6f}" for value in box[1:]) for box in boxes]
        write_atomic(folder / "images" / f"{fused.pair.id}.png", encode_png(fused.image))
        write_atomic(folder / "labels" / f"{fused.pair.id}.txt", "\n".join(lines).encode())
    names = "\n".join(f"  {number}: {name}" for number, name in enumerate(NAMES))
    text = f"path: {folder.resolve()}\ntrain: images\nval: images\nnames:\n{names}\n"
    write_atomic(folder / "data.yaml", text.encode())


def _train(start: Path, folder: Path, epochs: int, job: Job) -> None:
    from ultralytics.models.yolo.detect import DetectionTrainer

    from tasks.detection.detectors.ultralytics import UltralyticsDetector

    detector = UltralyticsDetector(str(start), job.weights_root, "cpu")
    if detector.kind != "yolo":
        raise BenchError(f"{start}: an RT-DETR model cannot be fine-tuned here; give a YOLO of the ultralytics package")
    net: Any = detector.net.requires_grad_(True).train()
    trainer: Any = DetectionTrainer(
        overrides={
            "model": str(start), "data": str(folder / "data.yaml"),
            "epochs": epochs, "imgsz": detector.protocol.size, "seed": job.seed,
            "device": job.device.removeprefix("cuda:") if job.device != "cuda" else "0", "project": str(folder),
            "name": "run", "exist_ok": True, "val": False, "plots": False, "workers": 0, "verbose": False,
            "deterministic": True, "amp": False, "batch": 16,
        }
    )  # fmt: skip
    trainer.model = net
    if job.progress is not None:
        progress = job.progress
        trainer.add_callback("on_train_epoch_end", lambda state: progress("fine-tuning", state.epoch + 1, epochs))
    trainer.train()
