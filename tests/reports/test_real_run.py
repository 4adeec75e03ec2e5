"""The report of a real run, methods, images and weights as published, in headless Chromium."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from bench.analysis.means import mean_table
from bench.analysis.table import pair_values, select
from bench.cli import app
from bench.store.run_folder import Store

pytestmark = pytest.mark.browser

Visitor = Callable[..., Any]

METHODS = ("visible", "infrared", "seafusion", "average", "laplacian_pyramid")
VIEWER = "document.getElementById('viewer').viewer"


def run_bench(shared: Path, out: Path, methods: Sequence[str], tasks: str, limit: int, *more: str) -> Path:
    """Runs the command on the published images and weights and returns the run folder."""
    for package in ("ultralytics", "faster_coco_eval"):
        pytest.importorskip(package, reason="needs ivif-bench[detection]")
    for folder in ("data/MSRS", "data/TNO", "weights/published"):
        if not (shared / folder).is_dir():
            pytest.skip(f"no {folder} below {shared}")
    request = [
        "run", "--methods", ",".join(methods), "--datasets", "mfnet:detection,tno", "--tasks", tasks,
        "--limit", str(limit), "--data-root", str(shared / "data"), "--weights-root", str(shared / "weights/published"),
        "--device", "cpu", "--executor", "inline", "--jobs", "1", "--out", str(out), *more,
    ]  # fmt: skip
    outcome = CliRunner().invoke(app, request)
    assert outcome.exit_code == 0, outcome.output
    return out


@pytest.fixture(scope="session")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of fusion metrics and detection on three pairs of two data sets, with the report that it ended with."""
    return run_bench(shared, tmp_path_factory.mktemp("real") / "run", METHODS, "metrics,detection", 3)


def open_all(visit: Visitor, root: Path, width: int, scheme: str) -> set[str]:
    """Opens every page and scrolls through it; the visitor fails on anything that a page logs."""
    one = visit(root, width, 844 if width < 500 else 800, color_scheme=scheme)
    names = {path.name for path in (root / "report").glob("*.html")}
    for name in sorted(names):
        page = one.go(name)
        page.wait_for_load_state("load")
        page.evaluate("window.scrollTo({ top: document.body.scrollHeight, behavior: 'instant' })")
        page.wait_for_timeout(150)
        assert page.locator("h1").count() == 1, name
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, name
    return names


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_page_of_a_real_run_opens_without_errors(real: Path, visit: Visitor, width: int, scheme: str) -> None:
    names = open_all(visit, real, width, scheme)
    fixed = {"index.html", "viewer.html", "statistics.html", "proofs.html", "provenance.html", "detection.html"}
    fixed |= {"overall.html", "failures.html"}
    assert names == fixed | {f"dataset-{name}.html" for name in ("mfnet", "tno")} | {
        f"method-{name}.html" for name in (*METHODS, "merged_boxes")
    }


@pytest.mark.slow
def test_every_page_of_a_larger_real_run_opens_without_errors(shared: Path, visit: Visitor, tmp_path: Path) -> None:
    methods = (*METHODS, "ifcnn", "gtf")
    tasks = "metrics,detection,efficiency"
    root = run_bench(shared, tmp_path / "run", methods, tasks, 6, "--option", "efficiency.seconds=1")
    names = open_all(visit, root, 1280, "light") | open_all(visit, root, 390, "dark")
    assert {"efficiency.html", "detection.html", "method-gtf.html"} <= names


def test_sorting_orders_the_real_means(real: Path, visit: Visitor) -> None:
    page = visit(real).go("dataset-tno.html")
    found = mean_table(Store(real).read_scores(), "tno", "standard")
    place = next(index for index, column in enumerate(found.columns) if column.metric == "VIF")
    means = {row.method: row.cells[place].mean for row in found.rows}
    titles = page.evaluate(
        "Report.site().then((site) => Object.fromEntries(site.methods.map((m) => [m.label, m.title])))"
    )
    table = "[data-convention=standard] table.scores"
    page.locator(f"{table} thead button", has_text="VIF").click()
    shown = [text.strip().rstrip("†‡*") for text in page.locator(f"{table} tbody th").all_inner_texts()]
    assert shown == [titles[name] for name in sorted(means, key=lambda name: -(means[name] or 0))]


