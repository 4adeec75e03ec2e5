"""Writes what ``bench ablate`` leaves, without training anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from make_run import CLASSES, PALETTE
from PIL import Image

from bench.images import encode_png
from bench.run.ablation import METRICS
from bench.run.record import declared
from bench.store.manifest import Manifest
from bench.store.run_folder import Store
from bench.types import SCORE_COLUMNS

PAIRS = ("00001D", "00002N", "00003D")
SIZE = (48, 64)


def make_ablation(
    root: Path, variants: tuple[str, ...] = ("full", "no_semantic_loss", "visible"), seeds: int = 2, images: bool = True
) -> Path:
    """Writes the folder and returns it: test pairs ``PAIRS`` and one training pair, which is fused but not scored."""
    generator = np.random.default_rng(0)
    rows = []
    for place, variant in enumerate(variants):
        for seed in range(seeds):
            rows += _rows(variant, seed, 0.8 - 0.1 * place + 0.01 * seed, generator)
            if images:
                _pictures(root, f"{variant}-{seed}", place, generator)
    frame = pd.DataFrame(rows)[["variant", "seed", *SCORE_COLUMNS]]
    root.mkdir(parents=True, exist_ok=True)
    frame.to_csv(root / "ablation.csv", index=False)
    Store(root).write_manifest(Manifest(version="0.1.0", tasks={"segmentation": declared("segmentation")}))
    return root


def _rows(variant: str, seed: int, level: float, generator: np.random.Generator) -> list[dict[str, object]]:
    common = {
        "variant": variant, "seed": seed, "dataset": "demo", "split": "test", "method": variant, "pair": "",
        "status": "ok", "reason": "",
    }  # fmt: skip
    ways = ["single_scale", "single_scale/night"] + (["joint/single_scale"] if variant == "full" else [])
    rows = [
        {**common, "task": "metrics", "metric": name, "convention": "standard", "label": "", "value": 5 * level}
        for name in METRICS
    ]
    for way in ways:
        own = {**common, "task": "segmentation", "convention": way}
        rows += [
            {**own, "metric": "IoU", "label": name, "value": level + generator.uniform(-0.05, 0.05)}
            for name in CLASSES[:-1]
        ]
        absent = {"value": None, "status": "skipped", "reason": "no pixel of it"}
        rows.append({**own, "metric": "IoU", "label": CLASSES[-1], **absent})
        rows += [{**own, "metric": name, "label": "", "value": level} for name in ("mIoU", "mAcc")]
    return rows


def _pictures(root: Path, work: str, place: int, generator: np.random.Generator) -> None:
    folder = root / "fused" / work / "0123456789ab"
    folder.mkdir(parents=True)
    predictions = root / "segmentation" / work / "predictions" / "single_scale"
    predictions.mkdir(parents=True)
    matrices = []
    for index, pair in enumerate((*PAIRS, "00099D")):
        image = np.full((*SIZE, 3), 40 + 50 * place, np.uint8)
        image[10:30, 5 + 10 * index : 25 + 10 * index] = 230
        (folder / f"{pair}.png").write_bytes(encode_png(image))
        if pair not in PAIRS:
            continue
        truth = np.zeros(SIZE, np.uint8)
        truth[10:30, 5:25] = 1
        found = np.roll(truth, int(generator.integers(0, 4)) * (place + index), axis=1)
        picture = Image.fromarray(found)
        picture.putpalette([level for colour in PALETTE for level in colour])
        picture.save(predictions / f"{pair}.png")
        cells = np.bincount(truth.astype(int).ravel() * len(CLASSES) + found.ravel(), minlength=len(CLASSES) ** 2)
        matrices.append(cells.reshape(len(CLASSES), -1))
    np.savez_compressed(
        root / "segmentation" / work / "confusion.npz", pairs=np.array(PAIRS), classes=np.array(CLASSES),
        single_scale=np.stack(matrices),
    )  # fmt: skip


__all__ = ["PAIRS", "make_ablation"]
