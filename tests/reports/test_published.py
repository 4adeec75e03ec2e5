"""A published result is whole, can be checked by anyone, and a changed number in it is seen."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from make_run import RunPlan, make_run
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import BenchError
from bench.machine import lock_lines
from bench.store.manifest import CommandFacts
from bench.store.run_folder import Store
from reports.pages.provenance import command_text
from reports.published import check_published, publish
from reports.source import RunData

PLAN = RunPlan(
    methods=2, pairs={"tno": 5, "roadscene": 3}, size=(32, 24), faults=False, conventions=("standard",),
    tasks=("metrics", "detection"),
)  # fmt: skip


mlc = pytest.importorskip("mlcroissant", reason="needs ivif-bench[publish]")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    return publish([make_run(folder / "first", PLAN), make_run(folder / "second", PLAN)], folder / "2026.1")


@pytest.fixture
def copy(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "2026.1"))


def test_it_is_whole(published: Path) -> None:
    assert list(check_published(published)) == []
    told = CliRunner().invoke(app, ["verify", str(published)])
    assert (told.exit_code, "whole" in told.output) == (0, True)


def test_it_holds_numbers_and_no_images(published: Path) -> None:
    endings = {path.suffix for path in published.rglob("*") if path.is_file()}
    assert endings == {".zip", ".html", ".csv", ".tex", ".md", ".svg", ".lock", ".json", ""}
    assert "<image" not in next(published.glob("first/figures/curves-tno-standard.svg")).read_text()


def test_the_summaries_name_what_lies_beside_them(published: Path) -> None:
    for folder, least, said in (
        (published, 4, "| `roadscene` 3, `tno` 5 | 2 |"),
        (published / "first", 6, "| `tno` (test) | 5 |"),
    ):
        text = (folder / "README.md").read_text()
        links = re.findall(r"\]\(([^)]+)\)", text)
        assert len(links) >= least
        assert [link for link in links if not (folder / link).is_file()] == []
        assert said in text


def test_a_run_is_added_to_what_is_published(copy: Path, tmp_path: Path) -> None:
    kept = {path: path.read_bytes() for path in copy.rglob("*") if "first" in path.parts or path.name == "first.zip"
            if path.is_file()}  # fmt: skip
    publish([make_run(tmp_path / "third", PLAN)], copy)
    assert list(check_published(copy)) == []
    assert {path: path.read_bytes() for path in kept} == kept
    text = (copy / "README.md").read_text()
    assert [name for name in ("first", "second", "third") if f"[{name}]({name}/README.md)" in text] == [
        "first", "second", "third",
    ]  # fmt: skip
    assert all(name in (copy / "croissant.json").read_text() for name in ("first.zip", "second.zip", "third.zip"))


def test_a_run_that_is_published_again_leaves_nothing_of_its_former_self(copy: Path, tmp_path: Path) -> None:
    less = dataclasses.replace(PLAN, pairs={"tno": 5}, tasks=("metrics",))
    publish([make_run(tmp_path / "first", less)], copy)
    assert list(check_published(copy)) == []
    assert not list(copy.glob("first/tables/*roadscene*"))
    assert list(copy.glob("second/tables/*roadscene*"))


def test_a_run_is_not_published_into_itself(tmp_path: Path) -> None:
    run = make_run(tmp_path / "first", PLAN)
    with pytest.raises(BenchError, match="among its own files"):
        publish([run], tmp_path)
    assert not (run / "tables").exists()


@pytest.mark.parametrize("name", ["README.md", "sub/table.csv", "image.png", "other.zip", "firsts/a.md"])
@pytest.mark.parametrize("again", [False, True], ids=["new", "published before"])
def test_what_is_not_of_a_result_is_not_overwritten_or_vouched_for(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, again: bool
) -> None:
    out = tmp_path / "out"
    if again:
        shutil.copytree(published, out)
        name = f"more/{name}"
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (out / name).write_text("mine")
    monkeypatch.chdir(out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    told = CliRunner().invoke(app, ["publish", str(published.parent / "first"), "--out", "."])
    assert isinstance(told.exception, BenchError)
    assert f"holds {name}, not written by bench publish" in str(told.exception)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", [".git/config", ".DS_Store", "Thumbs.db", "first/._tables", "first/tables/half.csv"])
def test_junk_hidden_files_and_what_an_interrupted_command_left_are_no_hindrance(
    published: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("left")
    publish([published.parent / "first"], out)
    assert list(check_published(out)) == []


def test_the_extra_is_asked_for_before_any_work(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlcroissant", None)
    with pytest.raises(BenchError, match=r"ivif-bench\[publish\]"):
        publish([published.parent / "first"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _number(folder: Path) -> None:
    path = next(folder.glob("first/tables/tno-metrics-standard.csv"))
    name, *values = path.read_text().splitlines()[1].split(",")
    values = [f"{float(value) * 1.01!r}" if "." in value else value for value in values]
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], ",".join([name, *values]), *lines[2:]]) + "\n")


def _sealed_number(folder: Path) -> None:
    import hashlib

    _number(folder)
    path = next(folder.glob("first/tables/tno-metrics-standard.csv"))
    sums = folder / "SHA256SUMS"
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {line.split('  ')[1]}"
        if line.endswith("first/tables/tno-metrics-standard.csv")
        else line
        for line in sums.read_text().splitlines()
    ]
    sums.write_text("\n".join(lines) + "\n")


def _gone(folder: Path) -> None:
    next(folder.glob("second/tables/*.md")).unlink()


def _more(folder: Path) -> None:
    (folder / "more.txt").write_text("x")


def _damaged(folder: Path) -> None:
    path = folder / "first.zip"
    path.write_bytes(path.read_bytes()[:-40])


def _no_table(folder: Path) -> None:
    next(folder.glob("first/tables/tno-metrics-standard.csv")).unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_number, "differs from its checksum"),
        (_sealed_number, "is not what the scores of first.zip give"),
        (_gone, "is missing"),
        (_more, "more.txt: is not listed"),
        (_damaged, "first.zip"),
        (_no_table, "is missing, though the pack has its scores"),
    ],
)
def test_what_was_changed_is_named(copy: Path, change: object, said: str) -> None:
    assert callable(change)
    change(copy)
    assert any(said in line for line in check_published(copy))
    told = CliRunner().invoke(app, ["verify", str(copy)])
    assert told.exit_code == 1


def test_last_digits_may_differ(copy: Path) -> None:
    path = next(copy.glob("first/tables/tno-metrics-standard.csv"))
    lines = path.read_text().splitlines()
    fields = [repr(float(field) * (1 + 1e-14)) if "." in field else field for field in lines[1].split(",")]
    path.write_text("\n".join([lines[0], ",".join(fields), *lines[2:]]) + "\n")
    assert [line for line in check_published(copy) if "is not what" in line] == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib
def test_croissant_reads_the_scores(published: Path) -> None:
    dataset = mlc.Dataset(str(published / "croissant.json"))
    assert not dataset.metadata.issues.errors
    rows = list(dataset.records("first-scores"))
    scores = Store(published.parent / "first").read_scores()
    assert len(rows) == len(scores)
    assert {row["first-scores/method"] for row in rows} == {name.encode() for name in scores["method"].unique()}


def test_the_lock_file_has_every_version() -> None:
    import numpy
    import torch

    lines = lock_lines()
    assert f"numpy=={numpy.__version__}" in lines
    assert any(line.startswith("torch==") and torch.__version__.startswith(line.split("==")[1]) for line in lines)
    assert len(set(lines)) == len(lines)
    assert not any(line.startswith("ivif-bench") for line in lines)


def test_a_run_of_another_protocol_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "old", PLAN)
    facts = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**facts, "protocol": "2025.9"}))
    with pytest.raises(BenchError, match=r"is of protocol 2025\.9, wanted"):
        publish([run], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_runs_need_two_names(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name / "run", PLAN) for name in "ab"]
    with pytest.raises(BenchError, match="different names"):
        publish(runs, tmp_path / "out")


def test_folders_of_a_command_are_named(published: Path) -> None:
    run = RunData.read(published.parent / "first")
    typed = ["bench", "run", "--data-root", "../some data", "--weights-root=w", "--out", "out", "--limit", "5"]
    wanted = "bench run --data-root DATA --weights-root=WEIGHTS --out RUN --limit 5"
    assert command_text(run, CommandFacts(command=typed)) == wanted
