"""Writes the demo set to disk in the MSRS layout, whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from bench.demo.render import Drawing, draw
from bench.demo.spec import BOX_CLASSES, VERSION, DemoSpec
from bench.images import encode_png
from bench.types import BenchError

STAMP = "demo.json"
"""Says which program version, seed and sizes made the folder."""

PART_SEEDS = {"train": 1, "test": 2, "detection": 3}
"""Second word of every scene's seed, so that no two parts can draw the same scene."""


def ensure(root: Path, seed: int, spec: DemoSpec) -> Path:
    """See ``bench.demo.ensure_demo``."""
    target = root / "demo"
    wanted = {"version": VERSION, "seed": seed, "spec": asdict(spec)}
    if _stamp(target) == wanted:
        return target
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".demo.lock"):
            if _stamp(target) != wanted:  # another process may have made it meanwhile
                _replace(target, wanted, seed, spec)
    except OSError as error:
        raise BenchError(f"{target}: cannot write the demo set ({error}); give a writable --data-root") from error
    return target


def _stamp(target: Path) -> object:
    try:
        return json.loads((target / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _replace(target: Path, stamp: dict[str, object], seed: int, spec: DemoSpec) -> None:
    if target.exists() and not (target / STAMP).exists() and any(target.iterdir()):
        raise BenchError(f"{target}: holds files but no {STAMP}, wanted a generated set; move the folder away")
    building = Path(tempfile.mkdtemp(prefix=".demo-", dir=target.parent))
    try:
        build(building, seed, spec)
        (building / STAMP).write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
        building.chmod(0o755)  # mkdtemp makes it private
        if target.exists():
            shutil.rmtree(target)
        building.rename(target)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def build(folder: Path, seed: int, spec: DemoSpec) -> None:
    """Draws all parts into an empty folder."""
    number = 1
    for part, count in (("train", spec.train), ("test", spec.test)):
        for index in range(count):
            night = index % 2 == 1
            drawing = draw((seed, PART_SEEDS[part], index), night, index // 2, spec)
            _write(folder / part, f"{number:05d}{'N' if night else 'D'}", drawing, labels=True)
            number += 1
    for index in range(spec.detection):
        drawing = draw((seed, PART_SEEDS["detection"], index), index % 2 == 1, index // 2, spec)
        _write(folder / "detection", str(number), drawing, labels=False)
        number += 1


def _write(folder: Path, name: str, drawing: Drawing, labels: bool) -> None:
    images = {"vi": drawing.vis, "ir": drawing.ir}
    if labels:
        images["Segmentation_labels"] = drawing.labels
    for kind, image in images.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / f"{name}.png").write_bytes(encode_png(image))
    if labels:
        return
    lines = [
        f"{BOX_CLASSES[box.label]} {box.x:.6f} {box.y:.6f} {box.width:.6f} {box.height:.6f}\n" for box in drawing.boxes
    ]
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    (folder / "labels" / f"{name}.txt").write_text("".join(lines), encoding="utf-8")
