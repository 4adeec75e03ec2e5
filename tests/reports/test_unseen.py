"""What a detector says of pairs that a method was trained on does not lead: unseen pairs come first everywhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.analysis.bootstrap import Interval
from bench.analysis.set_level import SetComparison, TaskComparison
from bench.run.record import declared
from bench.store.manifest import parse_manifest
from bench.store.run_folder import Store
from bench.store.scores import scores_frame
from bench.types import Score
from reports.source import RunData
from reports.task_comparisons import with_draws
from reports.task_tables import leading_table, speaking, task_tables
from reports.words import task_leaders

RULES = ("coco", "yolov5", "yolov5_val")
UNKNOWN = "not known which pairs it was trained on"


def rows(method: str, every: float, unseen: float | None, rules: tuple[str, ...]) -> list[Score]:
    found = []
    for rule in rules:
        row = Score("detection", "mfnet", "detection", method, "AP@[0.5:0.95]", every, "", rule, "all")
        own = replace(row, convention=f"{rule}/unseen", value=unseen)
        found += [row, replace(row, metric="pictures", label="", value=3.0)]
        if unseen is None:
            found.append(replace(own, status="skipped", reason=UNKNOWN))
        else:
            found += [own, replace(own, metric="pictures", label="", value=2.0)]
    return found


def made(tmp_path: Path, scores: list[Score]) -> RunData:
    tasks = {"detection": declared("detection").model_dump()}
    manifest = parse_manifest(tmp_path, {"datasets": {"mfnet": {"split": "test"}}, "tasks": tasks})
    return RunData(Store(tmp_path), manifest, scores_frame(scores))


@pytest.mark.parametrize("rules", [("coco",), ("yolov5",), ("yolov5_val",), RULES, RULES[::-1]], ids="-".join)
def test_unseen_pairs_lead_tables_overview_and_words(tmp_path: Path, rules: tuple[str, ...]) -> None:
    # trained on most of these pairs, `leaker` is best on all and worst on the rest
    run = made(tmp_path, [*rows("leaker", 0.9, 0.2, rules), *rows("honest", 0.5, 0.4, rules)])
    tables = task_tables(run)
    ways = list(tables["detection"]["mfnet"])
    assert all(ways.index(f"{rule}/unseen") < ways.index(rule) for rule in rules)
    assert ways[0].endswith("/unseen")
    overview = leading_table(run, tables)
    assert overview is not None
    means = {row.method: [cell.mean for cell in row.cells if cell.mean is not None] for row in overview.rows}
    assert means == {"leaker": [0.2], "honest": [0.4]}
    assert "pairs unseen in training" in overview.columns[0].note
    words = " ".join(note.text for note in task_leaders(run, run.datasets[0], tables))
    assert "honest has the best" in words
    assert "unseen" in words


def test_a_folder_of_images_has_no_place_among_unseen_pairs(tmp_path: Path) -> None:
    run = made(tmp_path, [*rows("mine", 0.9, None, RULES), *rows("a", 0.5, 0.4, RULES), *rows("b", 0.4, 0.3, RULES)])
    tables = task_tables(run)
    table = next(iter(tables["detection"]["mfnet"].values()))
    cell = table.cell("mine", "AP@[0.5:0.95]", "all")
    assert (cell.mean, cell.rank) == (None, None)
    assert "not known" in cell.reason
    assert table.winner("AP@[0.5:0.95]", "all") == "a"


def test_where_no_pair_is_unseen_all_pairs_speak(tmp_path: Path) -> None:
    run = made(tmp_path, [*rows("mine", 0.9, None, RULES), *rows("yours", 0.5, None, RULES)])
    found = task_tables(run)["detection"]["mfnet"]
    assert speaking(found, run.numbers.headlines("detection")).convention == "coco"


@pytest.mark.parametrize(
    ("gap", "spread", "tied"),
    [(0.1, 0.2, True), (0.1, 0.01, False), (0.3, 0.05, False), (0.02, 0.1, True), (0.01, 0.001, False)],
)
def test_ties_of_the_best_are_marked_in_task_tables(tmp_path: Path, gap: float, spread: float, tied: bool) -> None:
    run = made(tmp_path, [*rows("a", 0.9, 0.5 + gap, ("coco",)), *rows("b", 0.5, 0.5, ("coco",))])
    table = task_tables(run)["detection"]["mfnet"]["coco/unseen"]
    values = {"a": Interval(0.5 + gap, 0.0, 1.0), "b": Interval(0.5, 0.0, 1.0)}
    differences = {("b", "a"): (Interval(-gap, -gap - spread, -gap + spread),)}
    compared = SetComparison(("AP",), {name: (one,) for name, one in values.items()}, differences, 9)
    part = TaskComparison("unseen", compared, (("AP@[0.5:0.95]", "all", "coco/unseen"),), {})
    marked = with_draws(table, (part,))
    assert [marked.cell(name, "AP@[0.5:0.95]", "all").tied for name in "ab"] == [tied, tied]
    assert with_draws(table, "no package") == table
