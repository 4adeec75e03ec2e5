"""The latency passport side by side."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.analysis.forms_table import BASES, SPEED, forms_tables, sizes_of
from bench.analysis.table import Table
from bench.types import UNDER_LOAD, Score
from tasks.efficiency import EfficiencyTask

SMALL, LARGE = "64x48", "1024x768"
TITLES = {"seafusion": "SeAFusion", "average": "Average"}


def row(method: str, form: str, size: str, metric: str, value: float | None, reason: str = "") -> Score:
    return Score(
        "efficiency", "demo", "test", method, metric, value, convention=form, label=size,
        status="skipped" if value is None else "ok", reason=reason,
    )  # fmt: skip


def made() -> list[Score]:
    rows = []
    for size, factor in ((LARGE, 4.0), (SMALL, 1.0)):
        for method, form, ms in (
            ("seafusion", "as_run", 110.0), ("seafusion", "torch", 100.0), ("seafusion", "openvino", 80.0),
            ("average", "as_run", 5.0),
        ):  # fmt: skip
            loaded = f"a machine; {UNDER_LOAD}: 5 beside it" if form == "openvino" and size == LARGE else ""
            rows.append(row(method, form, size, "total_ms_median", factor * ms, loaded))
        rows.append(row("seafusion", "openvino", size, "changed_share", 0.25))
        rows.append(row("seafusion", "openvino", size, "change_MI", -0.5))
    refused = "not offered here: the processor has none of avx512_bf16"
    rows.append(row("seafusion", "torch_bf16", "", "infer_ms_median", None, refused))
    rows.append(Score("efficiency", "demo", "test", "seafusion", "latency_ms_mean", 7.0))
    return rows


def tables(rows: list[Score]) -> list[tuple[str, str, Table]]:
    frame = pd.DataFrame([{name: getattr(one, name) for name in Score.__slots__} for one in rows])
    return forms_tables(frame, "demo", EfficiencyTask.ways, TITLES, ["average", "seafusion"])


def test_there_is_one_for_each_size_the_smallest_first() -> None:
    found = tables(made())
    assert [(size, base) for size, base, _ in found] == [(SMALL, "torch"), (LARGE, "torch")]
    table = found[0][2]
    assert [each.method for each in table.rows] == [
        "average/as_run", "seafusion/as_run", "seafusion/torch", "seafusion/torch_bf16", "seafusion/openvino",
    ]  # fmt: skip
    assert table.title_of("seafusion/openvino") == "SeAFusion, openvino"


def test_speed_is_against_the_same_method_in_pytorch() -> None:
    table = tables(made())[0][2]
    assert table.cell("seafusion/openvino", SPEED).mean == pytest.approx(1.25)
    assert table.cell("seafusion/as_run", SPEED).mean == pytest.approx(100 / 110)
    assert table.cell("average/as_run", SPEED).mean is None
    without = [one for one in made() if one.convention != "torch"]
    assert tables(without)[0][1] == "as_run"
    assert tables(without)[0][2].cell("seafusion/openvino", SPEED).mean == pytest.approx(110 / 80)
    assert BASES[0] == "torch"


def test_what_a_form_changes_stands_beside_it() -> None:
    table = tables(made())[0][2]
    assert table.cell("seafusion/openvino", "changed_share").mean == 25.0
    assert table.cell("seafusion/openvino", "change_MI").mean == -0.5
    assert not any(column.metric in {"energy_J", "psnr_dB"} for column in table.columns), "nobody has a value"


def test_a_form_that_is_not_offered_says_why_and_load_is_marked() -> None:
    small, large = (table for _, _, table in tables(made()))
    assert small.cell("seafusion/torch_bf16", "total_ms_median").mean is None
    assert "none of avx512_bf16" in small.cell("seafusion/torch_bf16", "total_ms_median").reason
    assert UNDER_LOAD not in small.cell("seafusion/openvino", "total_ms_median").reason
    assert UNDER_LOAD in large.cell("seafusion/openvino", "total_ms_median").reason


def test_without_a_passport_there_is_none() -> None:
    assert tables([one for one in made() if not one.convention]) == []
    assert sizes_of(["all", "car", "axb", "10x", "9x9", "8x8"]) == ["8x8", "9x9"]
