"""Report and leaderboard rank by one answer, and neither ranks, counts or calls complete what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.run.record import declared
from bench.store.manifest import Manifest, MethodFacts
from bench.store.run_folder import Store
from bench.store.scores import scores_frame
from bench.types import Score
from reports.leaderboard import Entrant, _labels, _merged, render
from reports.leaderboard import _blocks as blocks_of
from reports.overview import Overview
from reports.source import RunData
from reports.words import leaders

KINDS = {"visible": "reference", "a": "learned", "b": "classical", "b-plain": "classical", "c": "folder"}
PAIRS = tuple(f"{at:02d}" for at in range(12))


def manifest(pairs: tuple[str, ...] = PAIRS, **more: Any) -> Manifest:
    tasks = {name: declared(name).model_dump() for name in ("detection", "efficiency")}
    methods = {
        name: {"name": name, "kind": kind, "way": "published", "beside": "b" if name == "b-plain" else ""}
        for name, kind in KINDS.items()
    }
    dataset = {"split": "test", "listed": 12, "found": len(pairs), "parts": {"test": {"pairs": pairs}}}
    facts = {"version": "1", "complete": True, "datasets": {"tno": dataset}, "methods": methods, "tasks": tasks, **more}
    return Manifest.model_validate(facts)


def scores(
    pairs: tuple[str, ...] = PAIRS, conventions: tuple[str, ...] = ("standard",), lift: float = 0.0
) -> list[Score]:
    random = np.random.default_rng(len(pairs))
    found = []
    for place, name in enumerate(KINDS):
        for convention in conventions:
            found += [
                Score("metrics", "tno", "test", name, "EN", random.normal(place + lift, 3), pair, convention)
                for pair in pairs
            ]
        found.append(Score("detection", "tno", "test", name, "AP@0.5", 0.1 * place + lift, "", "coco", "all"))
        found.append(Score("efficiency", "tno", "test", name, "latency_ms_mean", 9.0 - place))
    return found


def entrant(name: str, rows: list[Score], facts: Manifest) -> Entrant:
    from bench.analysis.verify_pack import public_facts

    return Entrant(name, "0" * 64, public_facts(facts).model_dump(), scores_frame(rows))


def boards(*entrants: Entrant) -> dict[str, dict[str, int | None]]:
    """Title -> method -> rank in the first column."""
    merged, facts = _merged(entrants, _labels(entrants))
    methods = {label: MethodFacts.model_validate(known) for label, known in facts.items()}
    found = blocks_of(entrants, merged, facts, methods)
    return {block.title: {row.method: row.cells[0].rank for row in block.table.rows} for block in found}


@pytest.mark.parametrize(
    ("task", "title"),
    [
        ("metrics", "tno · metrics · standard"),
        ("detection", "tno · detection · coco"),
        ("efficiency", "tno · efficiency"),
        ("metrics", "tno · metrics · tang2023"),
        ("metrics", "tno · metrics · seafusion2022"),
    ],
)
def test_report_and_leaderboard_rank_alike(tmp_path: Path, task: str, title: str) -> None:
    rows = scores(conventions=("seafusion2022", "tang2023", "standard"))
    overview = Overview(RunData(Store(tmp_path), manifest(), scores_frame(rows)))
    tables = overview.tables if task == "metrics" else overview.task_tables[task]
    convention = title.split(" · ")[2] if title.count(" · ") > 1 else ""
    mine = {row.method: row.cells[0].rank for row in tables["tno"][convention].rows}
    assert mine == boards(entrant("one", rows, manifest()))[title]
    assert any(mine.values())


@pytest.mark.parametrize("count", [1, 3, 6, 10, 11])
def test_a_pack_of_fewer_pairs_does_not_rank_among_complete_ones(count: int) -> None:
    short = entrant("short", scores(PAIRS[:count], lift=50.0), manifest(PAIRS[:count]))
    found = boards(entrant("whole", scores(), manifest()), short)
    for ranks in found.values():
        assert {rank for method, rank in ranks.items() if method.endswith("short")} == {None}
        assert any(rank == 1 for method, rank in ranks.items() if method.endswith("whole"))


@pytest.mark.parametrize(
    "conventions",
    [
        ("seafusion2022", "standard"), ("cddfuse", "seafusion2022", "standard"), ("tang2023", "standard"),
        ("standard", "seafusion2022"), ("vifb", "standard", "cddfuse"),
    ],
)  # fmt: skip
def test_what_is_not_sound_stands_below_standard(conventions: tuple[str, ...]) -> None:
    titles = list(boards(entrant("one", scores(conventions=conventions), manifest())))
    assert titles[0] == "tno · metrics · standard"
    assert set(titles[1 : len(conventions)]) == {
        f"tno · metrics · {name}" for name in conventions if name != "standard"
    }


@pytest.mark.parametrize("status", ["skipped", "failed"])
@pytest.mark.parametrize("gone", [("a",), ("a", "c"), ("a", "b", "c")])
def test_only_methods_with_numbers_are_counted(tmp_path: Path, status: Any, gone: tuple[str, ...]) -> None:
    rows = [row for row in scores() if row.method not in gone]
    rows += [Score("metrics", "tno", "test", name, "", None, status=status, reason="no weights") for name in gone]
    run = RunData(Store(tmp_path), manifest(), scores_frame(rows))
    assert len(run.counted) == 3 - len(gone)
    assert run.failed == (len(gone) if status == "failed" else 0)
    out = tmp_path / "board.html"
    render([entrant("one", rows, manifest())], out)
    assert f"{3 - len(gone)} method{'' if len(gone) == 2 else 's'} from 1 pack" in out.read_text()


def test_in_short_speaks_of_every_convention(tmp_path: Path) -> None:
    conventions = ("seafusion2022", "standard", "tang2023", "cddfuse", "vifb")
    run = RunData(Store(tmp_path), manifest(), scores_frame(scores(conventions=conventions[:4])))
    overview = Overview(run)
    notes = [note for note in leaders(run, run.datasets[0], overview.tables["tno"]) if note.kind == "lead"]
    assert {note.convention for note in notes} == set(conventions[:4])
    for note in notes:
        table = overview.tables["tno"][note.convention]
        winner = table.winner("EN")
        assert winner is not None
        assert f"{winner} leads" in note.text
        assert ("≈" in note.text) is table.cell(winner, "EN").tied
