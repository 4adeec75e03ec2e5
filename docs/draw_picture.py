"""Draws README's picture from a run on the demo scenes: ``python docs/draw_picture.py RUN PAIR METHOD...``."""

from __future__ import annotations

import sys
from pathlib import Path

from matplotlib.figure import Figure

from bench.images import read_image
from bench.store.run_folder import Store

OUT = Path(__file__).with_name("picture.jpg")
TITLES = {"visible": "visible", "infrared": "infrared"}


def draw(run: Path, pair: str, methods: list[str]) -> None:
    """One night pair: both sources and what methods make of it, with the mIoU of the segmenter retrained on each."""
    store = Store(run)
    manifest, scores = store.read_manifest(), store.read_scores()
    rows = scores[(scores["metric"] == "mIoU") & (scores["convention"] == "single_scale") & (scores["status"] == "ok")]
    values = rows.groupby("method")["value"].mean()
    names = ["infrared", "visible", *methods]
    figure = Figure(figsize=(3.2 * len(names), 3), dpi=110, layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names)), names, strict=True):
        axes.imshow(read_image(store.fused_path("demo", "test", name, pair)))
        title = TITLES.get(name) or manifest.methods[name].title or name
        axes.set_title(f"{title}\nmIoU {values[name]:.2f}", fontsize=12)
        axes.axis("off")
    figure.savefig(OUT, bbox_inches="tight", pad_inches=0.03, pil_kwargs={"quality": 88, "optimize": True})


if __name__ == "__main__":
    draw(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
