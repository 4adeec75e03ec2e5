"""A session is not green where published numbers are at hand and every test that holds them was skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
BODY = """
import pytest

def test_golden(shared):
    {body}

def test_plain():
    pass
"""


@pytest.mark.parametrize(
    ("reference", "body", "code", "workers"),
    [
        ("full", "pass", 0, "1"),
        ("empty", "pass", 1, "1"),
        ("full", "pytest.skip('no weights')", 1, "0"),
        ("absent", "pass", 0, "0"),
    ],
)
def test_skipped_goldens_are_no_success(reference: str, body: str, code: int, workers: str, tmp_path: Path) -> None:
    for name in ("conftest.py", "plugins/checkpoint_files.py", "plugins/made_data.py"):
        shutil.copy2(TESTS / name, tmp_path)
    (tmp_path / "full" / "reference").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  golden: x\npythonpath = .\n")
    (tmp_path / "test_it.py").write_text(BODY.format(body=body))
    environment = {**os.environ, "BENCH_REFERENCE": str(tmp_path / reference), "PYTHONPATH": str(TESTS.parent)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", workers, "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert ("golden tests were skipped although" in done.stdout) == bool(code)
