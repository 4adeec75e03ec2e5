"""Every block of code in README, CONTRIBUTING and the docs is run: Python and shell, page by page, block by block.

A page's blocks share a folder and a namespace, so that a later one finds what an earlier one made, as for somebody who
reads the page from the top; ``page_folder`` says what is small there. Commands of ``bench`` are given to the command
line in this process. Lines that set up an environment or run the project's own checks are what ``.ci/run`` does, and
are held to it. ``SKIPPED`` names the blocks that are not run, and why.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from command import bench
from page_folder import PageFolder, make_small

from bench.cli.package_here import use_package_here
from bench.errors import BenchError
from bench.files import PROJECT_ROOT, read_toml
from bench.plugin.kinds import METHODS

NAMES = ("README.md", "CONTRIBUTING.md", "docs/*.md")
PAGES = sorted(path for name in NAMES for path in PROJECT_ROOT.glob(name))

SKIPPED = {
    "ray start": "starts a service on a fixed port of this machine; tests/run/test_ray.py runs on clusters of its own",
    "#SBATCH": "needs Slurm",
}
"""Word of a block -> why it is not run."""

OF_EXTRA = {"detection": "ultralytics", "publish": "mlcroissant", "deploy": "onnxscript", "segmentation": "mmcv"}
"""Extra -> a package of it, without which a page that needs the extra is skipped."""

RUN_HERE = re.compile(r"^ *```(bash|python)$", re.M)

pytestmark = pytest.mark.skipif(not PAGES, reason="only in a checkout: an installed package has no docs")


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Language and content of every fenced block."""
    yield from re.findall(r"^ *```(\S*)\n(.*?)^ *```", text, re.S | re.M)


def commands(block: str) -> Iterator[list[str]]:
    """The words of each command of a shell block."""
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            yield words[:end]
            words = words[end + 1 :]


def test_a_block_without_a_language_holds_no_command() -> None:
    """It would not be run."""
    for page in PAGES:
        for language, block in blocks(page.read_text(encoding="utf-8")):
            if language != "bash":
                assert not re.search(r"^ *bench ", block, re.M), f"{page.name}: {block}"


def test_at_most_three_blocks_are_not_run() -> None:
    shell = [block for page in PAGES for language, block in blocks(page.read_text("utf-8")) if language == "bash"]
    skipped = [block for block in shell if any(word in block for word in SKIPPED)]
    assert len(skipped) == len(SKIPPED) <= 3
    assert len(shell) > 20


@pytest.fixture
def plugins_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a page's ``bench new`` writes is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = {*sys.modules}
    yield
    for name in {*sys.modules} - known:
        if name.startswith("ivif_"):
            del sys.modules[name]
    METHODS.__dict__.pop("entries", None)


@pytest.mark.timeout(1800)  # README is a minute of one core, which a busy machine shares out
@pytest.mark.usefixtures("plugins_here")
@pytest.mark.parametrize(
    "page", [page for page in PAGES if RUN_HERE.search(page.read_text("utf-8"))], ids=lambda page: page.name
)
def test_the_blocks_of_a_page_run(
    page: Path, scenes: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sybil = pytest.importorskip("sybil")
    markdown = pytest.importorskip("sybil.parsers.markdown")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_DATA", "DATA")
    monkeypatch.setenv("BENCH_WEIGHTS", "WEIGHTS")
    make_small(monkeypatch)
    try:
        PageFolder(tmp_path, page.read_text("utf-8"), scenes, finished).write()
    except BenchError as error:
        skip_without_extra(str(error))
        raise
    shell = markdown.CodeBlockParser(language="bash", evaluator=lambda example: run_block(example.parsed))
    document = sybil.Document.parse(str(page), markdown.PythonCodeBlockParser(), shell)
    ir, vis, fused = np.random.default_rng(0).integers(0, 256, (3, 64, 80), dtype=np.uint8)
    document.namespace.update(ir=ir, vis=vis, fused=fused, images_of_many_methods=[fused, ir])
    for example in document.examples():
        example.evaluate()


def run_block(block: str) -> None:
    """Gives each command of a shell block."""
    if any(word in block for word in SKIPPED):
        return
    for words in commands(block):
        if words[0] == "bench":
            use_package_here(Path.cwd())
            result = bench(*words[1:])
            if result.exit_code:
                skip_without_extra(result.output)
            assert result.exit_code == 0, f"{' '.join(words)}\n{result.output}"
        else:
            held_to_ci(words)


def skip_without_extra(text: str) -> None:
    """Skips where an error asks for an extra that is truly not here."""
    missing = re.search(r"pip install .?(?:ivif-bench|-e \.)\[(\w+)\]", text)
    if missing and not find_spec(OF_EXTRA.get(missing[1], "bench")):
        pytest.skip(f"needs ivif-bench[{missing[1]}]")


def held_to_ci(words: list[str]) -> None:
    """A line that is not ``bench``'s is one that ``.ci/run`` gives, or installs extras that there are."""
    line, ci = " ".join(words), (PROJECT_ROOT / ".ci" / "run").read_text()
    if words[0] == "pip":
        extras = {extra for word in words for found in re.findall(r"\[(.+)\]", word) for extra in found.split(",")}
        assert extras <= {*read_toml(PROJECT_ROOT / "pyproject.toml")["project"]["optional-dependencies"]}, line
    else:
        assert line.replace(".venv", ".ci/venv") in ci, line
