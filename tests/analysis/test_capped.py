"""PSNR of three equal images is a cap, not a measurement: it stands in the scores and enters no mean."""

from __future__ import annotations

import numpy as np
import pytest

from bench.analysis.means import mean_table
from bench.analysis.pairwise import compare
from bench.analysis.standing import pair_standing
from bench.analysis.table import pair_values
from bench.metrics.engine import PairScorer
from bench.run.score_folder import summary_rows
from bench.store.scores import scores_frame
from bench.types import Image, Score

RNG = np.random.default_rng(0)
SHAPE = (48, 44)
GREY = RNG.integers(0, 256, SHAPE, dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
SPELLING = {"vifb": "Psnr"}


def scored(ir: Image, vis: Image, fused: Image, method: str, pair: str, convention: str, metric: str) -> Score:
    (value,) = PairScorer(ir, vis, [convention], [metric], "numpy").score(fused)
    return Score(
        "metrics", "tno", "test", method, metric, value.value, pair, convention, "", value.status, value.reason
    )


def rows(equal: Image, convention: str, metric: str) -> list[Score]:
    """Two usual pairs, the better method ``good``, and one of equal images on which ``poor`` alone copies them."""
    found = []
    for pair in ("a", "b"):
        ir, vis = (RNG.integers(0, 256, SHAPE, dtype=np.uint8) for _ in range(2))
        mean = ((ir.astype(int) + vis) // 2).astype(np.uint8)
        found.append(scored(ir, vis, mean, "good", pair, convention, metric))
        found.append(scored(ir, vis, 255 - mean, "poor", pair, convention, metric))
    found.append(scored(equal, equal, equal, "poor", "c", convention, metric))
    found.append(scored(equal, equal, 255 - equal, "good", "c", convention, metric))
    return found


@pytest.mark.parametrize(
    "equal", [GREY, np.full(SHAPE, 7, np.uint8), np.zeros(SHAPE, np.uint8)], ids=["grey", "flat", "black"]
)
@pytest.mark.parametrize("convention", ["standard", "seafusion2022", "tang2023", "cddfuse", "vifb"])
def test_equal_images_leave_the_mean_and_stay_in_the_scores(convention: str, equal: Image) -> None:
    from bench.metrics.catalogue import CONVENTIONS

    metric = SPELLING.get(convention, "PSNR")
    if metric not in CONVENTIONS[convention].uses:
        metric = next(name for name in CONVENTIONS[convention].uses if name.lower() == "psnr")
    frame = scores_frame(rows(equal, convention, metric))
    assert pair_values(frame, metric, capped=True).notna().all(axis=None)
    table = mean_table(frame, "tno", convention)
    both = pair_values(frame, metric)
    assert list(both.index) == ["a", "b"]
    assert table.cell("poor", metric).mean == pytest.approx(both["poor"].mean())
    assert {row.method: row.cells[0].rank for row in table.rows} == {"good": 1, "poor": 2}
    assert table.columns[0].note == "without 1 pair of three equal images"
    assert table.columns[0].pairs == 2


def test_nor_does_any_other_statement_rest_on_them() -> None:
    scores = rows(COLOUR[..., 0], "standard", "PSNR")
    frame = scores_frame(scores)
    assert compare(frame, "tno", "PSNR").pairs == 2
    assert list(pair_standing(frame, ["PSNR"], ["good", "poor"]).index) == ["a", "b"]
    summary = summary_rows([score for score in scores if score.method == "poor"])[0]
    assert (summary["pairs"], summary["left out"]) == (2, 1)


@pytest.mark.parametrize("metric", ["MSE", "SSIM", "VIF", "CC", "EN"])
def test_other_metrics_keep_such_pairs(metric: str) -> None:
    assert scored(GREY, GREY, GREY, "one", "a", "standard", metric).reason == ""


@pytest.mark.parametrize("changed", ["ir", "vis", "fused"])
def test_one_level_in_one_image_makes_it_a_measurement(changed: str) -> None:
    images = {name: GREY.copy() for name in ("ir", "vis", "fused")}
    images[changed][3, 4] ^= 1
    assert scored(**images, method="one", pair="a", convention="standard", metric="PSNR").reason == ""
