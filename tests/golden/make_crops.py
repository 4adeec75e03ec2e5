"""Makes the crops of ``made/`` and their known answers: ``python tests/golden/make_crops.py``.

The images come from the demo scenes of this repository, so they may be committed; the answers are what this program
gives today. Where they move, the change stands under "Numbers" in CHANGELOG.md, and this is run again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.data.catalogue import open_dataset
from bench.data.pairs import read_pair
from bench.metrics.catalogue import CONVENTIONS, chosen_metrics
from bench.metrics.engine import PairScorer
from methods import create

FOLDER = Path(__file__).parent / "made"
METHODS_HELD = (
    "average",
    "maximum",
    "laplacian_pyramid",
    "ratio_pyramid",
    "wavelet",
    "gff",
    "tif",
    "ifevip",
    "msvd",
    "gfce",
)
SAMPLES = ((3, 5), (20, 61), (31, 40), (44, 12), (60, 77))
"""Row and column of the pixels whose levels are kept."""


def crops() -> list[str]:
    """Names of the crops, e.g. ``1``."""
    return sorted(path.name.removesuffix("_ir.png") for path in FOLDER.glob("*_ir.png"))


def read(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Infrared (H, W), visible (H, W, 3) and fused (H, W, 3) of a crop, uint8."""
    ir, vis, fused = (np.asarray(Image.open(FOLDER / f"{name}_{kind}.png")) for kind in ("ir", "vis", "fused"))
    return ir, vis, fused


def scores(name: str) -> dict[str, dict[str, float | None]]:
    """Convention -> metric -> value of a crop."""
    found: dict[str, dict[str, float | None]] = {}
    wanted = chosen_metrics(list(CONVENTIONS), None)
    for score in PairScorer(*read(name)[:2], wanted).score(read(name)[2]):
        found.setdefault(score.convention, {})[score.metric] = score.value
    return found


def levels(name: str, method: str) -> list[list[int]]:
    """RGB at ``SAMPLES`` of a method's image of a crop."""
    ir, vis, _ = read(name)
    image = create(method).fuse_pair(ir, vis)
    return [[int(level) for level in np.atleast_1d(image[row, column])] for row, column in SAMPLES]


def answers() -> dict[str, Any]:
    """All that is known of all crops."""
    return {
        name: {"metrics": scores(name), "methods": {method: levels(name, method) for method in METHODS_HELD}}
        for name in crops()
    }


def main() -> None:
    """Cuts the crops and writes what is known of them."""
    FOLDER.mkdir(exist_ok=True)
    pairs = open_dataset("demo").listing().pairs
    for number, files in enumerate((pairs[0], pairs[len(pairs) // 2], pairs[-1])):
        pair = read_pair(files)
        top, left = 10 + 20 * number, 30 * number
        ir, vis = (np.ascontiguousarray(image[top : top + 64, left : left + 80]) for image in (pair.ir, pair.vis))
        fused = create("laplacian_pyramid").fuse_pair(ir, vis)
        for kind, image in (("ir", ir), ("vis", vis), ("fused", fused)):
            Image.fromarray(image).save(FOLDER / f"{number}_{kind}.png", optimize=True)
    (FOLDER / "answers.json").write_text(json.dumps(answers(), indent=1) + "\n")


if __name__ == "__main__":
    main()
