"""Writes the demo set to disk in the MSRS layout, whole or not at all."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from bench.data.demo.place import Progress, ensure_made, read_stamp
from bench.data.demo.render import Drawing, draw
from bench.data.demo.spec import BOX_CLASSES, VERSION, DemoSpec
from bench.errors import BenchError
from bench.images import encode_png

PART_SEEDS = {"train": 1, "test": 2, "detection": 3}
"""Second word of every scene's seed, so that no two parts can draw the same scene."""


def ensure(root: Path, seed: int, spec: DemoSpec | None, progress: Progress | None) -> Path:
    """See ``bench.data.demo.ensure_demo``."""
    if seed < 0:
        raise BenchError(f"demo: seed is {seed}, wanted 0 or more")
    target, made = root / "demo", spec or DemoSpec()
    return ensure_made(
        target,
        lambda: _is_there(target, seed, spec),
        lambda folder: build(folder, seed, made, progress),
        {"version": VERSION, "seed": seed, "spec": asdict(made)},
    )


def _is_there(target: Path, seed: int, spec: DemoSpec | None) -> bool:
    """A whole set of this version and seed lies at ``target``, of any size if ``spec`` is None."""
    stamp = read_stamp(target)
    try:
        made = DemoSpec(**stamp["spec"])
    except (TypeError, KeyError, BenchError):
        return False
    if (stamp.get("version"), stamp.get("seed")) != (VERSION, seed) or made != (spec or made):
        return False
    counts = {part: getattr(made, part) for part in PART_SEEDS}
    return all(len(list((target / part / "vi").glob("*.png"))) == count for part, count in counts.items())


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
