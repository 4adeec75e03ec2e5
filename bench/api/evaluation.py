"""``bench.evaluate``: the metrics of images in whatever form a notebook holds them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.api.pictures import Picture, Pictures, split_batch, to_image
from bench.errors import BenchError
from bench.metrics import metric_values

if TYPE_CHECKING:
    import pandas as pd

    from bench.metrics.engine import MetricValue


def evaluate(
    ir: Pictures,
    vis: Pictures,
    fused: Pictures,
    convention: str | Sequence[str] = "standard",
    metrics: Sequence[str] | str | None = None,
    *,
    data_range: float | None = None,
    engine: str = "auto",
) -> dict[str, float] | pd.DataFrame:
    """The metrics of one fused image, of a batch or of a folder.

    Args:
        ir: the infrared image: a file, Pillow image (L or RGB), array (H, W) or (H, W, 3), tensor (H, W), (1, H, W) or
            (3, H, W) on any device. Or several: a list of these, an array (N, H, W, 3), a tensor (N, C, H, W), or a
            folder, whose images are matched by name as ``bench score`` does.
        vis: the visible image, likewise.
        fused: the fused image, likewise, of the same height and width.
        convention: name, or several, see ``bench list conventions``.
        metrics: names; ``all``; None for each convention's default, as ``bench run`` computes.
        data_range: of float input: the value that is white, 1 or 255. It is never guessed.
        engine: ``auto``, ``numpy`` or ``numba``.

    Returns:
        Metric name -> value of one image in one convention. Otherwise a frame with one row per image and one column per
        metric, of two levels (convention, metric) if there are several conventions; NaN where a batch's image is too
        small for the metric.

    Raises:
        BenchError: unknown names, images that are not what is wanted, float input without ``data_range``.

    Example:
        >>> import numpy as np
        >>> ramp = np.arange(64, dtype=np.uint8)[None].repeat(64, 0)
        >>> evaluate(ramp, ramp, ramp, metrics=["EN", "MI"])
        {'EN': 6.0, 'MI': 12.0}
        >>> evaluate(ramp / 63, ramp / 63, ramp / 63, metrics=["EN"], data_range=1.0)
        {'EN': 6.0}
        >>> evaluate([ramp, ramp], [ramp, ramp], [ramp, ramp], metrics=["EN"])
            EN
        0  6.0
        1  6.0
    """
    conventions = (convention,) if isinstance(convention, str) else tuple(convention)
    folders = _folders(ir, vis, fused)
    if folders:
        return _of_folders(folders, conventions, metrics, engine)
    batches = [split_batch(images, name) for images, name in ((ir, "ir"), (vis, "vis"), (fused, "fused"))]
    several = [batch for batch in batches if batch is not None]
    if not several:
        rows = [_score((ir, vis, fused), conventions, metrics, data_range, engine)]  # type: ignore[arg-type]
        return metric_values(rows[0]) if len(conventions) == 1 else _frame(rows, conventions)
    if len({len(batch) for batch in several}) > 1 or len(several) < len(batches):
        said = ", ".join("one image" if batch is None else f"{len(batch)} images" for batch in batches)
        raise BenchError(f"ir, vis and fused are {said}; wanted as many of each")
    rows = [_score(triple, conventions, metrics, data_range, engine) for triple in zip(*several, strict=True)]
    return _frame(rows, conventions)


def _folders(*places: object) -> list[Path]:
    """The three folders; empty if none of the three is one.

    Raises:
        BenchError: some are folders and some are not.
    """
    folders = [Path(place).expanduser() for place in places if isinstance(place, (str, Path))]
    folders = [folder for folder in folders if folder.is_dir()]
    if 0 < len(folders) < len(places):
        raise BenchError(f"{folders[0]} is a folder, and not all of ir, vis and fused are; wanted three folders")
    return folders


def _of_folders(
    folders: Sequence[Path], conventions: Sequence[str], metrics: Sequence[str] | str | None, engine: str
) -> pd.DataFrame:
    from bench.data.folders import list_folders
    from bench.metrics.catalogue import chosen_metrics
    from bench.run.score_folder import score_folder
    from bench.store.scores import scores_frame

    ir, vis, fused = folders
    listing = list_folders(ir, vis)
    scores, found = score_folder(fused, listing.pairs, fused.name, chosen_metrics(conventions, metrics), engine=engine)
    faults = [f"{problem.where}: {problem.text}" for problem in (*listing.problems, *found) if problem.fault]
    for line in faults:
        warnings.warn(line, stacklevel=3)
    table = scores_frame(scores)
    wide = table.pivot_table(
        index="pair", columns=["convention", "metric"], values="value", aggfunc="last", sort=False, dropna=False
    )
    wide.columns.names = [None, None]
    return wide if len(conventions) > 1 else wide.droplevel(0, axis=1)


def _score(
    triple: tuple[Picture, ...],
    conventions: Sequence[str],
    metrics: Sequence[str] | str | None,
    data_range: float | None,
    engine: str,
) -> list[MetricValue]:
    from bench.metrics.engine import PairScorer

    images = [to_image(picture, name, data_range) for picture, name in zip(triple, ("ir", "vis", "fused"), strict=True)]
    return PairScorer(images[0], images[1], conventions, metrics, engine).score(images[2])


def _frame(rows: Sequence[list[MetricValue]], conventions: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    values = [{(one.convention, one.metric): one.value for one in row} for row in rows]
    table = pd.DataFrame(values, columns=pd.MultiIndex.from_tuples(list(values[0])), dtype="float64")
    return table if len(conventions) > 1 else table.droplevel(0, axis=1)
