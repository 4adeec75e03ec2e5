"""Run folders and a browser for the tests of the report."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from make_run import RunPlan, make_run

from reports import build_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic run of all tasks with its report, images carried."""
    root = make_run(tmp_path_factory.mktemp("run") / "run")
    build_report(root, jobs=1)
    return root


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a method and a data set whose names are HTML."""
    root = make_run(
        tmp_path_factory.mktemp("hostile") / "run",
        RunPlan(hostile=True, conventions=("standard",), metrics=("EN", "SD")),
    )
    build_report(root, jobs=1)
    return root


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium; tests are skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    path = os.environ.get("BENCH_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        pytest.skip("no chromium on the path; name one in BENCH_CHROMIUM")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=path,
            args=["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


def hover_curve(page: Page, method: str, index: int) -> tuple[float, float]:
    """Moves the mouse to a point of a method's curve; returns where it is on the screen."""
    curve = "document.querySelector('[data-curves]').curves"
    page.locator(".curve-frame").evaluate("(one) => one.scrollIntoView({ block: 'center', behavior: 'instant' })")
    x, y = page.evaluate(
        f"([method, index]) => {{ const one = {curve}.shown.find((one) => one.method.label === method);"
        f"const point = one.points.at(index), area = {curve}.drawn.root.getBoundingClientRect();"
        f"return [area.left + {curve}.drawn.x(point.x), area.top + {curve}.drawn.y(point.value)]; }}",
        [method, index],
    )
    page.mouse.move(x, y)
    return x, y


@pytest.fixture(name="hover_curve", scope="session")
def _hover_curve() -> Callable[[Page, str, int], tuple[float, float]]:
    """``hover_curve``."""
    return hover_curve


ABORTED = "net::ERR_ABORTED"


@dataclass
class Visit:
    """One open page and all that went wrong on it."""

    page: Page
    root: Path
    faults: list[str] = field(default_factory=list)

    def go(self, name: str) -> Page:
        """Opens a page of the report from disk."""
        self.page.goto(f"{(self.root / 'report').as_uri()}/{name}")
        return self.page


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens reports; after the test no page may have logged an error or missed a file."""
    visits: list[Visit] = []

    def open_report(root: Path, width: int = 1280, height: int = 800, **settings: object) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **settings)  # type: ignore[arg-type]
        context.set_default_timeout(30_000)
        page = context.new_page()
        one = Visit(page, root)
        page.on(
            "console", lambda message: one.faults.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: one.faults.append(str(error)))
        # a picture that was still loading when the page was left is not missing
        page.on(
            "requestfailed",
            lambda request: one.faults.append(f"missing {request.url}") if request.failure != ABORTED else None,
        )
        page.on("dialog", lambda dialog: (one.faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        visits.append(one)
        return one

    yield open_report
    for one in visits:
        one.page.context.close()
        assert one.faults == []
