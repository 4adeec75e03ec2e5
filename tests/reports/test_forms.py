"""The page of times with a latency passport: what leads it, one form at a time, and all forms side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from make_run import RunPlan, make_run

from bench.store.run_folder import Store
from bench.store.scores import tidy
from bench.types import Score
from reports.build import build_report

Visitor = Callable[..., Any]
FORMS = {"as_run": 100.0, "torch": 100.0, "openvino": 50.0}
SIZES = {"1024x768": 3.0, "640x480": 1.0}


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two methods with a passport at two sizes."""
    plan = RunPlan(methods=2, pairs={"tno": 2}, size=(32, 24), faults=False, tasks=("metrics", "efficiency"))
    root = make_run(tmp_path_factory.mktemp("timed") / "run", plan)
    store = Store(root)
    rows = [
        Score("efficiency", "tno", "test", method, metric, value, convention=form, label=size)
        for method in ("method0", "method1")
        for form, ms in FORMS.items()
        for size, factor in SIZES.items()
        for metric, value in (("total_ms_median", factor * ms), ("infer_ms_median", factor * ms / 2))
    ]
    rows.append(
        Score("efficiency", "tno", "test", "method0", "infer_ms_median", None, convention="torch_bf16",
              status="skipped", reason="not offered here: the processor has none of avx512_bf16")
    )  # fmt: skip
    added = pd.DataFrame([asdict(row) for row in rows])
    before = store.read_scores()
    store.write_scores(tidy(pd.concat([before, added[list(before.columns)]], ignore_index=True)))
    build_report(root, jobs=1)
    return root


@pytest.mark.browser
def test_the_page_leads_with_the_run_and_shows_one_form_at_a_time(timed: Path, visit: Visitor) -> None:
    page = visit(timed, 1280).go("efficiency.html")
    page.wait_for_selector("[data-choose-convention]")
    buttons = page.locator("[data-choose-convention]").all_inner_texts()
    assert buttons == ["as_run", "torch", "openvino"]
    assert "Latency" in page.locator("main table.scores").first.inner_text()

    def shown() -> list[str]:
        found = page.locator("[data-convention]").evaluate_all(
            "(all) => all.filter((one) => one.offsetParent !== null).map((one) => one.dataset.convention)"
        )
        return list(found)

    assert shown() == ["as_run"]
    page.locator("[data-choose-convention=openvino]").click()
    assert shown() == ["openvino"]


@pytest.mark.browser
def test_all_forms_stand_side_by_side(timed: Path, visit: Visitor) -> None:
    page = visit(timed, 1280).go("efficiency.html")
    headings = page.locator("main h3").all_inner_texts()
    assert headings[:2] == ["Forms at 640x480", "Forms at 1024x768"]
    region = page.get_by_role("region", name="File to file at 640x480", exact=False)
    rows = [text.split() for text in region.locator("tbody tr").all_inner_texts()]
    assert [row[-4:] for row in rows if "openvino" in row] == [["openvino", "50.0", "2.00", "25.0"]] * 2
    refused = region.locator("tr", has_text="torch_bf16")
    assert "not offered here" in refused.inner_text()
    texts = page.locator("textarea").evaluate_all("(all) => all.map((one) => one.value)")
    assert any("method0, openvino" in text.lower() and "50.0" in text for text in texts)
