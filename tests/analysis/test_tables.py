"""Means, spreads, ranks and the forms in which a table is copied."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pandas as pd
import pytest

from bench.analysis.export import latex_escape, to_csv, to_latex, to_markdown
from bench.analysis.means import Layout, mean_table
from bench.analysis.numbers import Numbers, headline, metric_order
from bench.analysis.standing import image_iou, most_disagreed, pair_disagreement, pair_standing, task_conventions, wins
from bench.analysis.table import Cell, Column, Row, Table, format_number, pair_values, select
from bench.errors import BenchError
from bench.store.scores import scores_frame
from bench.types import Score

VALUES = {"one": [1.0, 2.0, 3.0], "two": [2.0, 3.0, 4.0], "three": [5.0, 0.0, 1.0]}


def frame(values: dict[str, list[float]], metric: str = "EN", convention: str = "standard") -> pd.DataFrame:
    return scores_frame(
        Score("metrics", "tno", "test", method, metric, number, f"{index:02d}", convention)
        for method, numbers in values.items()
        for index, number in enumerate(numbers)
    )


def test_values_of_pairs_stand_in_the_order_of_the_rows_and_the_last_number_counts() -> None:
    places = [("b", "y", 1.0), ("a", "x", 2.0), ("a", "y", math.inf), ("b", "y", 3.0), ("b", "y", math.nan),
              ("c", "z", math.nan)]  # fmt: skip
    rows = pd.DataFrame(places, columns=["pair", "method", "value"]).assign(metric="EN", status="ok", reason="")
    others = frame({"w": [1.0]}, metric="SD")
    rows = pd.concat([others[list(rows.columns)], rows], ignore_index=True)
    table = pair_values(rows, "EN")
    assert (list(table.index), list(table.columns)) == (["b", "a", "c"], ["y", "x", "z"])
    nan = math.nan
    np.testing.assert_array_equal(table.to_numpy(), [[3.0, nan, nan], [nan, 2.0, nan], [nan, nan, nan]])


def test_mean_spread_and_count_are_those_of_the_values() -> None:
    cell = mean_table(frame(VALUES), "tno", "standard").cell("three", "EN")
    assert (cell.mean, cell.n) == (2.0, 3)
    assert cell.spread == pytest.approx(np.std([5.0, 0.0, 1.0], ddof=1))


@pytest.mark.parametrize(("metric", "order"), [("EN", ["two", "one", "three"]), ("MSE", ["one", "three", "two"])])
def test_ranks_follow_the_direction_of_the_metric(metric: str, order: list[str]) -> None:
    table = mean_table(
        frame({"one": [1.0, 2.5], "two": [3.0, 3.0], "three": [1.0, 1.0] if metric == "EN" else [2.0, 2.0]}, metric),
        "tno",
        "standard",
    )
    ranks = {row.method: row.cells[0].rank for row in table.rows}
    assert sorted(ranks, key=lambda name: ranks[name] or 0) == order


def test_equal_means_share_a_rank_and_no_one_wins_alone() -> None:
    table = mean_table(frame({"one": [1.0, 3.0], "two": [2.0, 2.0], "three": [0.0, 0.0]}), "tno", "standard")
    assert [row.cells[0].rank for row in sorted(table.rows, key=lambda row: row.method)] == [1, 3, 1]
    assert table.winner("EN") is None
    assert wins(table) == {}


def test_nobody_is_best_where_all_are_alike() -> None:
    table = mean_table(frame({"one": [0.0, 0.0], "two": [0.0, 0.0]}), "tno", "standard")
    assert [table.cell(name, "EN").rank for name in ("one", "two")] == [None, None]


def test_a_mean_over_fewer_pairs_is_shown_but_not_ranked() -> None:
    table = mean_table(frame({**VALUES, "best": [99.0, math.nan, 99.0]}), "tno", "standard")
    cell = table.cell("best", "EN")
    assert (cell.mean, cell.n, cell.rank) == (99.0, 2, None)
    assert cell.reason == "2 of 3 pairs, so not ranked"
    assert table.winner("EN") == "two"


def test_infinite_values_do_not_enter_a_mean() -> None:
    assert mean_table(frame({"one": [1.0, math.inf, 3.0]}), "tno", "standard").cell("one", "EN").mean == 2.0


def test_sources_are_shown_and_not_ranked() -> None:
    table = mean_table(frame({**VALUES, "visible": [9.0, 9.0, 9.0]}), "tno", "standard", unranked=["visible"])
    assert table.cell("visible", "EN").rank is None
    assert table.winner("EN") == "two"


def test_failed_scores_give_their_reason() -> None:
    rows = [Score("metrics", "tno", "test", "one", "EN", 1.0, "00", "standard")]
    rows += [Score("metrics", "tno", "test", "bad", "EN", None, "00", "standard", "", "failed", "no image")]
    cell = mean_table(scores_frame(rows), "tno", "standard").cell("bad", "EN")
    assert (cell.mean, cell.reason) == (None, "failed: no image")


def test_conventions_never_share_a_table() -> None:
    both = pd.concat([frame({"one": [1.0]}), frame({"one": [5.0]}, convention="seafusion2022")])
    assert mean_table(both, "tno", "standard").cell("one", "EN").mean == 1.0
    assert mean_table(both, "tno", "seafusion2022").cell("one", "EN").mean == 5.0


def test_columns_begin_with_the_headline_metrics() -> None:
    assert metric_order(["AG", "Qabf", "mine", "EN"], "standard")[:2] == ["EN", "Qabf"]
    assert headline("a plug-in's") == headline("standard")


def test_an_unknown_cell_is_refused() -> None:
    with pytest.raises(BenchError, match="no cell 'four'"):
        mean_table(frame(VALUES), "tno", "standard").cell("four", "EN")


def segmentation() -> list[Score]:
    rows = []
    for method, ious in (("one", [0.9, 0.5]), ("two", [0.8, 0.7])):
        for label, iou in zip(("car", "bike"), ious, strict=True):
            rows.append(Score("segmentation", "mfnet", "test", method, "IoU", iou, "", "single_scale", label))
        rows.append(Score("segmentation", "mfnet", "test", method, "mIoU", sum(ious) / 2, "", "single_scale"))
        rows.append(
            Score("segmentation", "mfnet", "test", method, "IoU", None, "", "single_scale", "bump", "skipped", "x")
        )
        rows.append(Score("segmentation", "mfnet", "test", method, "mIoU", 0.1, "", "single_scale/day"))
    return rows


def test_set_level_columns_follow_the_classes_and_end_with_the_mean(numbers: Numbers) -> None:
    rows = scores_frame(segmentation())
    table = mean_table(
        rows, "mfnet", "single_scale", "segmentation", layout=Layout(labels=["car", "bike"]), numbers=numbers
    )
    assert [column.title for column in table.columns] == ["car", "bike", "mIoU"]
    assert table.winner("mIoU") == "two"
    assert table.winner("IoU", "car") == "one"


def test_ways_of_scoring_are_listed_with_parts_of_the_set_last() -> None:
    assert task_conventions(scores_frame(segmentation()), "segmentation", "mfnet") == [
        "single_scale",
        "single_scale/day",
    ]


def test_latency_carries_its_deviation_as_spread(numbers: Numbers) -> None:
    rows = [
        Score("efficiency", "tno", "test", "one", "latency_ms_mean", 5.0),
        Score("efficiency", "tno", "test", "one", "latency_ms_std", 0.5),
        Score("efficiency", "tno", "test", "two", "latency_ms_mean", 4.0),
    ]
    table = mean_table(scores_frame(rows), "tno", task="efficiency", numbers=numbers)
    assert [column.metric for column in table.columns] == ["latency_ms_mean"]
    assert table.cell("one", "latency_ms_mean").spread == 0.5
    assert table.winner("latency_ms_mean") == "two"


def test_standing_is_the_mean_rank_on_each_pair() -> None:
    rows = select(frame(VALUES), "metrics", "tno", "standard")
    standing = pair_standing(rows, ["EN"], list(VALUES))
    assert standing.loc["00"].to_dict() == {"one": 3.0, "two": 2.0, "three": 1.0}


def test_disagreement_is_largest_where_methods_differ_most() -> None:
    rows = select(frame({"one": [1.0, 1.0, 1.0], "two": [1.0, 9.0, 2.0]}), "metrics", "tno", "standard")
    assert list(pair_disagreement(rows, ["EN"], ["one", "two"]).index) == ["01", "02", "00"]


def test_image_iou_counts_the_classes_an_image_has() -> None:
    matrices = np.zeros((2, 3, 3), dtype=np.int64)
    matrices[0] = [[8, 0, 0], [2, 2, 0], [0, 0, 0]]  # class 0: 8/10, class 1: 2/4, class 2: absent
    found = image_iou(matrices)
    assert found[0] == pytest.approx((0.8 + 0.5) / 2)
    assert math.isnan(found[1])


def test_most_disagreed_leaves_out_pairs_without_values() -> None:
    values = pd.DataFrame({"one": [0.5, 0.1, np.nan], "two": [0.5, 0.9, np.nan]}, index=["a", "b", "c"])
    assert list(most_disagreed(values).index) == ["b", "a"]


HOSTILE = Table(
    "metrics", "tno", "standard", (Column("EN", "", "EN", "higher", 4),),
    (Row("=a|b_1%", (Cell(1.25, 0.5, 3, 1),)), Row("two", (Cell(-1.0, None, 3, 2),)), Row("none", (Cell(),))),
)  # fmt: skip


def test_latex_colours_the_best_and_escapes_names() -> None:
    text = to_latex(HOSTILE, "Means & more", spread=True)
    assert r"\caption{Means \& more, convention standard. $\uparrow$ higher is better" in text
    assert r"=a|b\_1\% & \textcolor{red}{$1.2500 \pm 0.5000$} \\" in text
    assert r"two & \textcolor{blue}{$-1.0000$} \\" in text
    assert "none & -- \\\\" in text
    assert text.count(r"\begin") == text.count(r"\end") == 2
    assert latex_escape("\\{x}") == r"\textbackslash{}\{x\}"


def test_markdown_marks_the_best_and_keeps_names_in_their_cell() -> None:
    lines = to_markdown(HOSTILE).splitlines()
    assert lines[2] == r"| =a\|b\_1% | **1.2500** ± 0.5000 |"
    assert lines[3] == "| two | *-1.0000* |"


def test_csv_keeps_every_digit_and_starts_no_formula() -> None:
    table = Table("metrics", "tno", "standard", HOSTILE.columns, (Row("=a", (Cell(1 / 3, None, 3, 1),)),))
    (line,) = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert float(line["EN ↑"]) == 1 / 3
    assert (line["method"], line["EN ↑ n"], line["EN ↑ rank"], line["EN ↑ spread"]) == ("'=a", "3", "1", "")


def test_numbers_have_a_true_minus_and_a_dash_for_nothing() -> None:
    assert (format_number(-1.0, 2), format_number(None, 2)) == ("−1.00", "–")
    assert [format_number(value, 3) for value in (-0.0004, -0.0, -0.0005001, 0.0004)] == [
        "0.000", "0.000", "−0.001", "0.000",
    ]  # fmt: skip
    assert [format_number(value, 1) for value in (float("inf"), float("-inf"), float("nan"))] == ["inf", "−inf", "nan"]
