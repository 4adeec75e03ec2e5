"""Writes the demo set to disk in the MSRS layout, whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from bench.data.demo.render import Drawing, draw
from bench.data.demo.spec import BOX_CLASSES, VERSION, DemoSpec
from bench.errors import BenchError
from bench.images import encode_png

STAMP = "demo.json"
"""Says which program version, seed and sizes made the folder."""

BUILDING = ".demo-"
"""How the folder begins in which a set is made before it takes its place."""

Progress = Callable[[int, int], None]
"""Told after each scene how many are done and how many there will be."""

PART_SEEDS = {"train": 1, "test": 2, "detection": 3}
"""Second word of every scene's seed, so that no two parts can draw the same scene."""


def ensure(root: Path, seed: int, spec: DemoSpec | None, progress: Progress | None) -> Path:
    """See ``bench.data.demo.ensure_demo``."""
    if seed < 0:
        raise BenchError(f"demo: seed is {seed}, wanted 0 or more")
    target = root / "demo"
    if _is_there(target, seed, spec):
        return target
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".demo.lock"):
            if not _is_there(target, seed, spec):  # another process may have made it meanwhile
                _replace(target, seed, spec or DemoSpec(), progress)
    except OSError as error:
        raise BenchError(f"{target}: cannot write the demo set ({error}); give a writable --data-root") from error
    return target


def _is_there(target: Path, seed: int, spec: DemoSpec | None) -> bool:
    """A whole set of this version and seed lies at ``target``, of any size if ``spec`` is None."""
    try:
        stamp = json.loads((target / STAMP).read_text(encoding="utf-8"))
        made = DemoSpec(**stamp["spec"])
    except (OSError, ValueError, TypeError, KeyError, BenchError):
        return False
    if (stamp.get("version"), stamp.get("seed")) != (VERSION, seed) or made != (spec or made):
        return False
    counts = {part: getattr(made, part) for part in PART_SEEDS}
    return all(len(list((target / part / "vi").glob("*.png"))) == count for part, count in counts.items())


def _replace(target: Path, seed: int, spec: DemoSpec, progress: Progress | None) -> None:
    if target.exists() and not (target / STAMP).exists() and any(target.iterdir()):
        raise BenchError(f"{target}: holds files but no {STAMP}, wanted a generated set; move the folder away")
    for stale in target.parent.glob(f"{BUILDING}*"):  # of a process that was killed: the lock is ours
        shutil.rmtree(stale)
    building = Path(tempfile.mkdtemp(prefix=BUILDING, dir=target.parent))
    try:
        build(building / "new", seed, spec, progress)
        stamp = {"version": VERSION, "seed": seed, "spec": asdict(spec)}
        (building / "new" / STAMP).write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
        if target.exists():
            target.rename(building / "old")
        (building / "new").rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def build(folder: Path, seed: int, spec: DemoSpec, progress: Progress | None = None) -> None:
    """Draws all parts into a new folder; every second scene is at night."""
    folder.mkdir(parents=True)
    total = spec.train + spec.test + spec.detection
    done = 0
    for part, key in PART_SEEDS.items():
        for index in range(getattr(spec, part)):
            night = index % 2 == 1
            drawing = draw((seed, key, index), night, index // 2, spec)
            done += 1
            if part == "detection":
                _write(folder / part, str(done), drawing, labels=False, boxes=True)
            else:
                name = f"{done:05d}{'N' if night else 'D'}"
                _write(folder / part, name, drawing, labels=True, boxes=part == "train")
            if progress is not None:
                progress(done, total)


def _write(folder: Path, name: str, drawing: Drawing, labels: bool, boxes: bool) -> None:
    images = {"vi": drawing.vis, "ir": drawing.ir}
    if labels:
        images["Segmentation_labels"] = drawing.labels
    for kind, image in images.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / f"{name}.png").write_bytes(encode_png(image))
    if not boxes:
        return
    lines = [
        f"{BOX_CLASSES[box.label]} {box.x:.6f} {box.y:.6f} {box.width:.6f} {box.height:.6f}\n" for box in drawing.boxes
    ]
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    (folder / "labels" / f"{name}.txt").write_text("".join(lines), encoding="utf-8")
