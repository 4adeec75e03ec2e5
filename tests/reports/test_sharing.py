"""A report that is sent to someone: as an archive, as one file, copied by hand; and what the report itself copies."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import RunPlan, make_run
from PIL import Image

from bench.errors import BenchError
from bench.store.run_folder import Store
from reports import build_report, pictures, single
from reports.bundle import zip_report
from reports.single import write_single

Visitor = Callable[..., Any]

QUICK: dict[str, Any] = {
    "tasks": ("metrics",), "metrics": ("EN",), "conventions": ("standard",), "faults": False, "pairs": {"tno": 3},
}  # fmt: skip

LOADED = """() => [...document.querySelectorAll(".tile img")]
  .filter((one) => one.complete && one.naturalWidth === 64).length"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run too large to carry its images, whose sources lie in a folder of data elsewhere."""
    root = make_run(tmp_path / "machine" / "run", RunPlan(methods=2, **QUICK))
    data = tmp_path / "data"
    data.mkdir()
    manifest = json.loads((root / "manifest.json").read_text())
    for pair, places in manifest["datasets"]["tno"]["parts"]["test"]["sources"].items():
        for key, reference in (("ir", "infrared"), ("vis", "visible")):
            stored = root / "fused" / "tno" / reference / f"{pair}.png"
            shutil.move(stored, data / f"{pair} {key}.png")
            places[key] = str(data / f"{pair} {key}.png")
    (root / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(pictures, "CARRIED_BYTES", 10)
    build_report(root, jobs=1)
    return root


def moved(archive: Path, there: Path) -> Path:
    """The archive unpacked elsewhere, with everything that it came from out of reach."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(there)
    return there / "run"


def test_sources_and_fused_images_are_shared_not_copied(outside: Path) -> None:
    originals = {path.read_bytes() for path in [*outside.glob("fused/**/*.png"), *outside.parents[1].glob("data/*")]}
    copies = [path for path in (outside / "report").rglob("*") if path.is_file() and path.read_bytes() in originals]
    assert copies == []
    assert not (outside / "report" / "pixels").exists()
    assert not (outside / "report" / "sources").exists()


@pytest.mark.browser
def test_an_archive_opens_from_another_folder_with_pixels(outside: Path, visit: Visitor, tmp_path: Path) -> None:
    archive = zip_report(outside, tmp_path / "sent.zip")
    wanted = np.asarray(Image.open(outside / "fused/tno/method1/00001N.png").convert("RGB")).astype(int)
    shutil.rmtree(outside.parents[1] / "data")
    there = moved(archive, tmp_path / "elsewhere")
    shutil.rmtree(outside)
    page = visit(there).go("viewer.html#d=tno&p=00001N")
    page.wait_for_function(f"({LOADED})() === 4")
    page.locator(".tile[data-key=method1] img").screenshot(path=tmp_path / "shot.png")
    shown = np.asarray(Image.open(tmp_path / "shot.png").convert("RGB").resize((64, 48))).astype(int)
    assert np.abs(shown - wanted).mean() < 12
    page.goto((there / "open-report.html").as_uri())
    page.wait_for_url("**/report/index.html")
    for name in ("scores.csv", "scores.parquet", "manifest.json"):
        assert (there / name).is_file()


def test_an_archive_tells_nothing_of_the_machine(outside: Path, tmp_path: Path) -> None:
    there = moved(zip_report(outside, tmp_path / "sent.zip"), tmp_path / "elsewhere")
    for path in there.rglob("*"):
        if path.suffix in (".html", ".js", ".json", ".csv", ".bib"):
            assert str(tmp_path) not in path.read_text(encoding="utf-8"), path.name
    assert Store(there).read_manifest().datasets["tno"].main.pairs


def test_equal_reports_give_equal_archives(outside: Path, tmp_path: Path) -> None:
    one, two = (zip_report(outside, tmp_path / name).read_bytes() for name in ("one.zip", "two.zip"))
    assert one == two


def test_a_folder_without_a_report_is_not_packed(tmp_path: Path) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=1, **QUICK))
    with pytest.raises(BenchError, match="run bench report"):
        zip_report(root, tmp_path / "sent.zip")
    assert not (tmp_path / "sent.zip").exists()


@pytest.fixture
def alone(visit: Visitor) -> Iterator[Callable[[Path], Any]]:
    """Opens a page on which pictures may be missing."""
    opened = []

    def go(root: Path, name: str) -> Any:
        opened.append(visit(root))
        return opened[-1].go(name)

    yield go
    for one in opened:  # missing files are the point here
        one.faults.clear()


@pytest.mark.browser
def test_a_missing_pixel_is_named(outside: Path, alone: Callable[..., Any], tmp_path: Path) -> None:
    shutil.copytree(outside / "report", tmp_path / "copied" / "report")
    page = alone(tmp_path / "copied", "viewer.html#d=tno&p=00001N")
    page.wait_for_selector(".tile[data-key=method1] .not-found")
    said = " ".join(page.locator(".tile[data-key=method1]").inner_text().split())
    assert "not found: fused/tno/method1/00001N.png" in said
    assert page.locator(".tile img:visible").count() == 0
    assert page.locator(".not-found").count() == 4


@pytest.mark.browser
def test_pixels_that_a_small_report_carried_are_named_when_gone(
    built: Path, alone: Callable[..., Any], tmp_path: Path
) -> None:
    shutil.copytree(built / "report", tmp_path / "copied" / "report")
    (tmp_path / "copied" / "report" / "pixels" / "tno" / "00001N.js").unlink()
    page = alone(tmp_path / "copied", "viewer.html#d=tno&p=00001N")
    page.wait_for_selector(".tile[data-key=method1] .not-found")
    said = " ".join(page.locator(".tile[data-key=method1]").inner_text().split())
    assert "not found: pixels/tno/00001N.js" in said
    assert page.locator(".tile img:visible").count() == 0
    assert page.locator(".pair-scores table").is_visible()
    page.get_by_label("Next pair (right arrow)").click()
    page.wait_for_function(f"({LOADED})() === 6")


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["broken", "unreadable"])
def test_a_carried_image_that_is_none_is_named(
    alone: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=2, **QUICK))
    broken = root / "fused" / "tno" / "method1" / "00001N.png"
    if kind == "broken":
        broken.write_bytes(b"not an image")
    else:
        whole = pictures._showable

        def showable(picture: pictures.Picture) -> tuple[str, bytes]:
            if picture.path == broken:
                raise OSError("no such sector")
            return whole(picture)

        monkeypatch.setattr(pictures, "_showable", showable)
    build_report(root, jobs=1)
    page = alone(root, "viewer.html#d=tno&p=00001N")
    page.wait_for_selector(".tile[data-key=method1] .not-found")
    assert "not found: Method1, pair 00001N" in page.locator(".tile[data-key=method1]").inner_text().replace("\n", " ")
    page.wait_for_function(f"({LOADED})() === 3")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("gone", "page"), [("pictures-tno.js", "viewer.html#d=tno"), ("scores-tno-standard.js", "dataset-tno.html")]
)
def test_numbers_that_were_not_copied_along_are_named(
    built: Path, alone: Callable[..., Any], tmp_path: Path, gone: str, page: str
) -> None:
    shutil.copytree(built / "report", tmp_path / "copied" / "report")
    (tmp_path / "copied" / "report" / "data" / gone).unlink()
    shown = alone(tmp_path / "copied", page)
    shown.wait_for_selector("[role=alert]:visible")
    assert f"not found: data/{gone}" in shown.locator("[role=alert]:visible").first.inner_text()


@pytest.mark.browser
def test_one_file_holds_all_pages_with_pixels(outside: Path, visit: Visitor, tmp_path: Path) -> None:
    written = write_single(outside)
    there = tmp_path / "elsewhere" / "report" / written.name
    there.parent.mkdir(parents=True)
    shutil.copy(written, there)
    shutil.rmtree(outside)
    shutil.rmtree(tmp_path / "data")
    page = visit(there.parents[1]).go(written.name)
    assert page.locator("h1:visible").inner_text() == "Infrared and visible image fusion"
    page.locator("nav a", has_text="tno").click()
    page.wait_for_selector("[data-curves] polyline:visible")
    page.locator(".strip h3 a").first.click()
    page.wait_for_function(f"({LOADED})() === 4")
    for link in page.locator("nav a").all():
        link.click()
        assert page.locator("h1:visible, h1.sr").count() >= 1
        assert page.locator("[data-page]:not([hidden])").count() == 1
    assert str(tmp_path) not in there.read_text(encoding="utf-8")


def test_a_large_run_is_no_single_page(outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single, "LARGEST", 10)
    with pytest.raises(BenchError, match="bench report --zip"):
        write_single(outside)