def test_the_convention_switch_shows_the_other_real_numbers(real: Path, visit: Visitor) -> None:
    page = visit(real).go("dataset-tno.html")
    scores = Store(real).read_scores()
    cells = {name: mean_table(scores, "tno", name).cell("seafusion", "SD") for name in ("standard", "seafusion2022")}
    shown = page.locator("tbody tr", has_text="SeAFusion").locator("visible=true")
    assert f"{cells['standard'].mean:.3f}" in shown.first.inner_text()
    page.get_by_role("button", name="seafusion2022").click()
    assert f"{cells['seafusion2022'].mean:.4f}" in shown.first.inner_text()
    assert page.get_by_text("Not what the name says in this convention").first.is_visible()


def test_a_curve_names_its_pair_and_a_click_opens_it(
    real: Path, visit: Visitor, hover_curve: Callable[..., tuple[float, float]]
) -> None:
    page = visit(real).go("dataset-tno.html")
    page.wait_for_selector("[data-curves] polyline")
    values = pair_values(select(Store(real).read_scores(), "metrics", "tno", "standard"), "EN")["seafusion"]
    highest = str(values.idxmax())
    x, y = hover_curve(page, "seafusion", -1)
    tip = page.locator(".tip").inner_text()
    assert "SeAFusion" in tip
    assert f"pair {highest}" in tip
    assert f"{values.max():.4f}" in tip
    page.mouse.click(x, y)
    page.wait_for_selector(".tile img")
    assert page.locator("select.pair").evaluate("(one) => one.selectedOptions[0].text") == highest


def open_viewer(visit: Visitor, root: Path, view: str) -> Any:
    page = visit(root).go(f"viewer.html{view}")
    page.wait_for_selector(".tile img")
    page.wait_for_function(f"{VIEWER}.size !== undefined")
    return page


def first_pair(root: Path, dataset: str) -> str:
    return str(Store(root).read_manifest().datasets[dataset].main.pairs[0])


