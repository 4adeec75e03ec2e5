"""axe-core finds nothing of weight on any page, in light and dark; and the viewer works from the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

Visitor = Callable[..., Any]


OPEN = "for (const one of document.querySelectorAll('details:not(.menu, .columns-menu)')) one.open = true"

FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return ["", false];
  const name = one.getAttribute("aria-label") || one.textContent.trim().slice(0, 40);
  return [name, getComputedStyle(one).outlineStyle !== "none"];
}"""
"""What has the focus, and whether that can be seen."""


def findings(page: Any) -> list[str]:
    """All that axe finds but what it calls minor."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    found = axe.Axe().run(page, options={"preload": False}).response["violations"]  # files may not be fetched
    return [
        f"{one['impact']}, {one['id']}: {one['nodes'][0]['html'][:120]} ({len(one['nodes'])} times)"
        for one in found
        if one["impact"] != "minor"
    ]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_axe_finds_nothing_of_weight(built: Path, visit: Visitor, width: int, scheme: str) -> None:
    one = visit(built, width, color_scheme=scheme, bypass_csp=True)
    found: dict[str, list[str]] = {}
    for path in sorted((built / "report").glob("*.html")):
        if path.name.startswith("method-") and path.name != "method-method1.html":
            continue
        page = one.go(path.name)
        page.wait_for_timeout(200)
        page.evaluate(OPEN)
        found[path.name] = findings(page)
    assert not {name: told for name, told in found.items() if told}


def test_the_viewer_works_from_the_keyboard(built: Path, visit: Visitor) -> None:
    """Every control is reached by Tab, shows where it is, and does its work."""
    page = visit(built).go("viewer.html#d=tno&p=00001N")
    page.wait_for_selector(".tile img")
    reached: list[str] = []
    while len(reached) < 80:
        page.keyboard.press("Tab")
        name, shown = page.evaluate(FOCUSED)
        if not name:  # past the last control
            break
        assert shown, name
        reached.append(name)
    for control in ("Data set", "Pair", "Wipe", "Difference", "Figure", "Keyboard help", "Next pair (right arrow)"):
        assert control in reached, control
    page.locator("button[data-mode=wipe]").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".stage.wipe")
    page.get_by_label("Position of the wipe").focus()
    before = page.locator(".over").evaluate("(one) => one.style.clipPath")
    page.keyboard.press("ArrowRight")
    assert page.locator(".over").evaluate("(one) => one.style.clipPath") != before
    page.locator(".menu summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("[data-export=png]").is_visible()
    page.keyboard.press("Escape")
