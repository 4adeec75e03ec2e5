"""The house: its picture, import contracts and limits of size, and what docs/architecture.md says of a run's files."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType

import pytest

from bench import types
from bench.cli import app
from bench.files import PROJECT_ROOT
from bench.store import manifest
from bench.types import SCORE_COLUMNS

PACKAGES = ("bench", "methods", "tasks", "reports")
DOC = PROJECT_ROOT / "docs" / "architecture.md"

pytestmark = pytest.mark.skipif(not DOC.is_file(), reason="only in a checkout: an installed package has no docs")

TABLES_OF_FACTS = {"bench/metrics/convention_facts.py", "bench/metrics/known_answers/answers.py"}
"""Modules that only list facts."""


def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_architecture", PROJECT_ROOT / "docs" / "draw_architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_what_the_contracts_say() -> None:
    picture = (PROJECT_ROOT / "docs" / "architecture.svg").read_text()
    assert picture == drawing().draw(), "run python docs/draw_architecture.py"
    rooms = [f"bench.{path.parent.name}" for path in (PROJECT_ROOT / "bench").glob("*/__init__.py")]
    assert len(rooms) >= 8
    for name in [*rooms, "methods", "tasks", "reports"]:
        assert f">{name}</text>" in picture


def test_every_column_and_manifest_key_has_its_meaning() -> None:
    text = DOC.read_text()
    told = set(re.findall(r"^\| `([^`]+)` \| \S", text, re.M))
    assert told.issuperset(SCORE_COLUMNS)
    sections = {
        manifest.Manifest: "", manifest.CommandFacts: "commands[].", manifest.Request: "config.",
        types.Machine: "machine.", manifest.DatasetFacts: "datasets.NAME.",
        manifest.PartFacts: "datasets.NAME.parts.PART.", manifest.SourceFacts: "datasets.NAME.parts.PART.sources.PAIR.",
        types.Problem: "datasets.NAME.problems[].", manifest.MethodFacts: "methods.LABEL.",
        manifest.WeightFacts: "methods.LABEL.weights[].", manifest.Record: "methods.LABEL.proofs[].",
        manifest.TaskFacts: "tasks.NAME.",
        types.Number: "tasks.NAME.numbers[].",
    }  # fmt: skip
    assert set(manifest.Facts.__subclasses__()) == {model for model in sections if not is_dataclass(model)}
    wanted = {
        prefix + key
        for model, prefix in sections.items()
        for key in ([one.name for one in fields(model)] if is_dataclass(model) else model.model_fields)
    }
    assert wanted - told == set()
    keys = text.partition("### Keys of `manifest.json`")[2]
    assert set(re.findall(r"^\| `([^`]+)` \| \S", keys, re.M)) == wanted


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("bench/metrics/engine.py", "import bench.run.stages"),
        ("bench/store/journal.py", "def late() -> None:\n    import reports.pages"),
        ("reports/words.py", "from bench.fusion.harness import Fuser"),
    ],
)
def test_a_forbidden_import_turns_the_contracts_red(module: str, line: str, tmp_path: Path) -> None:
    command = shutil.which("lint-imports") or str(Path(sys.executable).with_name("lint-imports"))
    if not Path(command).is_file():
        pytest.skip("import-linter is not installed")
    for package in PACKAGES:
        shutil.copytree(
            PROJECT_ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    shutil.copy2(PROJECT_ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / module
    path.write_text(f"{path.read_text()}\n\n{line}\n")
    shown = subprocess.run([command, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert shown.returncode == 1, shown.stdout + shown.stderr
    assert "BROKEN" in shown.stdout
    target = re.findall(r"(?:import|from) ((?:bench|reports)[.\w]*)", line)[0]
    assert target.split(".")[1] in shown.stdout.partition("Broken contracts")[2]


# ------------------------------------------------------------------ sizes


def modules() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((PROJECT_ROOT / package).rglob("*.py")):
            yield path.relative_to(PROJECT_ROOT).as_posix(), path.read_text()


def nodes(kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for name, text in modules():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, kind):
                yield name, node


def test_no_module_is_over_400_lines() -> None:
    long = {name for name, text in modules() if text.count("\n") > 400}
    assert long - TABLES_OF_FACTS == set()


def test_no_class_has_over_20_methods() -> None:
    found = set()
    for name, node in nodes(ast.ClassDef):
        assert isinstance(node, ast.ClassDef)
        if sum(isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) for item in node.body) > 20:
            found.add(f"{name}:{node.name}")
    assert found == set()


def test_no_function_has_over_8_parameters() -> None:
    found = set()
    for name, node in nodes(ast.FunctionDef):
        assert isinstance(node, ast.FunctionDef)
        names = [item.arg for item in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        count = len(names) - (names[:1] in (["self"], ["cls"]))
        if count > 8:
            found.add(f"{name}:{node.name}")
    found -= commands()
    assert found == set()


def commands() -> set[str]:
    """Commands of the command line, whose options are their parameters."""
    groups = [app, *(group.typer_instance for group in app.registered_groups)]
    found = [command.callback for group in groups if group for command in group.registered_commands]
    return {f"{one.__module__.replace('.', '/')}.py:{one.__name__}" for one in found if one}
