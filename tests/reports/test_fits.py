"""A run as large as they come, 46 rows of folders and 17 metrics: nothing is cut, what is chosen is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import RunPlan, make_run
from PIL import Image

from bench.analysis.pairwise import Settings
from bench.metrics.catalogue import CONVENTIONS
from bench.store.run_folder import Store
from reports import build_report, overview

Visitor = Callable[..., Any]

METRICS = CONVENTIONS["standard"].metrics[:17]
LONG = "A Folder of Images with a Long Name"

CUT = """() => {
  const cut = [];
  for (const table of document.querySelectorAll("table")) {
    const box = table.closest(".scroll") ?? table.parentElement;
    if (!table.checkVisibility() || box.classList.contains("tall")) continue;
    const name = box.getAttribute("aria-label") ?? table.className;
    if (box.scrollWidth > box.clientWidth) cut.push(`${name}: ${box.scrollWidth} in ${box.clientWidth}`);
    for (const cell of table.querySelectorAll("th, td")) {
      if (!cell.checkVisibility()) continue;
      const area = cell.getBoundingClientRect();
      if (area.right > innerWidth + 1 || cell.scrollWidth > cell.clientWidth + 1)
        cut.push(`${name}: ${cell.textContent.trim().slice(0, 30)}`);
    }
  }
  return cut;
}"""
"""Tables that reach out of their frame, and cells that reach out of the screen or hold more than they show."""

BROKEN = r"""() => {
  const broken = [];
  for (const head of document.querySelectorAll("thead th")) {
    if (!head.checkVisibility()) continue;
    const walk = document.createTreeWalker(head, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode())
      for (const word of node.data.matchAll(/[^\s\u200b]+/g)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        if (range.getClientRects().length > 1) broken.push(word[0]);
      }
  }
  return broken;
}"""
"""Words of headings that go on in the next line."""

HIDDEN = """() => [...document.querySelectorAll(".scroll > table thead th[data-column]")]
  .filter((head) => head.closest("table").checkVisibility() && head.hidden).map((head) => head.dataset.column)"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """44 folders and the two sources."""
    tasks = ("metrics", "efficiency", "detection")
    plan = RunPlan(
        methods=44, pairs={"mfnet": 3}, conventions=("standard",), metrics=METRICS, size=(32, 24), tasks=tasks
    )  # fmt: skip
    root = make_run(tmp_path_factory.mktemp("large") / "run", plan)
    store = Store(root)
    manifest = store.read_manifest()
    methods = {
        label: facts if facts.kind == "reference" else facts.model_copy(
            update={"kind": "folder", "weights": (), "title": f"{LONG} 7" if label == "method7" else facts.title}
        )
        for label, facts in manifest.methods.items()
    }  # fmt: skip
    store.write_manifest(manifest.model_copy(update={"methods": methods}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overview, "INTERVALS", Settings(resamples=49, interval="percentile"))
        build_report(root, jobs=1)
    return root


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The six metrics of three methods."""
    plan = RunPlan(methods=3, pairs={"tno": 6}, conventions=("standard",), tasks=("metrics",))
    root = make_run(tmp_path_factory.mktemp("small") / "run", plan)
    build_report(root, jobs=1)
    return root


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 1920])
def test_nothing_of_any_table_is_cut(large: Path, visit: Visitor, width: int) -> None:
    one = visit(large, width)
    rows = set()
    for path in sorted((large / "report").glob("*.html")):
        if path.name.startswith("method-") and path.name != "method-method7.html":
            continue
        page = one.go(path.name)
        page.wait_for_timeout(300)
        assert page.evaluate(CUT) == [], path.name
        assert page.evaluate(BROKEN) == [], path.name
        assert page.evaluate(HIDDEN) == [], path.name
        rows |= set(page.locator("tr[data-method]").evaluate_all("(all) => all.map((one) => one.dataset.method)"))
    assert len(rows) == 46


