"""Finding a detector's checkpoint, and the optional package all detectors here are built from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from bench.types import BenchError

HARMLESS = ("numpy", "_codecs", "pathlib", "datetime")
"""Packages whose objects stand in checkpoints beside the model (scores, dates, paths); they too are only stand-ins."""

INSTALL = "pip install 'ivif-bench[detection]'"


def require_ultralytics() -> None:
    """Checks that ultralytics is there, and keeps it from installing packages or calling home when imported.

    Raises:
        BenchError: it is not installed.
    """
    require("ultralytics")
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_OFFLINE", "true")


def require(package: str) -> None:
    """Checks for one optional package of the detection task.

    Raises:
        BenchError: it is not installed; names the install command.
    """
    if find_spec(package) is None:
        raise BenchError(f"detection needs the package {package}, which is not installed; {INSTALL}")


def find(model: str, weights_root: Path | None, folders: Sequence[str], url: str) -> Path:
    """The checkpoint of a model given by name (``yolov5n``) or by file.

    Raises:
        BenchError: not there; says where it is looked for and from where it can be had.
    """
    if model.endswith(".pt") or "/" in model:
        path = Path(model).expanduser()
        if path.is_file():
            return path
        raise BenchError(
            f"detector weights {path} do not exist; give an existing .pt file with --option detection.model=FILE"
        )
    roots = [weights_root] if weights_root is not None else []
    if os.environ.get("BENCH_WEIGHTS"):
        roots.append(Path(os.environ["BENCH_WEIGHTS"]))
    candidates = [root / sub / f"{model}.pt" for root in roots for sub in (*folders, "")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    where = f"{candidates[0]}" if candidates else f"WEIGHTS/{folders[0]}/{model}.pt"
    mend = f"curl -L --create-dirs -o {where} {url}"
    given = "" if candidates else " and give --weights-root WEIGHTS"
    raise BenchError(f"detector weights {where} not found; mend with: {mend}{given}")
