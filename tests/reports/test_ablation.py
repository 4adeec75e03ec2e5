"""The report of ``bench ablate``: its table is the one that is printed, its pictures are those of the folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from make_ablation import PAIRS, make_ablation
from make_run import HOSTILE
from PIL import Image
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import BenchError
from bench.run.ablation import AblationResult, table
from reports import build_report
from reports.ablation import read_ablation

Visitor = Callable[..., Any]


@pytest.fixture(scope="module")
def ablation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three variants and two seeds with its report."""
    root = make_ablation(tmp_path_factory.mktemp("ablation") / "out")
    build_report(root, jobs=1)
    return root


def text_of(root: Path) -> str:
    page = (root / "report" / "index.html").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_page_has_the_numbers_that_the_command_prints(ablation: Path) -> None:
    rows = table(read_ablation(ablation).scores)
    text = text_of(ablation)
    for row in rows:
        for column in ("car", "mIoU single_scale", "mAcc single_scale"):
            mean, spread = row[column].split(" ± ")
            assert re.search(rf"{re.escape(mean)} (\((best|second)\) )?± {re.escape(spread)}", text), (row, column)
    assert rows[0]["EN"].split(" ± ")[0] in text
    assert "2 seeds each" in text


def test_bench_report_takes_the_folder_of_an_ablation(tmp_path: Path) -> None:
    root = make_ablation(tmp_path / "out", images=False, seeds=1)
    outcome = CliRunner().invoke(app, ["report", str(root)])
    assert outcome.exit_code == 0, outcome.output
    assert str(root / "report" / "index.html") in outcome.output.replace("\n", "")
    assert "One seed only" in text_of(root)
    assert "No fused images lie beside the numbers" in text_of(root)
    assert not (root / "report" / "viewer.html").exists()


def test_only_test_pairs_are_shown_and_the_training_pair_is_not(ablation: Path) -> None:
    page = (ablation / "report" / "index.html").read_text(encoding="utf-8")
    assert all(f"p={pair}" in page for pair in PAIRS)
    assert "00099D" not in page
    shown = re.findall(r'src="(scenes/[^"]+)"', page)
    assert len(shown) == 2 * 3 * len(PAIRS)
    with Image.open(ablation / "report" / shown[0]) as picture:
        assert picture.size == (64, 48)


def test_a_variant_that_lacks_a_seed_is_not_ranked(tmp_path: Path) -> None:
    root = make_ablation(tmp_path / "out", images=False)
    scores = pd.read_csv(root / "ablation.csv")
    scores[(scores["variant"] != "full") | (scores["seed"] == 0)].to_csv(root / "ablation.csv", index=False)
    build_report(root)
    page = (root / "report" / "index.html").read_text(encoding="utf-8")
    row = re.search(r'<th scope="row" data-value="full">.*?</tr>', page, re.S)[0]  # type: ignore[index]
    assert "1 of 2 seeds" in row
    assert "best" not in row


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "ablation.csv").write_text("variant,value\nfull,1\n")
    with pytest.raises(BenchError, match=r"ablation\.csv: columns seed, task"):
        build_report(tmp_path)


def test_a_hostile_variant_shows_as_text(tmp_path: Path) -> None:
    root = make_ablation(tmp_path / "out", variants=("full", HOSTILE), images=False)
    build_report(root)
    page = (root / "report" / "index.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


@pytest.mark.browser
def test_the_pages_work_in_a_browser(ablation: Path, visit: Visitor, tmp_path: Path) -> None:
    page = visit(ablation).go("index.html")
    assert page.locator("td.best").count() > 0
    assert page.locator("img[data-shows=Overlay]:visible").count() == 0
    page.locator("[data-view=Overlay]").click()
    page.evaluate(  # images below the fold have no size until they are loaded
        "Promise.all([...document.querySelectorAll('img[data-shows=Overlay]')].map((one) =>"
        "{ one.loading = 'eager'; return one.decode(); }))"
    )
    assert page.locator("img[data-shows=Overlay]:visible").count() == 3 * len(PAIRS)
    page.get_by_role("button", name="joint/single_scale", exact=True).click()
    assert page.locator("[data-convention='joint/single_scale'] tbody tr:visible").count() == 1
    page.get_by_role("button", name="single_scale", exact=True).click()
    page.locator("[data-convention=single_scale] details.export summary").click()
    with page.expect_download() as download:
        page.locator("[data-convention=single_scale] [data-save$='.tex']").nth(1).click()
    download.value.save_as(tmp_path / "table.tex")
    assert r" \pm " in (tmp_path / "table.tex").read_text()
    page.locator("article.scene h4 a").first.click()
    page.wait_for_selector(".tile img")
    assert page.locator(".tile").count() == 3


def test_bench_ablate_ends_with_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(**settings: Any) -> AblationResult:
        scores = pd.read_csv(make_ablation(settings["out"], images=False) / "ablation.csv")
        return AblationResult(rows=table(scores), failed=[])

    monkeypatch.setattr("bench.run.ablation.ablation_command", made)
    outcome = CliRunner().invoke(app, ["ablate", "--out", str(tmp_path / "out")])
    assert outcome.exit_code == 0, outcome.output
    assert str(tmp_path / "out" / "report" / "index.html") in outcome.output.replace("\n", "")
    assert (tmp_path / "out" / "report" / "index.html").is_file()
