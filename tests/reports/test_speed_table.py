"""The table of speed: what the published run says, the quickest first, times under load marked; README's is current."""

from __future__ import annotations

from pathlib import Path

import pytest
from make_run import RunPlan, make_run

from bench.analysis.verify_pack import pack
from bench.files import PROJECT_ROOT
from bench.store.run_folder import Store
from bench.types import UNDER_LOAD
from reports.speed_table import END, PUBLISHED, START, Speeds, speeds, with_table


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Speeds:
    """Of a run in which the second method was timed under load, and the first is the slower of the others."""
    plan = RunPlan(methods=3, pairs={"tno": 2}, size=(32, 24), faults=False, tasks=("metrics", "efficiency"))
    store = Store(make_run(tmp_path_factory.mktemp("speed") / "speed", plan))
    scores = store.read_scores()
    timed = scores["metric"].str.startswith("latency")
    machine = "Synthetic CPU, 2 cores, 1 threads, torch 2.5, computed by torch"
    scores.loc[timed, "reason"] = machine
    scores.loc[timed & (scores["method"] == "method1"), "reason"] = f"{machine}; {UNDER_LOAD}: CPU time 50 %"
    scores.loc[timed & (scores["method"] == "method0") & (scores["metric"] == "latency_ms_mean"), "value"] = 123.4
    scores.loc[(scores["metric"] == "params_M") & (scores["method"] == "method2"), "value"] = 0.0
    store.write_scores(scores)
    result = speeds(pack(store.root, images=0))
    assert result is not None
    return result


def test_the_quickest_comes_first_and_sources_are_left_out(found: Speeds) -> None:
    assert list(found.cells) == ["method1", "method2", "method0"]
    assert found.cells["method0"]["latency_ms_mean"] == "123"


def test_a_time_under_load_is_marked_and_explained(found: Speeds) -> None:
    assert [name for name, cells in found.cells.items() if "*" in cells["latency_ms_mean"]] == ["method1"]
    text = with_table(f"before {START} old {END} after", found)
    assert text.startswith(f"before {START}\n| method | ms a pair |")
    assert text.endswith(f"{END} after")
    assert "other work ran beside it" in text
    assert "2 pairs of `tno` on Synthetic CPU, 2 cores, 1 threads, torch 2.5. " in text
    assert "while other work ran beside it" in found.in_words("method1")
    assert "while other work ran beside it" not in found.in_words("method0")


def test_what_a_rule_has_not_is_left_empty(found: Speeds) -> None:
    assert found.cells["method2"]["params_M"] == ""
    assert "parameters" not in found.in_words("method2")
    assert found.in_words("unknown") == ""


def test_without_a_published_run_there_is_no_table(tmp_path: Path) -> None:
    assert speeds(tmp_path / "speed.zip") is None


@pytest.mark.skipif(not (PROJECT_ROOT / "README.md").is_file(), reason="only in a checkout")
def test_readmes_table_is_current() -> None:
    text = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    result = speeds(PUBLISHED)
    assert result is not None, f"{PUBLISHED} is missing"
    assert text == with_table(text, result), "run python -m reports.speed_table"
