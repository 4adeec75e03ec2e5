"""The arrows of docs/architecture.md: which package may import which module."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for top in ("bench", "methods", "tasks", "reports") for path in (ROOT / top).rglob("*.py"))

ALLOWED = {
    "methods": {
        "bench.checkpoints",
        "bench.cost",
        "bench.datasets",
        "bench.harness",
        "bench.images",
        "bench.method",
        "bench.plugins",
        "bench.task",
        "bench.training",
        "bench.truth",
        "bench.types",
    },
    "tasks": {
        "bench.code_digest",
        "bench.config",
        "bench.datasets",
        "bench.fetch",
        "bench.images",
        "bench.module_checkpoint",
        "bench.plugins",
        "bench.resampling",
        "bench.store",
        "bench.task",
        "bench.training",
        "bench.truth",
        "bench.types",
        "bench.weights",
    },
    "reports": {
        "bench",
        "bench.compare",
        "bench.config",
        "bench.datasets",
        "bench.images",
        "bench.metrics",
        "bench.stats",
        "bench.store",
        "bench.tables",
        "bench.truth",
        "bench.types",
    },
}

LATE = {
    "methods": {"bench/plugins.py"},
    "reports": {
        "bench/runner.py",
        "bench/cli/runs.py",
        "bench/cli/outcomes.py",
        "bench/submission.py",
        "bench/compare.py",
    },
    "tasks": set(),
}
"""Where bench itself may reach the outer packages: the one named place of each."""


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_drawn_arrows(path: Path) -> None:
    top, relative = path.relative_to(ROOT).parts[0], path.relative_to(ROOT).as_posix()
    for name in imported(path):
        owner = name.partition(".")[0]
        if owner == top or owner not in ("bench", "methods", "tasks", "reports"):
            continue
        if top == "bench":
            assert relative in LATE[owner], f"{relative} imports {name}"
        else:
            assert (
                any(name == allowed or name.startswith(f"{allowed}.") for allowed in ALLOWED[top]) or name == "bench"
            ), f"{relative} imports {name}"


def test_the_report_imports_no_torch() -> None:
    for path in (ROOT / "reports").rglob("*.py"):
        assert not any(name.partition(".")[0] in ("torch", "torchvision") for name in imported(path)), path
