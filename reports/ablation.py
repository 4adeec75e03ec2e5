"""The report of ``bench ablate``: a table of variants, their images side by side, and the viewer over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.numbers import Numbers
from bench.analysis.ranked import SOURCES
from bench.analysis.seeds import seed_table
from bench.analysis.standing import image_iou, most_disagreed
from bench.analysis.table import Table
from bench.data.spec import DatasetSpec, load_datasets, recorded_spec
from bench.errors import BenchError
from bench.files import VERSION
from bench.images import as_rgb, read_image
from bench.store.manifest import DatasetFacts, TaskFacts
from bench.store.run_folder import Store
from bench.types import SCORE_COLUMNS
from reports.context import base_context
from reports.data_files import picture_addresses
from reports.pictures import CARRIED_BYTES, Picture, Pictures, url_of, write_carried
from reports.scenes import SHOWN, Drawing, Scene, Shot, draw_all
from reports.segmentation import CONVENTION, overlay, palette_of
from reports.site import Site
from reports.source import DatasetView, slug, viewer_link


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of the tables.

    Attributes:
        label: as ``ablation.csv`` has it.
        work: folder of its first seed's images and predictions, below ``fused`` and ``segmentation``.
    """

    label: str
    work: str
    page: str = ""

    @property
    def title(self) -> str:
        """For people."""
        return self.label.replace("_", " ")

    @property
    def reference(self) -> bool:
        """True if it is a source passed through."""
        return self.label in SOURCES

    def in_domain(self, _dataset: str) -> bool:
        """False: all variants were trained on the same pairs, so a mark would tell nothing."""
        return False


@dataclass(frozen=True, slots=True)
class AblationData:
    """A folder of ``bench ablate``.

    Attributes:
        scores: ``ablation.csv``.
        images: variant -> pair -> fused image of its first seed that has any.
    """

    root: Path
    scores: pd.DataFrame
    variants: tuple[Variant, ...]
    images: dict[str, dict[str, Path]]

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return str(self.scores["dataset"].iloc[0])

    @property
    def seeds(self) -> int:
        """The most seeds that a variant has."""
        return int(self.scores.groupby("variant")["seed"].nunique().max())

    @property
    def titles(self) -> dict[str, str]:
        """Label -> title."""
        return {variant.label: variant.title for variant in self.variants}


def is_ablation(folder: Path) -> bool:
    """True for a folder of ``bench ablate``."""
    return (folder / "ablation.csv").is_file() and not (folder / "scores.parquet").is_file()


def build_ablation(folder: Path, jobs: int = 0) -> Path:
    """Writes the report of an ablation.

    Args:
        folder: the ``--out`` of ``bench ablate``.
        jobs: threads that make pictures; 0 means one for each core.

    Returns:
        The path of ``report/index.html``.

    Raises:
        BenchError: ``ablation.csv`` is damaged or holds no scores.
    """
    data = read_ablation(Path(folder).resolve())
    known = Store(data.root).read_manifest().datasets.get(data.dataset)
    spec = recorded_spec(known.model_dump()) if known else load_datasets().get(data.dataset)
    report = data.root / "report"
    by_label = {variant.label: variant for variant in data.variants}
    nav = [("index.html", "Ablation"), *([("viewer.html", "Viewer")] if data.images else [])]
    site = Site(report, base_context(datetime.now(timezone.utc), VERSION, nav, by_label))
    site.assets()
    order, ious = _order(data)
    scenes = _scenes(data, spec, order[:SHOWN], ious, jobs)
    if data.images:
        _viewer(site, data, spec, order)
    tasks = Store(data.root).read_manifest().tasks
    tables, metrics = _tables(data, spec, Numbers(tasks))
    site.page(
        "index.html", "ablation.html", title="Ablation", data=data, spec=spec, tables=tables, metrics=metrics,
        facts=tasks.get("segmentation", TaskFacts()), parts=_title(spec, data), scenes=scenes,
        disagreement=not ious.empty,
    )  # fmt: skip
    site.sweep()
    return report / "index.html"


def read_ablation(root: Path) -> AblationData:
    """Reads the folder.

    Raises:
        BenchError: ``ablation.csv`` is damaged or holds no scores.
    """
    path = root / "ablation.csv"
    try:
        scores = pd.read_csv(path, keep_default_na=False, na_values={"value": ["", "nan"]})
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise BenchError(f"{path}: not readable as CSV ({error}); run bench ablate again") from error
    missing = [name for name in ("variant", "seed", *SCORE_COLUMNS) if name not in scores.columns]
    if missing or scores.empty:
        what = f"columns {', '.join(missing)} are missing" if missing else "no scores"
        raise BenchError(f"{path}: {what}; run bench ablate again")
    for column in scores.columns.difference(["value", "seed"]):
        scores[column] = scores[column].astype(str)
    scores["method"] = scores["variant"]
    variants, images = [], {}
    for label in dict.fromkeys(scores["variant"]):
        seeds = sorted(scores.loc[scores["variant"] == label, "seed"].unique())
        works = [work for work in (f"{label}-{seed}" for seed in seeds) if _inside(work)]
        found = next(((work, files) for work in works if (files := _images(root / "fused" / work))), None)
        variants.append(Variant(label, found[0] if found else (works[0] if works else "")))
        if found:
            images[label] = found[1]
    return AblationData(root, scores, tuple(variants), images)


def _inside(name: str) -> bool:
    """True for a single harmless path component."""
    return bool(name) and not name.startswith(".") and "/" not in name and "\\" not in name


