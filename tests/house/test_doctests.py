"""The examples in docstrings give what they show."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from bench.files import PROJECT_ROOT


def shown() -> list[str]:
    """Modules with an example."""
    found = []
    for package in ("bench", "methods", "tasks", "reports"):
        for path in sorted((PROJECT_ROOT / package).rglob("*.py")):
            if ">>> " in path.read_text():
                found.append(".".join(Path(path).relative_to(PROJECT_ROOT).with_suffix("").parts))
    return found


@pytest.mark.parametrize("module", shown())
def test_examples(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0
