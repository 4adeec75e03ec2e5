"""The notebook of the documentation runs from top to bottom, and stays short."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.files import PROJECT_ROOT

NOTEBOOK = PROJECT_ROOT / "docs" / "notebook.ipynb"

pytestmark = pytest.mark.skipif(not NOTEBOOK.is_file(), reason="only in a checkout: an installed package has no docs")


def test_the_notebook_runs(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    client = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    lines = [line for cell in notebook.cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    assert len([line for line in lines if line.strip()]) < 25
    client.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(finished.parent.parent)}}
    ).execute()
    shown = [output.get("data", {}) for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in data for data in shown) == 2
    assert sum("text/html" in data for data in shown) == 3
