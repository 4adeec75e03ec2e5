"""Pictures of the segmentation task: classes laid over the fused image, and where they are wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image as PillowImage

from bench.analysis.standing import image_iou, most_disagreed
from bench.errors import BenchError
from bench.images import as_rgb, read_image
from bench.store.thumbnails import slug
from bench.types import Image
from reports.pictures import url_of
from reports.scenes import SHOWN, Drawing, Scene, Shot, draw_all
from reports.source import DatasetView, RunData, viewer_link

CONVENTION = "single_scale"
MISSED, FALSE, MIXED = (230, 159, 0), (86, 180, 233), (204, 121, 167)
"""Okabe and Ito's orange, sky blue and purple: a thing taken for background, background taken for a thing, a thing
taken for another."""


def scenes(run: RunData, data: DatasetView, jobs: int) -> list[Scene]:
    """The pairs on which the segmenters differ most, with an overlay and an error map for each method."""
    values = _image_scores(run, data)
    order = most_disagreed(values).head(SHOWN) if not values.empty else pd.Series(dtype="float64")
    drawings: list[Drawing] = []
    found = []
    for pair, difference in order.items():
        places = [_Place(run, data, str(pair), str(method), drawings) for method in values.columns]
        shots = [_shot(place, float(np.asarray(values.loc[str(pair), place.method]))) for place in places]
        truth = _truth_shot(_Place(run, data, str(pair), "@truth", drawings))
        kept = [shot for shot in [truth, *shots] if shot is not None]
        found.append(Scene(str(pair), float(difference), kept, viewer_link(data.name, str(pair))))
    draw_all(drawings, jobs)
    return found


def _image_scores(run: RunData, data: DatasetView) -> pd.DataFrame:
    """Pairs x methods: the IoU of single images, from the confusion matrices that the task kept."""
    columns = {}
    for method in run.methods:
        path = _work(run, data, method.label, "confusion.npz")
        if path is None or not path.is_file():
            continue
        try:
            with np.load(path, allow_pickle=False) as kept:
                if CONVENTION in kept:
                    pairs = [str(pair) for pair in kept["pairs"]]
                    columns[method.label] = pd.Series(image_iou(kept[CONVENTION]), index=pairs)
        except (OSError, ValueError, KeyError):
            continue
    return pd.DataFrame(columns)


def _work(run: RunData, data: DatasetView, method: str, name: str) -> Path | None:
    try:
        return run.store.work_dir("segmentation", data.name, method) / name
    except BenchError:
        return None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the pictures of one pair and method go."""

    run: RunData
    data: DatasetView
    pair: str
    method: str
    drawings: list[Drawing]

    def add(self, view: str, needs: tuple[Path, ...], make: Callable[[], Image]) -> str:
        """Plans one picture; returns its address."""
        base = self.run.store.report_dir
        target = base / "scenes" / slug(self.data.name) / slug(self.method) / f"{slug(self.pair)}.{view}.jpg"
        self.drawings.append(Drawing(target, needs, make))
        return url_of(target, base)


def _shot(place: _Place, score: float) -> Shot | None:
    predicted = _work(place.run, place.data, place.method, f"predictions/{CONVENTION}/{place.pair}.png")
    fused = place.run.fused_path(place.data, place.method, place.pair)
    if predicted is None or not predicted.is_file() or fused is None:
        return None
    draw = partial(overlay, fused, predicted, palette_of(place.data.facts.palette))
    pictures = {"Overlay": place.add("overlay", (fused, predicted), draw)}
    labels = _source(place.data, place.pair, "labels")
    if labels is not None:
        pictures["Errors"] = place.add("errors", (fused, predicted, labels), partial(errors, fused, predicted, labels))
    text = "" if np.isnan(score) else f"image IoU {score:.3f}"
    return Shot(place.run.titles.get(place.method, place.method), pictures, text)


def _truth_shot(place: _Place) -> Shot | None:
    labels, vis = (_source(place.data, place.pair, key) for key in ("labels", "vis"))
    if labels is None or vis is None:
        return None
    picture = place.add("overlay", (vis, labels), partial(overlay, vis, labels, palette_of(place.data.facts.palette)))
    return Shot("Labels", {"Overlay": picture, "Errors": picture}, "on the visible image")


def _source(data: DatasetView, pair: str, key: str) -> Path | None:
    path = Path(getattr(data.facts.source(pair), key))
    return path if path.is_file() else None


def palette_of(levels: Sequence[Sequence[int]]) -> np.ndarray:
    """A colour for every class id, uint8 (256, 3); black where none is given."""
    colours = np.zeros((256, 3), dtype=np.uint8)
    given = np.array(list(levels), dtype=np.uint8).reshape(-1, 3)
    colours[: len(given)] = given
    return colours


def read_ids(path: Path) -> np.ndarray:
    """Class ids of a label or prediction file: the stored index, whatever palette the file has; uint8 (H, W)."""
    with PillowImage.open(path) as file:
        return np.asarray(file if file.mode in ("P", "L") else file.convert("L"))


def overlay(image: Path, classes: Path, palette: np.ndarray) -> Image:
    """The image with every class but the background in its colour, half transparent."""
    base, ids = as_rgb(read_image(image)).astype(np.float32), read_ids(classes)
    mask = (ids > 0)[..., None]
    return np.where(mask, 0.45 * base + 0.55 * palette[ids], base).astype(np.uint8)


def errors(image: Path, predicted: Path, labels: Path) -> Image:
    """The image in faint grey with every wrong pixel in the colour of its kind of error."""
    base = as_rgb(read_image(image)).mean(axis=2, keepdims=True).repeat(3, axis=2) * 0.5
    found, truth = read_ids(predicted), read_ids(labels)
    shown = base.astype(np.uint8)
    for colour, where in (
        (MISSED, (truth > 0) & (found == 0)),
        (FALSE, (truth == 0) & (found > 0)),
        (MIXED, (truth > 0) & (found > 0) & (truth != found)),
    ):
        shown[where] = colour
    return shown
