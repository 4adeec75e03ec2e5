"""Every block of code in README, CONTRIBUTING and the docs: Python runs, commands are ones that ``bench`` takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.core import TyperGroup

from bench.cli import app
from bench.data.spec import load_datasets
from bench.files import PROJECT_ROOT
from bench.metrics.catalogue import CONVENTIONS
from bench.plugin.kinds import METHODS, TASKS

PAGES = [PROJECT_ROOT / "README.md", PROJECT_ROOT / "CONTRIBUTING.md", *sorted((PROJECT_ROOT / "docs").glob("*.md"))]

pytestmark = pytest.mark.skipif(not PAGES[0].is_file(), reason="only in a checkout: an installed package has no docs")


def commands() -> Iterator[tuple[str, str]]:
    """Every ``bench`` command of every shell block."""
    for page in PAGES if PAGES[0].is_file() else ():
        for block in re.findall(r"^ *```bash\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.S | re.M):
            for line in block.replace("\\\n", " ").splitlines():
                for part in line.partition("#")[0].split("&&"):
                    if part.strip().startswith("bench "):
                        yield page.name, part.strip()


COMMANDS = list(commands())


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 20


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_is_one_that_bench_takes(page: str, line: str) -> None:
    command, arguments = typer.main.get_command(app), shlex.split(line)[1:]
    context = command.make_context("bench", arguments)
    arguments = [*context._protected_args, *context.args]
    while isinstance(command, TyperGroup):
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command, parent = found, context
        context = command.make_context(name, list(arguments), parent=parent)
        arguments = [*getattr(context, "_protected_args", []), *context.args]
    known = {
        "--methods": {*METHODS.everything(), "all", "mine"}, "--datasets": {*load_datasets()},
        "--conventions": {*CONVENTIONS}, "--tasks": {"metrics", *TASKS.names()},
    }  # fmt: skip
    words = shlex.split(line)
    for option, names in known.items():
        if option in words:
            given = {each.partition(":")[0] for each in words[words.index(option) + 1].split(",")}
            assert given <= {each.partition(":")[0] for each in names}, (page, option)


def test_only_blocks_of_known_languages() -> None:
    """A block without a language is a listing; one that holds a command would escape the tests above."""
    for page in PAGES:
        for language, block in re.findall(r"^ *```(\S*)\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.S | re.M):
            if language != "bash":
                assert not re.search(r"^ *bench ", block, re.M), f"{page.name}: {block}"


def test_python_blocks_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sybil = pytest.importorskip("sybil")
    markdown = pytest.importorskip("sybil.parsers.markdown")
    monkeypatch.chdir(folder)
    rng = np.random.default_rng(0)
    ir, vis, fused = rng.integers(0, 256, (3, 64, 80), dtype=np.uint8)
    parsers = [markdown.PythonCodeBlockParser()]
    ran = 0
    for page in PAGES:
        document = sybil.Document.parse(str(page), *parsers)
        document.namespace.update(ir=ir, vis=vis, fused=fused, images_of_many_methods=[fused, ir])
        for example in document.examples():
            example.evaluate()
            ran += 1
    assert ran >= 6
