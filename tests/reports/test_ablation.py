"""The page of an ablation: its table is the one that is printed, its rows are the variants."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from make_run import HOSTILE, RunPlan, make_run
from typer.testing import CliRunner

from bench.cli import app
from bench.run.ablation import AblationResult, table
from bench.store.run_folder import Store
from reports import build_report

Visitor = Callable[..., Any]
VARIANTS = ("full", "no_semantic_loss")


def make_ablation(root: Path, variants: Sequence[str] = VARIANTS, seeds: int = 2, images: bool = False) -> Path:
    """A run folder whose methods are variants with seeds, and a source."""
    plan = RunPlan(
        methods=len(variants) * seeds, pairs={"mfnet": 4}, conventions=("standard",), images=images, faults=False,
        tasks=("metrics", "segmentation"),
    )  # fmt: skip
    store = Store(make_run(root, plan))
    labels = [f"method{index}" for index in range(plan.methods)]
    trials = {label: (variants[at % len(variants)], at // len(variants)) for at, label in enumerate(labels)}
    trials["visible"] = ("visible", 0)
    manifest, scores = store.read_manifest(), store.read_scores()
    scores["method"] = scores["method"].replace({label: "-".join(map(str, trial)) for label, trial in trials.items()})
    methods = {
        f"{variant}-{seed}": manifest.methods[label].model_copy(update={"variant": variant, "seed": seed})
        for label, (variant, seed) in trials.items()
    }
    store.write_scores(scores)
    store.write_manifest(manifest.model_copy(update={"methods": methods}))
    return root


def text_of(root: Path) -> str:
    page = (root / "report" / "ablation.html").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_page_has_the_numbers_that_the_command_prints(tmp_path: Path) -> None:
    root = make_ablation(tmp_path)
    build_report(root, jobs=1)
    store = Store(root)
    rows = table(store.read_scores(), store.read_manifest().methods)
    assert [row["variant"] for row in rows] == ["full", "no_semantic_loss", "visible"]
    assert [row["seeds"] for row in rows] == ["2", "2", "1"]
    text = text_of(root)
    assert "best and second go by the means over the seeds, which no test has told apart" in text
    for row in rows[:2]:
        for column in ("car", "mIoU single_scale", "mAcc single_scale"):
            mean, spread = row[column].split(" ± ")
            assert re.search(rf"{re.escape(mean)} (\((best|second)\) )?± {re.escape(spread)}", text), (row, column)
    entropy = float(rows[0]["EN"].split(" ± ")[0])
    assert any(abs(float(number) - entropy) <= 0.0005 for number in re.findall(r"\d+\.\d{4}", text))
    assert "2 seeds each" in text
    assert 'href="ablation.html"' in (root / "report" / "index.html").read_text(encoding="utf-8")


def test_the_mean_of_a_seed_is_over_its_pairs_and_the_spread_over_the_seeds(tmp_path: Path) -> None:
    store = Store(make_ablation(tmp_path))
    scores = store.read_scores()
    own = scores[(scores["metric"] == "EN") & scores["method"].str.startswith("full-")]
    means = own.groupby("method")["value"].mean()
    row = table(scores, store.read_manifest().methods)[0]
    assert row["EN"] == f"{means.mean():.3f} ± {means.std(ddof=1):.3f}"


def test_one_seed_is_no_spread_and_a_usual_run_has_no_such_page(tmp_path: Path) -> None:
    root = make_ablation(tmp_path / "one", seeds=1)
    outcome = CliRunner().invoke(app, ["report", str(root)])
    assert outcome.exit_code == 0, outcome.output
    assert "One seed only" in text_of(root)
    usual = make_run(tmp_path / "usual", RunPlan(images=False, tasks=("metrics",)))
    build_report(usual, jobs=1)
    assert not (usual / "report" / "ablation.html").exists()


def test_a_variant_that_lacks_a_seed_is_not_ranked(tmp_path: Path) -> None:
    root = make_ablation(tmp_path)
    store = Store(root)
    scores = store.read_scores()
    store.write_scores(scores[scores["method"] != "full-1"])
    build_report(root)
    page = (root / "report" / "ablation.html").read_text(encoding="utf-8")
    row = re.search(r'<th scope="row" data-value="full">.*?</tr>', page, re.S)[0]  # type: ignore[index]
    assert "1 of 2 seeds" in row
    assert "best" not in row


def test_a_seed_that_lacks_pairs_has_no_mean_over_fewer(tmp_path: Path) -> None:
    store = Store(make_ablation(tmp_path))
    scores = store.read_scores()
    gone = (scores["method"] == "full-1") & (scores["pair"] == scores["pair"].max())
    assert gone.any()
    rows = table(scores[~gone], store.read_manifest().methods)
    assert "±" not in rows[0]["EN"]
    assert "±" in rows[1]["EN"]


def test_a_class_that_stands_nowhere_is_no_column(tmp_path: Path) -> None:
    root = make_ablation(tmp_path)
    store = Store(root)
    scores = store.read_scores()
    lost = (scores["metric"] == "IoU") & (scores["label"] == "car")
    scores.loc[lost, "value"] = None
    scores.loc[lost, "status"] = "skipped"
    rows = table(scores, store.read_manifest().methods)
    assert all("car" not in row and "person" in row for row in rows)


def test_a_hostile_variant_shows_as_text(tmp_path: Path) -> None:
    root = make_ablation(tmp_path, variants=("full", HOSTILE))
    build_report(root)
    page = (root / "report" / "ablation.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


@pytest.mark.browser
def test_the_page_works_in_a_browser(tmp_path: Path, visit: Visitor) -> None:
    root = make_ablation(tmp_path / "out")
    build_report(root)
    page = visit(root).go("ablation.html")
    assert page.locator("td.best").count() > 0
    page.locator("[data-convention=single_scale] details.export summary").click()
    with page.expect_download() as download:
        page.locator("[data-convention=single_scale] [data-save$='.tex']").nth(1).click()
    download.value.save_as(tmp_path / "table.tex")
    assert r" \pm " in (tmp_path / "table.tex").read_text()


def test_bench_ablate_asks_for_a_run_of_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def made(config: Any, command: Sequence[str], listener: object) -> AblationResult:
        seen.append(config)
        return AblationResult([{"variant": "full", "mIoU": "1.0"}], ["full-1: no"], tmp_path / "index.html")

    monkeypatch.setattr("bench.run.ablation.ablate", made)
    outcome = CliRunner().invoke(app, ["ablate", "--out", str(tmp_path), "--ablations", "full,visible", "--seeds", "2"])
    assert outcome.exit_code == 1, outcome.output
    assert "failed: full-1: no" in outcome.output
    assert str(tmp_path / "index.html") in outcome.output.replace("\n", "")
    assert [trial.label for trial in seen[0].trials] == ["full-0", "visible-0", "full-1", "visible-1"]
