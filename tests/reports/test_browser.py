"""The report in headless Chromium, opened from disk: each control does what it says, and nothing logs an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import HOSTILE
from PIL import Image

from bench.analysis.means import mean_table
from bench.store.run_folder import Store

pytestmark = pytest.mark.browser

Visitor = Callable[..., Any]


def rows_of(page: Any, table: str) -> list[str]:
    return [text.strip() for text in page.locator(f"{table} tbody tr th").all_inner_texts()]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_page_opens_without_errors(built: Path, visit: Visitor, width: int, scheme: str) -> None:
    one = visit(built, width, 844 if width < 500 else 800, color_scheme=scheme)
    for page in sorted(path.name for path in (built / "report").glob("*.html")):
        one.go(page).wait_for_load_state("load")
        one.page.wait_for_timeout(150)
        overflow = one.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{page} is {overflow} pixels wider than a {width} pixel screen"
        for image in one.page.locator("main img").all():
            assert image.get_attribute("alt") is not None


def test_sorting_orders_rows_and_tells_so(built: Path, visit: Visitor) -> None:
    page = visit(built).go("dataset-tno.html")
    table = "[data-convention=standard] table.scores"
    scores = Store(built).read_scores()
    means = {row.method: row.cells[2].mean for row in mean_table(scores, "tno", "standard").rows}
    falling = [name.title() for name in sorted(means, key=lambda name: -means[name])]
    page.locator(f"{table} thead button").nth(3).click()
    assert rows_of(page, table) == falling
    assert page.locator(f"{table} thead th").nth(3).get_attribute("aria-sort") == "descending"
    page.locator(f"{table} thead button").nth(3).click()
    assert rows_of(page, table) == falling[::-1]
    page.locator(f"{table} thead button").first.press("Enter")
    assert rows_of(page, table) == sorted(falling)


def test_the_convention_switch_shows_the_other_numbers_and_its_warning(built: Path, visit: Visitor) -> None:
    page = visit(built).go("dataset-tno.html")
    scores = Store(built).read_scores()
    wanted = mean_table(scores, "tno", "seafusion2022").cell("method1", "SD").mean
    warning = page.get_by_text("Not what the name says in this convention")
    assert not warning.first.is_visible()
    page.get_by_role("button", name="seafusion2022").click()
    assert warning.first.is_visible()
    row = page.locator("[data-convention=seafusion2022] tbody tr", has_text="Method1")
    assert f"{wanted:.4f}" in row.inner_text()
    assert not page.locator("[data-convention=standard]").first.is_visible()
    page.goto(page.url.replace("dataset-tno", "index"))
    assert page.locator("[data-convention=seafusion2022]").first.is_visible(), "the choice is kept on other pages"


def test_a_table_can_be_copied_and_saved(built: Path, visit: Visitor, tmp_path: Path) -> None:
    page = visit(built).go("dataset-tno.html")
    page.locator("[data-convention=standard] details.export summary").first.click()
    with page.expect_download() as download:
        page.locator("[data-convention=standard] [data-save$='.tex']").first.click()
    download.value.save_as(tmp_path / "table.tex")
    text = (tmp_path / "table.tex").read_text()
    assert r"\toprule" in text
    assert r"\textcolor{red}" in text


def test_curves_carry_the_scores_name_the_pair_and_open_it(
    built: Path, visit: Visitor, hover_curve: Callable[..., tuple[float, float]]
) -> None:
    page = visit(built).go("dataset-tno.html")
    page.wait_for_selector("[data-curves] polyline")
    curve = "document.querySelector('[data-curves]').curves"
    points = page.evaluate(f"{curve}.shown.find((one) => one.method.label === 'method1').points")
    scores = Store(built).read_scores()
    rows = scores[(scores.method == "method1") & (scores.metric == "EN") & (scores.convention == "standard")]
    values = sorted(rows[rows.dataset == "tno"]["value"])
    assert [point["value"] for point in points] == pytest.approx(values, rel=1e-6)
    assert [point["x"] for point in points] == pytest.approx([(i + 1) / 12 for i in range(12)])
    x, y = hover_curve(page, "method1", 5)
    tip = page.locator(".tip")
    assert "pair " in tip.inner_text()
    pair = re.search(r"pair (\S+)", tip.inner_text())[1]  # type: ignore[index]
    page.mouse.click(x, y)
    page.wait_for_selector(".tile")
    assert page.locator("select.pair").evaluate("(one) => one.selectedOptions[0].text") == pair


def test_curves_can_be_switched_and_walked_by_keyboard(built: Path, visit: Visitor) -> None:
    page = visit(built).go("dataset-tno.html")
    page.wait_for_selector("[data-curves] polyline")
    assert page.locator("[data-curves] polyline").count() == 4, "sources are off at first"
    page.locator("[data-toggle=visible]").click()
    assert page.locator("[data-curves] polyline").count() == 5
    page.locator(".curve-frame").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator(".tip").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator(".tip").is_visible()
    assert page.locator(".tip").inner_text() != first
    page.get_by_label("Metric", exact=True).first.select_option("SD")
    assert "SD" in page.locator("[data-curves] svg").first.text_content()


def test_curves_export_as_svg(built: Path, visit: Visitor, tmp_path: Path) -> None:
    page = visit(built).go("dataset-tno.html")
    page.wait_for_selector("[data-curves] polyline")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save SVG").click()
    download.value.save_as(tmp_path / "curves.svg")
    text = (tmp_path / "curves.svg").read_text()
    assert text.count("<polyline") == 4
    assert "var(" not in text, "colours must not depend on the page"


def test_the_gallery_sorts_filters_and_opens(built: Path, visit: Visitor) -> None:
    page = visit(built).go("dataset-tno.html")
    page.wait_for_selector(".strip img")
    assert page.locator(".strip").count() == 12
    page.get_by_label("Sort by").select_option("low")
    scores = Store(built).read_scores()
    rows = scores[(scores.dataset == "tno") & (scores.convention == "standard") & (scores.metric == "EN")]
    rows = rows[rows.method == "method0"].sort_values("value")
    assert page.locator(".strip").first.get_attribute("data-pair") == rows["pair"].iloc[0]
    page.get_by_label("Part").select_option("night")
    assert page.locator(".strip").count() == 6
    page.get_by_label("Find a pair by name").fill("00003")
    assert page.locator(".strip").count() == 1


def open_viewer(visit: Visitor, root: Path, view: str = "#d=tno&p=00001N", **settings: Any) -> Any:
    page = visit(root, **settings).go(f"viewer.html{view}")
    page.wait_for_selector(".tile img")
    page.wait_for_function("document.getElementById('viewer').viewer.size !== undefined")
    return page


def test_the_viewer_zooms_all_images_alike(built: Path, visit: Visitor) -> None:
    page = open_viewer(visit, built)
    assert page.locator(".tile").count() == 6
    area = page.locator(".view").nth(2).bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.75, area["y"] + area["height"] * 0.25)
    page.mouse.wheel(0, -400)
    transforms = page.locator(".layer").evaluate_all("(all) => all.map((one) => one.style.transform)")
    assert len(set(transforms)) == 1
    zoom = page.evaluate("document.getElementById('viewer').viewer.state.zoom")
    assert zoom["s"] > 2
    assert zoom["x"] > 0.5 > zoom["y"], "the point under the pointer stays"
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.5, area["y"] + area["height"] * 0.25, steps=4)
    page.mouse.up()
    moved = page.evaluate("document.getElementById('viewer').viewer.state.zoom")
    assert moved["x"] > zoom["x"]
    page.wait_for_function("location.hash.includes('z=')")
    page.keyboard.press("f")
    assert page.evaluate("document.getElementById('viewer').viewer.state.zoom.s") == 1


def test_pairs_change_by_button_and_key(built: Path, visit: Visitor) -> None:
    page = open_viewer(visit, built)
    page.locator("[data-step='1']").click()
    page.wait_for_function("document.title.startsWith('00002D')")
    page.locator("h1").first.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.title.startsWith('00001N')")
    page.wait_for_function("location.hash.includes('p=00001N')")


def test_the_wipe_cuts_where_it_is_put(built: Path, visit: Visitor) -> None:
    page = open_viewer(visit, built)
    page.keyboard.press("2")
    page.wait_for_selector(".stage.wipe .over")
    view = page.locator(".view").bounding_box()
    page.mouse.move(view["x"] + view["width"] / 2, view["y"] + view["height"] / 2)
    page.mouse.down()
    page.mouse.move(view["x"] + view["width"] * 0.25, view["y"] + view["height"] / 2, steps=5)
    page.mouse.up()
    clip = page.locator(".over").evaluate("(one) => one.style.clipPath")
    assert float(re.findall(r"([\d.]+)%", clip)[0]) == pytest.approx(25, abs=1)
    page.get_by_label("First image").select_option("@ir")
    page.wait_for_function("location.hash.includes('a=%40ir')")
    page.get_by_label("Position of the wipe").fill("0.6")
    clip = page.locator(".over").evaluate("(one) => one.style.clipPath")
    assert float(re.findall(r"([\d.]+)%", clip)[0]) == pytest.approx(60, abs=0.5)


def shot(page: Any, selector: str, path: Path) -> np.ndarray:
    page.locator(selector).screenshot(path=path)
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_the_difference_of_an_image_with_itself_is_black(built: Path, visit: Visitor, tmp_path: Path) -> None:
    page = open_viewer(visit, built, "#d=tno&p=00001N&v=difference&a=method1&b=method1")
    page.wait_for_timeout(200)
    assert shot(page, ".view", tmp_path / "same.png")[4:-4, 4:-4].max() <= 2
    page.get_by_label("Second image").select_option("@ir")
    page.wait_for_timeout(200)
    assert shot(page, ".view", tmp_path / "other.png").max() > 40


def test_the_overlay_shows_infrared_red_and_visible_cyan(built: Path, visit: Visitor, tmp_path: Path) -> None:
    page = open_viewer(visit, built, "#d=tno&p=00001N&v=overlay")
    page.wait_for_timeout(200)
    pixels = shot(page, ".view", tmp_path / "overlay.png")
    assert np.abs(pixels[..., 1] - pixels[..., 2]).max() <= 3, "green and blue both carry the visible image"
    assert (pixels[..., 0] - pixels[..., 1]).max() > 60, "the hot spot is red"


def test_zoom_boxes_are_drawn_shared_by_address_and_cleared(built: Path, visit: Visitor) -> None:
    page = open_viewer(visit, built)
    page.locator("[data-tool=r]").click()
    view = page.locator(".view").first.bounding_box()
    page.mouse.move(view["x"] + view["width"] * 0.2, view["y"] + view["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(view["x"] + view["width"] * 0.5, view["y"] + view["height"] * 0.6, steps=5)
    page.mouse.up()
    assert page.locator("rect.box.red").count() == 6
    assert page.locator(".inset.red").count() == 6
    page.wait_for_function("location.hash === document.getElementById('viewer').viewer.address()")
    address = page.url
    numbers = [float(number) for number in re.search(r"r=([^&]+)", address)[1].replace("%2C", ",").split(",")]  # type: ignore[index]
    assert numbers == pytest.approx([0.2, 0.3, 0.3, 0.3], abs=0.02)
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector(".inset.red")
    assert page.locator("rect.box.red").first.get_attribute("x") == str(numbers[0]).rstrip("0")
    page.get_by_role("button", name="Clear").click()
    assert page.locator("rect.box").count() == 0


def test_a_box_can_be_placed_by_keyboard(built: Path, visit: Visitor) -> None:
    page = open_viewer(visit, built)
    page.keyboard.press("g")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.locator("rect.box.green").first.get_attribute("x").startswith("0.43")
    page.keyboard.press("Escape")
    assert page.locator("[data-tool=g]").get_attribute("aria-pressed") == "false"


def test_a_figure_exports_with_its_pixels_from_disk(built: Path, visit: Visitor, tmp_path: Path) -> None:
    page = open_viewer(visit, built, "#d=tno&p=00001N&only=1&m=%40vis&m=method1&r=0.25,0.25,0.25,0.25")
    page.wait_for_selector(".inset.red")
    page.locator(".menu summary").click()
    with page.expect_download() as download:
        page.locator("[data-export=png]").click()
    download.value.save_as(tmp_path / "figure.png")
    figure = np.asarray(Image.open(tmp_path / "figure.png").convert("RGB")).astype(int)
    source = np.asarray(Image.open(built / "fused/tno/visible/00001N.png").convert("RGB")).astype(int)
    height, width = source.shape[:2]
    corner = figure[: height // 5, : width // 5]
    assert np.abs(corner - source[: height // 5, : width // 5]).max() <= 2, "the image itself, at full resolution"
    assert (figure == [255, 31, 31]).all(axis=-1).any(), "the box is drawn"
    page.locator(".menu summary").click()
    with page.expect_download() as download:
        page.locator("[data-export=svg]").click()
    download.value.save_as(tmp_path / "figure.svg")
    text = (tmp_path / "figure.svg").read_text()
    assert text.count("data:image/png;base64,") == 2, "each image once, though it is shown twice"


def figure_of(page: Any, path: Path) -> np.ndarray:
    page.locator(".menu summary").click()
    with page.expect_download() as download:
        page.locator("[data-export=png]").click()
    download.value.save_as(path)
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_difference_overlay_and_wipe_are_in_the_figure(built: Path, visit: Visitor, tmp_path: Path) -> None:
    """The third image of the figure is what the two before it make together."""
    width, height, gap = 64, 48, 2
    page = open_viewer(visit, built, "#d=tno&p=00001N&v=difference&a=%40vis&b=method1")
    figure = figure_of(page, tmp_path / "difference.png")
    vis, other, made = (figure[:height, at : at + width] for at in (0, width + gap, 2 * (width + gap)))
    assert np.abs(made - np.minimum(255, 4 * np.abs(vis - other))).max() <= 8
    page = open_viewer(visit, built, "#d=tno&p=00001N&v=overlay")
    figure = figure_of(page, tmp_path / "overlay.png")
    vis, ir, made = (figure[:height, at : at + width] for at in (0, width + gap, 2 * (width + gap)))
    assert np.abs(made[..., 0] - ir @ [0.299, 0.587, 0.114]).max() <= 3
    assert np.abs(made[..., 1] - vis @ [0.299, 0.587, 0.114]).max() <= 3
    page = open_viewer(visit, built, "#d=tno&p=00001N&v=wipe&a=%40vis&b=%40ir&w=0.25")
    figure = figure_of(page, tmp_path / "wipe.png")
    vis, ir, made = (figure[:height, at : at + width] for at in (0, width + gap, 2 * (width + gap)))
    assert np.abs(made[:, :14] - vis[:, :14]).max() <= 2
    assert np.abs(made[:, 19:] - ir[:, 19:]).max() <= 2


def test_images_stand_in_rows_of_equal_length(built: Path, visit: Visitor) -> None:
    page = open_viewer(visit, built)
    tops = page.locator(".tile").evaluate_all("(all) => all.map((one) => Math.round(one.getBoundingClientRect().top))")
    counts = [tops.count(top) for top in sorted(set(tops))]
    assert max(counts) - min(counts) <= 1, counts


def test_images_can_be_switched_off(built: Path, visit: Visitor) -> None:
    page = open_viewer(visit, built)
    page.locator(".chips button", has_text="Method2").click()
    assert page.locator(".tile").count() == 5
    assert page.locator(".tile[data-key=method2]").count() == 0


def test_pair_scores_in_the_viewer_are_those_of_the_file(built: Path, visit: Visitor) -> None:
    page = open_viewer(visit, built)
    page.wait_for_selector(".pair-scores td")
    scores = Store(built).read_scores()
    rows = scores[(scores.dataset == "tno") & (scores.pair == "00001N") & (scores.convention == "standard")]
    wanted = rows[(rows.method == "method2") & (rows.metric == "EN")]["value"].iloc[0]
    row = page.locator(".pair-scores tbody tr", has_text="Method2")
    assert f"{wanted:.4f}" in row.inner_text()


def test_hostile_names_show_as_text(hostile: Path, visit: Visitor) -> None:
    one = visit(hostile)
    for path in sorted((hostile / "report").glob("*.html")):
        page = one.go(path.name)
        page.wait_for_timeout(100)
        assert page.locator("img[src='x']").count() == 0
    assert HOSTILE in one.go("index.html").locator("main").inner_text()
    page = one.go("viewer.html#d=tno&p=00001N")
    page.wait_for_selector(".pair-scores td")
    assert HOSTILE in page.locator("main").inner_text()


def test_pictures_of_segmentation_switch_to_errors(built: Path, visit: Visitor) -> None:
    page = visit(built).go("segmentation.html")
    assert page.locator("img[data-shows=Errors]:visible").count() == 0
    page.locator("[data-view=Errors]").click()
    assert page.locator("img[data-shows=Errors]:visible").count() > 0
    assert page.locator("img[data-shows=Overlay]:visible").count() == 0


def test_parts_of_the_data_are_chosen_beside_each_way_of_scoring(built: Path, visit: Visitor) -> None:
    page = visit(built).go("segmentation.html")
    row = page.locator(".ways .switch", has_text="single_scale")
    assert row.get_by_role("button").all_inner_texts() == ["all pairs", "night"]
    row.get_by_role("button", name="night").click()
    wanted = mean_table(Store(built).read_scores(), "mfnet", "single_scale/night", "segmentation").cell(
        "method1", "mIoU"
    )
    shown = page.locator("[data-convention='single_scale/night'] tbody tr", has_text="Method1")
    assert f"{wanted.mean:.4f}" in shown.inner_text()


def test_the_theme_can_be_chosen_and_is_kept(built: Path, visit: Visitor) -> None:
    page = visit(built, color_scheme="light").go("index.html")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("[data-theme-button]").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


WEAK_TEXT = """() => {
  const channel = (level) => {
    const value = level / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const colour = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    return numbers.length < 4 ? [...numbers, 1] : numbers;
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || element.closest(".sr, script, style, svg, noscript")) continue;
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    let behind = colour(getComputedStyle(document.body).backgroundColor);
    for (let up = element; up; up = up.parentElement) {
      const own = colour(getComputedStyle(up).backgroundColor);
      if (own[3] === 1) { behind = own; break; }
    }
    const style = getComputedStyle(element);
    const [one, two] = [luminance(colour(style.color)), luminance(behind)];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5))
      weak.push(`${walker.currentNode.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return weak;
}"""
"""Visible text whose contrast with the ground behind it is below what WCAG 2 level AA asks for."""

UNNAMED = """() => [...document.querySelectorAll("button, select, input, textarea, a[href]")]
  .filter((one) => one.checkVisibility() && !(one.innerText?.trim() || one.getAttribute("aria-label") || one.title
    || one.closest("label") || one.querySelector("img[alt]"))).map((one) => one.outerHTML.slice(0, 100))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_and_every_control_a_name(built: Path, visit: Visitor, scheme: str) -> None:
    one = visit(built, color_scheme=scheme)
    for path in sorted((built / "report").glob("*.html")):
        page = one.go(path.name)
        page.wait_for_timeout(100)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate(WEAK_TEXT) == [], path.name
        assert page.evaluate(UNNAMED) == [], path.name
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
        assert len(ids) == len(set(ids)), path.name


def test_pages_work_without_scripts(built: Path, visit: Visitor) -> None:
    page = visit(built, java_script_enabled=False).go("dataset-tno.html")
    assert page.locator("table.scores").first.is_visible()
    assert not page.locator("[data-choose-convention]").first.is_visible()
