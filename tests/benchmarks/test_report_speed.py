"""Time and size of the report of a large run: 12 methods, 411 pairs; and how soon its first page shows."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reports"))

from make_run import RunPlan, make_run

from reports import build_report

pytestmark = pytest.mark.timeout(3600)  # making up the images takes longer than the report where the machine is busy

PAIRS = {"mfnet": 361, "roadscene": 25, "tno": 25}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 methods (two of them the sources) and 411 pairs of 640 x 480 with the six metrics in two conventions."""
    plan = RunPlan(methods=10, pairs=PAIRS, size=(640, 480), tasks=("metrics", "efficiency"), distinct=8)
    return make_run(tmp_path_factory.mktemp("large") / "run", plan)


def folder_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def say(benchmark: Any) -> None:
    """Prints what was measured beside the times; shown with ``pytest -s``, and kept in the saved results."""
    for name, value in benchmark.extra_info.items():
        sys.stdout.write(f"\n{name}: {value}")
    sys.stdout.write("\n")


def test_building_a_report_of_411_pairs(benchmark: Any, large: Path) -> None:
    report = large / "report"
    before = time.process_time()
    benchmark.pedantic(
        build_report, args=(large,), setup=lambda: shutil.rmtree(report, ignore_errors=True), rounds=1, iterations=1
    )
    benchmark.extra_info["cpu_s"] = round(time.process_time() - before, 1)
    benchmark.extra_info["load_at_end"] = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    benchmark.extra_info["report_MB"] = round(folder_size(report) / 1e6, 1)
    benchmark.extra_info["thumbnails_MB"] = round(folder_size(report / "thumbs") / 1e6, 1)
    benchmark.extra_info["first_page_kB"] = round((report / "index.html").stat().st_size / 1e3, 1)
    say(benchmark)


def test_building_it_again(benchmark: Any, large: Path) -> None:
    build_report(large)
    benchmark.pedantic(build_report, args=(large,), rounds=1, iterations=1)


@pytest.mark.browser
def test_first_paint(benchmark: Any, large: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    path = os.environ.get("BENCH_CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.skip("no chromium on the path; name one in BENCH_CHROMIUM")
    if not (large / "report" / "index.html").is_file():
        build_report(large)
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=path, args=["--headless=new", "--no-sandbox", "--disable-gpu"]
        )
        for page_name in ("index.html", "dataset-mfnet.html", "viewer.html"):
            page = chromium.new_page()
            page.goto((large / "report" / page_name).as_uri())
            page.wait_for_function(f"{paint} > 0")
            benchmark.extra_info[f"first_paint_ms {page_name}"] = round(page.evaluate(paint))
            page.close()

        def open_first() -> None:
            page = chromium.new_page()
            page.goto((large / "report" / "index.html").as_uri())
            page.close()

        benchmark.pedantic(open_first, rounds=3, iterations=1)
        chromium.close()
    say(benchmark)