def _images(folder: Path) -> dict[str, Path]:
    """Pair -> image: those of the weights that were used last."""
    folders = sorted((path for path in folder.glob("*") if path.is_dir()), key=lambda path: path.stat().st_mtime_ns)
    for newest in reversed(folders):
        if found := {path.stem: path for path in sorted(newest.glob("*.png")) if not path.name.startswith(".")}:
            return found
    return {}


def _title(spec: DatasetSpec | None, data: AblationData) -> str:
    return spec.title.partition(",")[0] if spec else data.dataset


def _tables(data: AblationData, spec: DatasetSpec | None, numbers: Numbers) -> tuple[dict[str, Table], Table]:
    """Segmentation by convention, the whole set before its parts; and the fusion metrics."""
    labels = spec.classes if spec else ()
    rows = data.scores[data.scores["task"] == "segmentation"]
    names = sorted(dict.fromkeys(rows["convention"]), key=lambda name: (name.startswith("joint"), name.count("/")))
    tables = {
        name: seed_table(
            data.scores, "segmentation", name, factor=100.0, labels=labels, titles=data.titles, numbers=numbers
        )
        for name in names
    }
    metrics = seed_table(data.scores, "metrics", "standard", unranked=SOURCES, titles=data.titles)
    return {name: table for name, table in tables.items() if table.columns}, metrics


def _order(data: AblationData) -> tuple[list[str], pd.DataFrame]:
    """The test pairs, those on which the variants differ most first; and IoU of single images, pairs x variants."""
    columns = {}
    for variant in data.variants:
        try:
            with np.load(data.root / "segmentation" / variant.work / "confusion.npz", allow_pickle=False) as kept:
                pairs = [str(pair) for pair in kept["pairs"]]
                columns[variant.label] = pd.Series(image_iou(kept[CONVENTION]), index=pairs)
        except (OSError, ValueError, KeyError):
            continue
    ious = pd.DataFrame(columns)
    found = list(dict.fromkeys(pair for files in data.images.values() for pair in files))
    if ious.empty:
        return found, ious
    order = [str(pair) for pair in most_disagreed(ious).index]
    order += [str(pair) for pair in ious.index if str(pair) not in order]
    return [pair for pair in order if pair in found], ious


def _scenes(
    data: AblationData, spec: DatasetSpec | None, pairs: Sequence[str], ious: pd.DataFrame, jobs: int
) -> list[Scene]:
    drawings: list[Drawing] = []
    scenes = [
        Scene(
            pair, 0.0,
            [_shot(data, spec, variant, pair, ious, drawings) for variant in data.variants
             if pair in data.images.get(variant.label, {})],
            viewer_link(data.dataset, pair),
        )
        for pair in pairs
    ]  # fmt: skip
    draw_all(drawings, jobs)
    return scenes


def _shot(
    data: AblationData, spec: DatasetSpec | None, variant: Variant, pair: str, ious: pd.DataFrame,
    drawings: list[Drawing],
) -> Shot:  # fmt: skip
    report = data.root / "report"
    fused = data.images[variant.label][pair]
    made = {"Fused": Drawing(_target(report, variant, pair, "fused"), (fused,), partial(_rgb, fused))}
    predicted = data.root / "segmentation" / variant.work / "predictions" / CONVENTION / f"{pair}.png"
    if spec is not None and spec.palette and predicted.is_file():
        draw = partial(overlay, fused, predicted, palette_of(spec.palette))
        made["Overlay"] = Drawing(_target(report, variant, pair, "overlay"), (fused, predicted), draw)
    drawings += made.values()
    value = ious[variant.label].get(pair, np.nan) if variant.label in ious else np.nan
    text = "" if np.isnan(value) else f"image IoU {value:.3f}"
    return Shot(variant.title, {view: url_of(one.target, report) for view, one in made.items()}, text)


def _target(report: Path, variant: Variant, pair: str, view: str) -> Path:
    return report / "scenes" / slug(variant.label) / f"{slug(pair)}.{view}.jpg"


def _rgb(path: Path) -> np.ndarray:
    return as_rgb(read_image(path))


def _viewer(site: Site, data: AblationData, spec: DatasetSpec | None, pairs: Sequence[str]) -> None:
    """The viewer's page and data: every variant is a method, and there are no scores of single pairs."""
    view = DatasetView(data.dataset, _title(spec, data), DatasetFacts(), tuple(pairs), ())
    pictures: Pictures = {
        (view.name, pair): [
            Picture(label, files[pair], url_of(files[pair], site.root), "")
            for label, files in data.images.items()
            if pair in files
        ]
        for pair in pairs
    }
    total = sum(one.path.stat().st_size for group in pictures.values() for one in group)
    carried = total <= CARRIED_BYTES
    if carried:
        write_carried(site.root, pictures)
    else:
        site.drop("pixels")
    methods: list[dict[str, Any]] = [
        {"label": one.label, "title": one.title, "page": "index.html", "colour": -1, "dash": 0, "reference": False}
        for one in data.variants
        if one.label in data.images
    ]
    dataset = {
        "name": view.name, "slug": slug(view.name), "title": view.title, "page": "index.html", "pairs": list(pairs),
        "slugs": {pair: slug(pair) for pair in pairs if slug(pair) != pair}, "conventions": [],
    }  # fmt: skip
    site.data("site", "site", {"pixels": carried, "root": data.root.as_posix(), "methods": methods,
                               "datasets": [dataset]})  # fmt: skip
    images = {} if carried else picture_addresses(view, pictures, "url")
    site.data(
        f"pictures-{slug(view.name)}", f"pictures/{view.name}",
        {"images": images, "thumbs": {}, "disagreement": [], "tags": {}},
    )  # fmt: skip
    site.page("viewer.html", "viewer.html", title="Viewer")
