"""Which rankings depend on the convention; cumulative curves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.analysis.curves import cumulative_curve, cumulative_curves
from bench.analysis.sensitivity import agreement, ranking_changes
from bench.images import read_image
from bench.metrics import PairScorer
from bench.store.scores import scores_frame
from bench.types import Score


def table(values: dict[tuple[str, str, str], list[float | None]]) -> pd.DataFrame:
    """Scores of (method, convention, metric) -> value per pair."""
    rows = [
        Score("metrics", "made", "test", method, metric, value, f"p{index}", convention,
              status="ok" if value is not None else "skipped")
        for (method, convention, metric), numbers in values.items()
        for index, value in enumerate(numbers)
    ]  # fmt: skip
    return scores_frame(rows)


def test_a_turned_ranking_is_found() -> None:
    scores = table({
        ("a", "standard", "SD"): [3, 5], ("b", "standard", "SD"): [2, 4], ("c", "standard", "SD"): [1, 1],
        ("a", "vifb", "Variance"): [1, 1], ("b", "vifb", "Variance"): [2, 2], ("c", "vifb", "Variance"): [0, 0],
    })  # fmt: skip
    (row,) = ranking_changes(scores).to_dict("records")
    assert (row["metric"], row["convention_a"], row["convention_b"]) == ("SD", "standard", "vifb")
    assert (row["best_a"], row["best_b"], row["best_changes"]) == ("a", "b", True)
    assert (row["swapped"], row["comparisons"], row["methods"], row["pairs"]) == (1, 3, 3, 2)
    assert row["kendall_tau"] == pytest.approx(1 / 3)
    assert agreement(ranking_changes(scores))["winners_changed"].tolist() == [1]


def test_lower_is_better_where_the_metric_says_so() -> None:
    scores = table({("a", "standard", "MSE"): [3.0], ("b", "standard", "MSE"): [2.0],
                    ("a", "tang2023", "MSE"): [0.3], ("b", "tang2023", "MSE"): [0.2]})  # fmt: skip
    assert ranking_changes(scores)["best_a"].tolist() == ["b"]


def test_methods_that_lack_pairs_are_left_out_and_ties_are_named() -> None:
    scores = table({
        ("a", "standard", "EN"): [1, 1], ("b", "standard", "EN"): [1, 1], ("c", "standard", "EN"): [9, None],
        ("a", "cddfuse", "EN"): [1, 2], ("b", "cddfuse", "EN"): [1, 1], ("c", "cddfuse", "EN"): [9, 9],
    })  # fmt: skip
    (row,) = ranking_changes(scores).to_dict("records")
    assert row["methods"] == 2
    assert (row["best_a"], row["best_b"]) == ("a = b", "a")
    assert np.isnan(row["kendall_tau"])
    assert ranking_changes(scores, unranked=("a",)).empty


def test_the_uint8_error_moves_two_wins_of_the_nine_published_methods(shared: Path) -> None:
    published = shared / "reference" / "tno_published"
    sheet = pd.read_csv(shared / "reference" / "tno_published_metrics.csv", dtype={"image": str})
    methods = sorted(set(sheet["method"]))
    rows = []
    for path in (published / methods[0] / f"{image}.png" for image in sorted(set(sheet["image"]))):
        sources = [read_image(shared / "data" / "TNO" / part / path.name) for part in ("ir", "vi")]
        scorer = PairScorer(*sources, ("standard", "seafusion2022"), ["VIF", "SD", "EN"])
        for method in methods:
            rows += [
                Score("metrics", "tno", "test", method, value.metric, value.value, path.stem, value.convention)
                for value in scorer.score(read_image(published / method / path.name))
            ]
    changes = ranking_changes(scores_frame(rows)).set_index("metric")
    winners = {metric: (changes.loc[metric, "best_a"], changes.loc[metric, "best_b"]) for metric in changes.index}
    assert winners == {
        "VIF": ("PIAFusion", "SeAFusion"), "SD": ("SeAFusion", "PMGI"), "EN": ("SeAFusion", "SeAFusion")
    }  # fmt: skip
    assert changes["pairs"].tolist() == [13, 13, 13]
    assert changes.loc["EN", "kendall_tau"] == 1.0


def test_a_point_of_the_curve_says_how_many_pairs_lie_below() -> None:
    x, y = cumulative_curve([0.5, float("nan"), 0.1, 0.5, 0.9])
    assert x.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert y.tolist() == [0.1, 0.5, 0.5, 0.9]
    assert [part.size for part in cumulative_curve([])] == [0, 0]
    scores = table({("a", "standard", "EN"): [3, 1], ("b", "standard", "EN"): [None, None]})
    curves = cumulative_curves(scores, "made", "standard", "EN")
    assert list(curves) == ["a"]
    assert curves["a"][1].tolist() == [1, 3]