@pytest.mark.browser
def test_columns_filter_and_mark_are_kept_in_the_address(large: Path, visit: Visitor) -> None:
    page = visit(large).go("dataset-mfnet.html")
    page.wait_for_selector(".columns-menu")
    page.locator(".columns-menu summary").click()
    page.get_by_role("checkbox", name="EN", exact=True).uncheck()
    page.keyboard.press("Escape")
    page.get_by_label("Filter methods by name").fill("method3 long")
    page.locator("tr[data-method=method31] td").nth(2).click()
    shown = "tr[data-method]:visible"

    def state() -> tuple[list[str], bool, list[str]]:
        rows = page.locator(shown).evaluate_all("(all) => all.map((one) => one.dataset.method)")
        marked = page.locator("tr.own").evaluate_all("(all) => all.map((one) => one.dataset.method)")
        return rows, page.locator("th[data-column=EN]").is_visible(), marked

    wanted = (["method3", "method7", *(f"method{number}" for number in range(30, 40))], False, ["method31"])
    assert state() == wanted
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector(".columns-menu")
    assert state() == wanted
    page.get_by_label("Filter methods by name").fill("")
    page.locator("nav a", has_text="Overall").click()
    page.wait_for_selector("tr.own")
    assert page.locator("tr.own").first.get_attribute("data-method") == "method31", "the mark goes along"


@pytest.mark.browser
def test_a_click_anywhere_in_a_row_marks_it(built: Path, visit: Visitor) -> None:
    page = visit(built).go("dataset-tno.html")
    page.wait_for_selector("tr[data-method] td abbr:visible")
    mark = page.locator("tr[data-method]:not(.own) td abbr:visible").first
    label = mark.evaluate("(one) => one.closest('tr').dataset.method")
    mark.click()
    page.wait_for_selector("tr.own")
    assert f"own={label}" in page.url


@pytest.mark.browser
def test_more_columns_than_fit_are_named_and_can_be_had(large: Path, visit: Visitor) -> None:
    page = visit(large, 800).go("dataset-mfnet.html")
    page.wait_for_selector(".columns-menu")
    assert page.evaluate(CUT) == []
    hidden = page.evaluate(HIDDEN)
    assert hidden
    assert not set(hidden) & set(METRICS[:6]), "the leading ones stay"
    assert page.locator(".columns-menu summary").inner_text() == f"Columns {17 - len(hidden)} of 17"
    page.locator(".columns-menu summary").click()
    page.get_by_role("checkbox", name=hidden[-1], exact=True).check()
    assert page.locator(f"th[data-column={hidden[-1]}]").is_visible()


@pytest.mark.browser
def test_a_table_that_was_shrunk_fills_its_frame(large: Path, visit: Visitor) -> None:
    page = visit(large, 1280).go("dataset-mfnet.html")
    page.wait_for_selector("table.tight")
    shown = page.locator("table.tight:visible")
    found = shown.evaluate_all("(all) => all.map((one) => [one.offsetWidth, one.parentElement.clientWidth])")
    assert found
    assert all(abs(own - frame) <= 1 for own, frame in found), found


@pytest.mark.browser
@pytest.mark.parametrize("width", [1600, 1920])
def test_on_a_wide_screen_pages_are_centred_and_the_side_column_stands_by_the_table(
    small: Path, visit: Visitor, width: int
) -> None:
    page = visit(small, width).go("index.html")
    page.wait_for_selector(".beside table")
    main = page.locator("main").bounding_box()
    assert main["width"] <= 0.85 * width
    assert main["x"] == pytest.approx(width - main["x"] - main["width"], abs=16)  # a scroll bar
    for block in page.locator(".beside").all():
        table, side = block.locator("> div").bounding_box(), block.locator(".in-short").bounding_box()
        shown = max(one["width"] for one in (each.bounding_box() for each in block.locator("table:visible, p").all()))
        assert table["width"] == pytest.approx(shown, abs=2)
        assert 0 < side["x"] - table["x"] - table["width"] < 60


@pytest.mark.browser
def test_a_table_that_wants_the_whole_screen_has_it(large: Path, visit: Visitor) -> None:
    one = visit(large, 1920)
    page = one.go("dataset-mfnet.html")
    page.wait_for_selector("html.wide")
    assert page.locator("main").bounding_box()["width"] > 1850


