"""What a program that waits for something else does of a report beforehand."""

from __future__ import annotations

import shutil
from pathlib import Path

import jinja2
import pytest

from reports import build_report, prepare_report


def test_a_prepared_report_compiles_no_template(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(built, tmp_path / "run", ignore=shutil.ignore_patterns("report"))
    monkeypatch.setattr("reports.site.COMPILED.code", {})
    prepare_report()
    monkeypatch.setattr(jinja2.Environment, "_parse", lambda *_: pytest.fail("compiled"))
    pages = build_report(tmp_path / "run", jobs=1).parent.glob("*.html")
    assert {page.name for page in pages} == {page.name for page in (built / "report").glob("*.html")}
