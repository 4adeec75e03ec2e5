"""A copied table says what the page says: pairs, marks, convention, way, direction, unit and ties, in every form."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from bench.analysis.captions import caption, described, notes
from bench.analysis.export import to_csv, to_latex, to_markdown
from bench.analysis.means import mean_table
from bench.analysis.pairwise import compare, ties_of_best, wilcoxon, wilcoxon_all
from bench.analysis.table import Cell, Column, Row, Table
from bench.store.manifest import MethodFacts
from bench.store.scores import scores_frame
from bench.types import Score
from reports.context import exports

FACTS = {
    "clear": MethodFacts(kind="learned", way="published", trained_on=("tno:train",), stretches=True),
    "close": MethodFacts(kind="classical", way="published"),
    "short": MethodFacts(kind="classical", way="published"),
    "short-plain": MethodFacts(kind="classical", way="plain", beside="short"),
}
FORMS = {
    "latex": lambda table: to_latex(table, "TNO"),
    "markdown": lambda table: to_markdown(table, "TNO"),
    "csv": to_csv,
}


def made(metric: str = "SD", convention: str = "standard", gap: float = 0.0) -> Table:
    """``clear`` is ahead of ``close`` by ``gap`` plus chance; ``short`` lacks a pair."""
    random = np.random.default_rng(0)
    rows = []
    for pair in range(12):
        base = random.normal(30, 1)
        values = {
            "clear": base + gap,
            "close": base + random.normal(0, 0.1),
            "short": math.nan if pair == 3 else base - 9,
        }
        values["short-plain"] = base - 10
        rows += [
            Score("metrics", "tno", "test", name, metric, value, f"{pair:02d}", convention)
            for name, value in values.items()
        ]
    return described(mean_table(scores_frame(rows), "tno", convention, unranked=["short-plain"]), FACTS)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("latex", "markdown", "plain"),
    [
        ("11 of 12 pairs", "11 of 12 pairs", "11 of 12 pairs"),
        (r"clear$^{\dagger}$", "clear†", "tno,standard,published,yes,yes"),
        ("convention standard", "convention standard", ",standard,"),
        ("published", "published", ",published,"),
        (r"$\uparrow$", "↑", "↑"),
        ("(grey level)", "(grey level)", "(grey level)"),
        (r"$^{\ddagger}$", "‡", "its way stretches the contrast"),
        (r"$^{\approx}$", "≈", "≈"),
        ("plain way: short-plain", "plain way: short-plain", ",plain,"),
    ],
    ids=["pairs", "trained", "convention", "way", "arrow", "unit", "stretch", "tie", "plain"],
)
def test_an_export_says_what_the_page_says(form: str, latex: str, markdown: str, plain: str) -> None:
    text = FORMS[form](made())
    assert {"latex": latex, "markdown": markdown, "csv": plain}[form] in text


@pytest.mark.parametrize(("metric", "convention"), [("SD", "standard"), ("EN", "tang2023"), ("MSE", "standard")])
def test_a_caption_claims_no_more_pairs_than_there_are(metric: str, convention: str) -> None:
    text = caption(made(metric, convention), "TNO")
    assert "mean over 11 to 12 pairs" in text
    assert f"convention {convention}" in text


@pytest.mark.parametrize(
    ("values", "said"),
    [([1.0, 2.0], "mean over 2 pairs"), ([1.0], "mean over 1 pair"), ([1.0, math.nan, 3.0], "mean over 2 pairs")],
)
def test_a_caption_of_whole_columns_is_exact(values: list[float], said: str) -> None:
    rows = [Score("metrics", "tno", "test", "one", "EN", value, str(at), "standard") for at, value in enumerate(values)]
    assert said in caption(mean_table(scores_frame(rows), "tno", "standard"), "TNO")


@pytest.mark.parametrize(("gap", "tied"), [(0.0, True), (0.01, True), (3.0, False), (-0.01, True), (-3.0, False)])
def test_ties_with_the_best_are_marked_as_the_tests_have_it(gap: float, tied: bool) -> None:
    table = made(gap=gap)
    cells = {row.method: row.cells[0] for row in table.rows}
    assert cells["clear"].tied is cells["close"].tied is tied
    assert not cells["short"].tied
    assert any("cannot tell" in note for note in notes(table)) is tied


@pytest.mark.parametrize("seed", range(5))
def test_ties_are_those_of_the_comparison(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = pd.DataFrame(random.normal(0, 1, (20, 5)) + np.linspace(0, 1.5, 5), columns=list("abcde"))
    rows = [
        Score("metrics", "tno", "test", name, "EN", value, str(pair), "standard")
        for pair, row in values.iterrows()
        for name, value in row.items()
    ]
    best = str(values.mean().idxmax())
    others = compare(scores_frame(rows), "tno", "EN").ties(best)
    assert ties_of_best(values, "higher") == (frozenset({best, *others}) if others else frozenset())


@pytest.mark.parametrize("kind", ["plain", "zeros", "equal", "short", "long"])
def test_many_tests_at_once_are_each_by_itself(kind: str) -> None:
    differences = np.random.default_rng(1).normal(0.2, 1, (6, {"short": 5, "long": 80}.get(kind, 30)))
    if kind == "zeros":
        differences[0] = 0.0
        differences[1, :4] = 0.0
    if kind == "equal":
        differences[::2] = differences[::2].round(1)
    assert wilcoxon_all(differences) == [wilcoxon(row) for row in differences]


def test_intervals_and_cautions_of_the_page_are_in_every_form() -> None:
    columns = (Column("mIoU", "", "mIoU", "higher", 3), Column("acc", "", "accuracy", "higher", 3))
    rows = (
        Row("one", (Cell(0.5, None, 1, 1, interval=(0.4, 0.6)), Cell(0.7, None, 1, 1))),
        Row("two", (Cell(0.3, None, 1, 2, interval=(0.2, 0.45)), Cell(0.6, None, 1, 2))),
    )
    table = Table("segmentation", "tno", "single_scale", columns, rows, caution="Only 4 images")
    assert "0.500}$ [0.400, 0.600]" in to_latex(table, "TNO", spread=True).replace("$}", "}$")
    assert "[0.400" not in to_latex(table, "TNO")
    assert r"**0.500** \[0.400, 0.600\]" in to_markdown(table, "TNO")
    for text in (to_latex(table, "TNO"), to_markdown(table, "TNO"), to_csv(table)):
        assert "Only 4 images" in text
    head, first, _ = to_csv(table).splitlines()
    values = dict(zip(head.split(","), first.split(","), strict=True))
    assert (values["mIoU ↑ low"], values["mIoU ↑ high"]) == ("0.4", "0.6")
    assert "accuracy ↑ low" not in values


def test_a_longer_form_is_offered_where_it_says_more() -> None:
    def forms(cell: Cell) -> list[str]:
        table = Table("t", "d", "", (Column("m", "", "m", "higher", 2),), (Row("one", (cell,)),))
        return [name for name, _, _ in exports(table, "D")]

    assert forms(Cell(1.0)) == ["LaTeX", "Markdown", "CSV"]
    assert forms(Cell(1.0, 0.1)) == ["LaTeX", "LaTeX with ±", "Markdown", "CSV"]
    assert forms(Cell(1.0, interval=(0.0, 2.0))) == ["LaTeX", "LaTeX with intervals", "Markdown", "CSV"]