@pytest.mark.browser
def test_on_a_phone_long_headings_take_several_lines(tmp_path: Path, visit: Visitor) -> None:
    plan = RunPlan(methods=2, pairs={"tno": 3}, conventions=("standard",), metrics=("EN",), tasks=("efficiency",))
    root = make_run(tmp_path / "run", plan)
    manifest = json.loads((root / "manifest.json").read_text())
    for number in manifest["tasks"]["efficiency"]["numbers"]:
        number["title"] = "Consistency with both of the sources (bit)"
    (root / "manifest.json").write_text(json.dumps(manifest))
    build_report(root, jobs=1)
    page = visit(root, 390, 844).go("index.html")
    page.wait_for_selector("table.few")
    widths = page.locator("table.few thead th.num:visible").evaluate_all("(all) => all.map((one) => one.offsetWidth)")
    assert widths
    assert max(widths) < 150, widths


@pytest.mark.browser
@pytest.mark.parametrize("by", ["system", "button"])
def test_plots_are_dark_where_the_page_is(built: Path, visit: Visitor, tmp_path: Path, by: str) -> None:
    page = visit(built, 1280, color_scheme="dark" if by == "system" else "light").go("statistics.html")
    page.wait_for_selector(".stat:visible, details:visible")
    if by == "button":
        page.locator("[data-theme-button]").click()
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    picture = page.locator("img.diagram:visible").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("(one) => one.complete && one.naturalWidth", arg=picture.element_handle())
    picture.screenshot(path=tmp_path / "shot.png")
    shown = np.asarray(Image.open(tmp_path / "shot.png").convert("L"))
    assert np.median(shown) < 40
    assert np.quantile(shown, 0.999) > 150  # its lines and letters are light


@pytest.mark.browser
def test_on_a_phone_first_and_leading_columns_stay_in_sight(large: Path, visit: Visitor) -> None:
    page = visit(large, 390, 844).go("dataset-mfnet.html")
    page.wait_for_selector("table.scrolled")
    box = page.locator(".scroll").first
    box.evaluate("(one) => { one.scrollLeft = one.scrollWidth; }")
    left, right = box.evaluate("(one) => { const area = one.getBoundingClientRect(); return [area.left, area.right]; }")
    for head in ("thead th:first-child", "thead th[data-column=EN]"):
        area = box.locator(head).bounding_box()
        assert left - 1 <= area["x"]
        assert area["x"] + area["width"] <= right + 1, head


@pytest.mark.browser
def test_on_a_phone_the_heat_map_keeps_its_colours(built: Path, visit: Visitor) -> None:
    page = visit(built, 390, 844).go("overall.html")
    page.wait_for_selector("table.ranks.scrolled td.stuck")
    colours = "(all) => all.map((one) => getComputedStyle(one).backgroundColor)"
    assert len(set(page.locator("table.ranks td.stuck").evaluate_all(colours))) >= 3


@pytest.mark.browser
def test_the_marked_method_keeps_its_colours_in_the_heat_map(built: Path, visit: Visitor) -> None:
    page = visit(built).go("overall.html")
    colours = "(all) => all.map((one) => getComputedStyle(one).backgroundColor)"
    row = page.locator("table.ranks tr[data-method]").first
    before = row.locator("td").evaluate_all(colours)
    row.locator("td").first.click()
    page.wait_for_selector("table.ranks tr.own")
    assert row.locator("td").evaluate_all(colours) == before
    assert row.locator("th").evaluate("(one) => getComputedStyle(one).backgroundColor") not in before


@pytest.mark.browser
def test_on_a_phone_a_method_s_page_shows_numbers(built: Path, visit: Visitor) -> None:
    page = visit(built, 390, 844).go("method-method1.html")
    page.wait_for_selector("td.way")
    for table in page.locator("section .scroll:has(td.way)").all():
        assert table.locator("tbody td.num").first.bounding_box()["x"] < 300


@pytest.mark.browser
def test_no_page_of_statistics_is_over_four_screens_on_a_phone(large: Path, visit: Visitor) -> None:
    one = visit(large, 390, 844)
    page = one.go("statistics.html")
    page.wait_for_selector(".stat:visible")
    groups = page.get_by_label("What is compared")
    for group in groups.locator("option").all_inner_texts():
        groups.select_option(group)
        for button in page.locator(".switch[aria-label='Which number'] button").all_inner_texts():
            page.get_by_role("button", name=button, exact=True).click()
            height = page.evaluate("document.documentElement.scrollHeight")
            assert height <= 4 * 844, (group, button)
