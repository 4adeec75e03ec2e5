"""Finding a detector's checkpoint, and the optional package all detectors here are built from."""

from __future__ import annotations

import importlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.plugin.task import Job, Setting
from tasks.detection.settings import ORIGINAL

INERT = ("models", "utils", "ultralytics", "numpy", "_codecs", "pathlib", "datetime")
"""Packages whose objects stand in checkpoints of either family: modules, and scores, dates and paths beside them. All
become stand-ins that run nothing."""

ORIGINAL_PLACE = ("YOLOv5", "https://github.com/ultralytics/yolov5/releases/download/v7.0")
ULTRALYTICS_PLACE = ("Ultralytics", "https://github.com/ultralytics/assets/releases/download/v8.3.0")
"""Folder below the weights root, and where the files are published."""

INSTALL = "pip install 'ivif-bench[detection]'"


def require_ultralytics() -> None:
    """Imports ultralytics, kept from installing packages, from calling home and from changing other libraries.

    On import it replaces ``PIL.Image.open`` (an unreadable image then asks for another package), ``torch.save`` and
    three functions of OpenCV, and turns OpenCV's threads off, for the whole process.

    Raises:
        BenchError: it is not installed.
    """
    require("ultralytics")
    if "ultralytics.utils.patches" in sys.modules:
        return
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_OFFLINE", "true")
    import cv2
    import torch
    from PIL import Image

    patched: list[tuple[Any, str]] = [(Image, "open"), (torch, "save")]
    patched += [(cv2, name) for name in ("imread", "imwrite", "imshow")]
    originals = [getattr(owner, name) for owner, name in patched]
    threads = cv2.getNumThreads()
    try:
        importlib.import_module("ultralytics.nn.tasks")
        importlib.import_module("ultralytics.utils.patches")
    finally:
        for (owner, name), original in zip(patched, originals, strict=True):
            setattr(owner, name, original)
        cv2.setNumThreads(threads)


def require(package: str) -> None:
    """Checks for one optional package of the detection task.

    Raises:
        BenchError: it is not installed; names the install command.
    """
    if find_spec(package) is None:
        raise BenchError(f"detection needs the package {package}, which is not installed; {INSTALL}")


def root_of(model: str, asked: Job | Setting) -> Path | None:
    """Where a detector's weights are looked for: what the run keeps for all its workers, else the weights root."""
    kept = asked.pretrained
    return kept if kept is not None and (kept / f"{model}.pt").is_file() else asked.weights_root


def locate(model: str, weights_root: Path | None) -> Path:
    """The checkpoint of a model given by name (``yolov5n``) or by file.

    Raises:
        BenchError: not there; says where it is looked for and from where it can be had.
    """
    if model.endswith(".pt") or "/" in model:
        path = Path(model).expanduser()
        if path.is_file():
            return path
        raise BenchError(f"detector weights {path} do not exist; give a .pt file with --option detection.model=FILE")
    roots = [weights_root] if weights_root is not None else []
    if os.environ.get("BENCH_WEIGHTS"):
        roots.append(Path(os.environ["BENCH_WEIGHTS"]))
    folder, release = ORIGINAL_PLACE if ORIGINAL.match(model) else ULTRALYTICS_PLACE
    for root in roots:
        for candidate in (root / folder / f"{model}.pt", root / "YOLOv5" / f"{model}.pt", root / f"{model}.pt"):
            if candidate.is_file():
                return candidate
    top = str(roots[0]) if roots else "WEIGHTS"
    given = "" if roots else " and give --weights-root WEIGHTS"
    raise BenchError(
        f"detector weights {top}/{folder}/{model}.pt not found; mend with: "
        f"curl -L --create-dirs -o {top}/{folder}/{model}.pt {release}/{model}.pt{given}"
    )