def test_the_viewer_zooms_and_wipes_real_images(real: Path, visit: Visitor) -> None:
    page = open_viewer(visit, real, f"#d=tno&p={first_pair(real, 'tno')}")
    assert page.locator(".tile").count() == len(METHODS)
    area = page.locator(".view").first.bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.8, area["y"] + area["height"] * 0.5)
    page.mouse.wheel(0, -500)
    transforms = page.locator(".layer").evaluate_all("(all) => all.map((one) => one.style.transform)")
    assert len(set(transforms)) == 1
    assert "scale(1)" not in transforms[0]
    page.keyboard.press("f")
    page.keyboard.press("2")
    page.wait_for_selector(".stage.wipe .over")
    view = page.locator(".view").bounding_box()
    page.mouse.move(view["x"] + view["width"] * 0.5, view["y"] + view["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(view["x"] + view["width"] * 0.7, view["y"] + view["height"] * 0.5, steps=4)
    page.mouse.up()
    clip = page.locator(".over").evaluate("(one) => one.style.clipPath")
    assert float(re.findall(r"([\d.]+)%", clip)[0]) == pytest.approx(70, abs=1)


def test_zoom_boxes_are_shared_by_address_and_exported(real: Path, visit: Visitor, tmp_path: Path) -> None:
    pair = first_pair(real, "mfnet")
    page = open_viewer(visit, real, f"#d=mfnet&p={pair}&only=1&m=average&m=seafusion")
    page.keyboard.press("r")
    view = page.locator(".view").first.bounding_box()
    page.mouse.move(view["x"] + view["width"] * 0.5, view["y"] + view["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(view["x"] + view["width"] * 0.75, view["y"] + view["height"] * 0.7, steps=4)
    page.mouse.up()
    page.wait_for_function(f"location.hash === {VIEWER}.address() && location.hash.includes('r=')")
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector(".inset.red")
    assert page.locator(".inset.red").count() == 2
    page.locator(".menu summary").click()
    # above 16 MB the report carries no images of its own: a page opened from disk is shown where they are
    with page.expect_download() as download:
        page.locator("[data-export=png]").click()
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose folder").click()
        chooser.value.set_files(str(real))
    download.value.save_as(tmp_path / "figure.png")
    figure = np.asarray(Image.open(tmp_path / "figure.png").convert("RGB")).astype(int)
    split = Store(real).read_manifest().datasets["mfnet"].split
    stored = Store(real).fused_path("mfnet", split, "average", pair)
    fused = np.asarray(Image.open(stored).convert("RGB")).astype(int)
    height, width = fused.shape[:2]
    left = width + round(width / 40)
    corner = figure[: height // 3, left : left + width // 3]
    assert np.abs(corner - fused[: height // 3, : width // 3]).max() <= 2, "the fused image itself, at full resolution"
    assert (figure == [255, 31, 31]).all(axis=-1).sum() > 100, "the box and its frame are drawn"


def test_tables_export_what_they_show(real: Path, visit: Visitor, tmp_path: Path) -> None:
    page = visit(real).go("dataset-tno.html")
    found = mean_table(Store(real).read_scores(), "tno", "standard")
    page.locator("[data-convention=standard] details.export summary").first.click()
    texts = {}
    for extension in ("csv", "tex", "md"):
        with page.expect_download() as download:
            page.locator(f"[data-convention=standard] [data-save$='.{extension}']").first.click()
        download.value.save_as(tmp_path / f"table.{extension}")
        texts[extension] = (tmp_path / f"table.{extension}").read_text(encoding="utf-8")
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(texts["csv"]))}
    cell = found.cell("seafusion", "VIF")
    assert float(rows["seafusion"]["VIF ↑"]) == cell.mean
    assert float(rows["seafusion"]["VIF ↑ spread"]) == cell.spread
    assert r"\toprule" in texts["tex"]
    assert r"\textcolor{red}" in texts["tex"]
    assert f"{cell.mean:.4f}" in texts["tex"]
    assert f"{cell.mean:.4f}" in texts["md"]


def test_curves_export_as_svg_and_pdf(real: Path, visit: Visitor, tmp_path: Path) -> None:
    page = visit(real).go("dataset-tno.html")
    page.wait_for_selector("[data-curves] polyline")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save SVG").click()
    download.value.save_as(tmp_path / "curves.svg")
    text = (tmp_path / "curves.svg").read_text(encoding="utf-8")
    assert text.count("<polyline") == 3, "three methods are no sources"
    assert "SeAFusion" in text
    link = page.locator("p.files a[href^='curves/'][href$='.pdf']").first.get_attribute("href")
    assert (real / "report" / link).read_bytes().startswith(b"%PDF")


def test_detection_shows_boxes_and_tells_seen_pairs_from_unseen(real: Path, visit: Visitor) -> None:
    page = visit(real).go("detection.html")
    values = mean_table(Store(real).read_scores(), "mfnet", "coco/unseen", "detection")
    assert page.locator("[data-convention='coco/unseen'] table.scores").is_visible()  # these speak first
    table = page.locator("[data-convention='coco/unseen'] table.scores")
    assert (
        f"{values.cell('seafusion', 'AP@0.5', 'all').mean:.4f}"
        in table.locator("tr", has_text="SeAFusion").inner_text()
    )
    scene = page.locator("article.scene").first
    scene.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('article.scene img').naturalWidth > 0")
    assert scene.locator("img").count() == len(METHODS) + 1  # and the control that merges boxes
    scene.locator("h4 a").click()
    page.wait_for_selector(".tile img")


def test_markup_in_the_names_of_a_real_run_shows_as_text(shared: Path, visit: Visitor, tmp_path: Path) -> None:
    """Somebody's pairs and images, named like HTML: scored and reported by the command itself."""
    label, pair = "R&amp;D", "<img src=x onerror=alert(1)>"
    if not (shared / "data/RoadScene").is_dir():
        pytest.skip(f"no data/RoadScene below {shared}")
    for part in ("cropinfrared", "crop_LR_visible"):
        folder = tmp_path / "data" / "RoadScene" / part
        folder.mkdir(parents=True)
        first, second = sorted((shared / "data/RoadScene" / part).glob("*.jpg"))[:2]
        shutil.copyfile(first, folder / f"{pair}.jpg")
        shutil.copyfile(second, folder / "plain.jpg")
    out = tmp_path / "run"
    request = [
        "run", "--methods", f"{label}={folder},infrared", "--ir", str(folder.with_name("cropinfrared")), "--vis",
        str(folder), "--tasks", "metrics", "--device", "cpu", "--executor", "inline", "--jobs", "1",
        "--out", str(out),
    ]  # fmt: skip
    outcome = CliRunner().invoke(app, request)
    assert outcome.exit_code == 0, outcome.output
    one = visit(out)
    for path in sorted((out / "report").glob("*.html")):
        page = one.go(path.name)
        page.wait_for_timeout(100)
        assert page.locator("img[src=x]").count() == 0, path.name
    assert label in one.go("index.html").locator("main").inner_text()
    page = one.go(f"viewer.html#d=folder&p={quote(pair)}")
    page.wait_for_selector(".pair-scores td")
    assert label in page.locator("main").inner_text()
    assert page.locator("select.pair").evaluate("(one) => one.selectedOptions[0].text") == pair
