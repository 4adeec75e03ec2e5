"""The lists of metrics and conventions, and how names are chosen from them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.metrics.catalogue import CONVENTIONS, METRICS, chosen_metrics, convention_rows, find_use, metric, metric_rows
from bench.metrics.engine import FORMULAS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_it_is(name: str) -> None:
    entry = METRICS[name]
    assert entry.name == name
    assert entry.title
    assert entry.source
    assert entry.definition.endswith(".")
    assert entry.better in ("higher", "lower")
    assert entry.doi == "" or re.fullmatch(r"10\.\d{4,}/\S+", entry.doi)
    assert entry.low is None or entry.high is None or entry.low < entry.high
    assert any(name in each.uses for each in CONVENTIONS.values())
    assert entry.idea in METRICS
    assert METRICS[entry.idea].better == entry.better


@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_use_names_a_formula_and_all_its_parameters(name: str) -> None:
    for use in CONVENTIONS[name].uses.values():
        wanted = set(inspect.signature(FORMULAS[use.formula]).parameters) - {"triple", "channels"}
        given = {key for key, _ in use.parameters}
        optional = {"merge_top_bins", "stretch", "floor"}
        assert given <= wanted, use.metric
        assert wanted - given <= optional, use.metric


def test_only_standard_is_sound_and_the_others_say_why() -> None:
    assert [name for name, entry in CONVENTIONS.items() if entry.sound] == ["standard"]
    assert not any(use.defect for use in CONVENTIONS["standard"].uses.values())
    for name, entry in CONVENTIONS.items():
        assert entry.cite
        assert entry.verified
        assert bool(entry.defects) == (name != "standard")


def test_equal_definitions_are_one_formula_with_equal_parameters() -> None:
    for metric_name in ("VIF", "SF", "SD"):
        uses = [find_use(name, metric_name) for name in ("standard", "tang2023", "cddfuse")]
        assert len({(use.formula, use.parameters) for use in uses}) == 1


def test_choosing_metrics() -> None:
    assert chosen_metrics(["cddfuse"], None) == {"cddfuse": CONVENTIONS["cddfuse"].default}
    assert chosen_metrics(["standard"], ["SD", "EN", "SD"]) == {"standard": ("EN", "SD")}
    assert chosen_metrics(["vifb", "vifb"], "all") == {"vifb": CONVENTIONS["vifb"].metrics}
    with pytest.raises(BenchError, match="unknown convention ''; known: standard"):
        chosen_metrics([], None)
    with pytest.raises(BenchError, match="unknown metric 'ms-ssim'; did you mean MS_SSIM"):
        metric("ms-ssim")


def test_rows_for_lists_hold_every_name() -> None:
    assert [row["metric"] for row in metric_rows()] == list(METRICS)
    assert [row["convention"] for row in convention_rows(long=True)] == list(CONVENTIONS)
    mi = next(row for row in metric_rows(long=True) if row["metric"] == "MI")
    assert "Unit: nat." in mi["in cddfuse"]
    assert "share a joint bin" in mi["in tang2023"]


def test_the_guide_names_every_convention_and_metric() -> None:
    guide = (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8")
    for name in (*CONVENTIONS, *METRICS):
        assert f"`{name}`" in guide, name
