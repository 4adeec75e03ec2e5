"""Faults: processes that die, disks that fill, files that are cut off. Nothing finished is lost or done again."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError, StoppedError
from bench.run.config import RunConfig
from bench.run.executors import InlineExecutor, LocalExecutor
from bench.run.stages import RunResult, run
from bench.store import fused
from bench.store.run_folder import Store
from bench.types import PairFiles

Request = Callable[..., list[Any]]
Plugin = Callable[[Path, str, str, list[str]], None]
HERE = Path(__file__).parent

ADAPTERS = """
import os, sys
import torch
from bench.plugin.method import Method, MethodInfo

class OddError(Exception):
    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")

class Base(Method):
    info = MethodInfo(title="Faulty", year=2024, paper="none", licence="MIT", kind="classical")
    def fuse(self, ir, vis):
        return self.spoil((ir + vis) / 2) if ir[0, 0, 0, 0] < 0.02 else (ir + vis) / 2

class Raising(Base):
    name = "raising"
    def spoil(self, image): raise RuntimeError("no more")
class Odd(Base):
    name = "odd"
    def spoil(self, image): raise OddError(7, "odd")
class Exiting(Base):
    name = "exiting"
    def spoil(self, image): sys.exit(0)
class Dying(Base):
    name = "dying"
    def spoil(self, image): os._exit(9)
class NotANumber(Base):
    name = "not_a_number"
    def spoil(self, image): return image * float("nan")
class Cropped(Base):
    name = "cropped"
    def spoil(self, image): return image[..., 1:]
class Levels(Base):
    name = "levels"
    def spoil(self, image): return image * 255
class Unbuilt(Base):
    name = "unbuilt"
    def __init__(self, weights=None, device="cpu"): raise OddError(8, "cannot be built")
"""
REASONS = {
    "raising": "RuntimeError: no more",
    "odd": "OddError: 7: odd",
    "exiting": "SystemExit: 0",
    "dying": "its process died (exit code 9)",
    "not_a_number": "has NaN or infinity",
    "cropped": "has shape",
    "levels": "return [0, 1], not 0..255",
    "unbuilt": "OddError: 8: cannot be built",
}


def spoil_first_pair(data: Path) -> str:
    """Marks the pair that the adapters above fail on: its infrared corner is black, all others' is not."""
    from PIL import Image

    paths = sorted((data / "MSRS" / "test" / "ir").glob("*.png"))
    for path in paths:
        image = np.array(Image.open(path))
        image[0, 0] = 0 if path == paths[0] else 200
        Image.fromarray(image).save(path)
    return paths[0].stem


@pytest.fixture
def data(msrs: Path, tmp_path: Path) -> Path:
    """A data root of this test's own."""
    return Path(shutil.copytree(msrs, tmp_path / "data"))


def inline(data: Path, out: Path, methods: str = "average,maximum", **more: Any) -> RunResult:
    """A small run in this process."""
    settings: dict[str, Any] = {
        "methods": tuple(methods.split(",")), "datasets": ("mfnet",), "tasks": ("metrics",), "metrics": ("EN", "SD"),
        "conventions": ("standard",), "data_root": data, "out": out, "executor": "inline", "device": "cpu", **more,
    }  # fmt: skip
    return run(RunConfig(**settings))


# ------------------------------------------------------------------ adapters


def test_an_adapter_that_misbehaves_takes_only_its_own_pair_with_it(
    data: Path, tmp_path: Path, bench_process: Any, request_for: Request, plugin: Plugin
) -> None:
    plugin(tmp_path / "plugins", "faulty", ADAPTERS, list(REASONS))
    bad, out = spoil_first_pair(data), tmp_path / "out"
    methods = ",".join(["average", *REASONS])
    code, output = bench_process.run(*request_for(data, out, methods, "--limit", "2", "--jobs", "2"))
    assert code == 1, output
    scores = pd.read_parquet(out / "scores.parquet")
    assert set(scores[scores["method"] == "average"]["status"]) == {"ok"}
    for method, reason in REASONS.items():
        rows = scores[scores["method"] == method]
        failed = rows[rows["status"] == "failed"]
        assert failed["reason"].str.contains(reason, regex=False).all(), (method, failed["reason"].tolist())
        assert any(method in line and reason in line for line in output.splitlines()), output
        assert (failed["pair"] == bad).all() or method == "unbuilt"
        assert len(failed) == len(rows) // (1 if method == "unbuilt" else 2)
    assert "Traceback" not in output


# ------------------------------------------------------------------ workers


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of faulty units, found by worker processes too."""
    monkeypatch.syspath_prepend(str(HERE))
    import faulty_units

    return faulty_units


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("raise", "ValueError: two lines (faulty_units.py:"),
        ("odd", "OddError: 7: odd"),
        ("exit", "SystemExit: 3"),
        ("die", "its process died (exit code 9)"),
        ("crash", "its process died"),
        ("killed", "its process died"),
        ("hang", "no result within 3 s; raise --time-limit"),
    ],
)
def test_a_unit_that_fails_is_taken_apart_to_find_the_culprit(
    faulty: Any, tmp_path: Path, deed: str, reason: str
) -> None:
    outcomes = []
    limit = 3.0 if deed == "hang" else None
    unit = faulty.FaultyUnit(tmp_path, "d", "m", limit, 0.0, ("one", "bad", "two"), deed)
    LocalExecutor().run([unit], 1, 1, lambda unit, failed: outcomes.append(failed))
    assert (tmp_path / "bad.failed").read_text().startswith(reason)
    assert (tmp_path / "one").exists()
    assert (tmp_path / "two").exists()
    assert sorted(outcomes) == [False, False, True], "the whole is replaced, one part fails, one comes out"


def test_a_worker_that_dies_once_costs_nothing(faulty: Any, tmp_path: Path) -> None:
    unit = faulty.FaultyUnit(tmp_path, "d", "m", None, 0.0, ("one", "bad"), "once")
    LocalExecutor().run([unit], 1, 1, lambda *_: None)
    assert (tmp_path / "bad").exists()
    assert not (tmp_path / "bad.failed").exists()


@pytest.mark.parametrize("executor", [InlineExecutor, LocalExecutor])
def test_a_full_disk_ends_the_run_with_the_reason(faulty: Any, tmp_path: Path, executor: type) -> None:
    unit = faulty.FaultyUnit(tmp_path, "d", "m", None, 0.0, ("bad",), "full")
    with pytest.raises(StoppedError, match=r"stopped: OSError: .*No space left.*free space or choose another --out"):
        executor().run([unit], 1, 1, lambda *_: None)
    assert not (tmp_path / "bad.failed").exists(), "a full disk is no fault of the unit"


def test_workers_end_when_their_run_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from faulty_units import FaultyUnit\n"
        "from bench.run.executors import LocalExecutor\n"
        "unit = FaultyUnit(Path(sys.argv[2]), 'd', 'm', None, 0.0, ('bad',), 'hang')\n"
        "LocalExecutor().run([unit], 1, 1, lambda *_: None)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(HERE), str(tmp_path)]) as parent:
        note = tmp_path / "worker.pid"
        assert eventually(lambda: note.is_file() and note.read_text() != ""), "the worker did not start"
        worker = int(note.read_text())
        assert alive(worker)
        parent.kill()
    assert eventually(lambda: not alive(worker)), "the worker outlived its run"


def eventually(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Waits until something holds; False if it does not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


def alive(pid: int) -> bool:
    """True for a process that exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# ------------------------------------------------------------------ disks


def test_a_disk_that_fills_loses_nothing_finished(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inline(data, tmp_path / "whole")
    write, written = fused.write_fused, []

    def write_five(store: Store, files: PairFiles, method: str, image: Any) -> dict[str, Any]:
        if len(written) == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(files.id)
        return write(store, files, method, image)

    monkeypatch.setattr("bench.run.fuse_unit.write_fused", write_five)
    with pytest.raises(StoppedError, match="free space"):
        inline(data, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "fused").rglob("*.png")}
    assert len(before) == 5
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["complete"] is False
    monkeypatch.undo()
    result = inline(data, tmp_path / "out")
    assert result.computed["fuse"] == 8 - 5
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (tmp_path / "out" / "scores.csv").read_bytes() == (tmp_path / "whole" / "scores.csv").read_bytes()


def test_a_limit_on_file_size_is_one_line_and_exit_code_1(
    data: Path, tmp_path: Path, bench_process: Any, request_for: Request
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    request = request_for(data, tmp_path / "out", "average", "--executor", "inline")
    code, output = bench_process.run(*request, preexec_fn=limit)
    assert code == 1
    assert "bench: stopped: OSError:" in output
    assert "Traceback" not in output
    assert not list((tmp_path / "out").rglob("*.part"))


# ------------------------------------------------------------------ what a kill leaves behind


@pytest.fixture(scope="module")
def original(msrs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A finished run, and a copy to bring it back from; its own path is part of its manifest."""
    out = tmp_path_factory.mktemp("original") / "out"
    inline(msrs, out)
    return out, Path(shutil.copytree(out, out.with_name("copy")))


@pytest.fixture
def finished(original: tuple[Path, Path]) -> Path:
    out, copy = original
    shutil.rmtree(out)
    return Path(shutil.copytree(copy, out))


def cut(path: Path, share: float = 0.5) -> None:
    """Cuts a file off."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def last_line_halved(out: Path, kind: str) -> None:
    path = max((out / "parts" / kind / "mfnet").glob("*.jsonl"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][: len(lines[-1]) // 2])


def drop_a_row(path: Path) -> None:
    pd.read_parquet(path).iloc[1:].to_parquet(path, index=False)


def add_rubbish(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b'{}\n[1]\n\xff\xfe\n{"pair": 3}\n' + b"[" * 100_000 + b"\n")


LEFTOVERS: dict[str, tuple[Callable[[Path], object], int, int]] = {
    "a half journal line on an image": (lambda out: last_line_halved(out, "fused"), 1, 0),
    "a half journal line on scores": (lambda out: last_line_halved(out, "metrics"), 0, 1),
    "a truncated image": (lambda out: cut(min((out / "fused").rglob("*.png"))), 1, 0),
    "an empty image": (lambda out: cut(min((out / "fused").rglob("*.png")), 0.0), 1, 0),
    "an image that is gone": (lambda out: min((out / "fused").rglob("*.png")).unlink(), 1, 0),
    "all images gone": (lambda out: shutil.rmtree(out / "fused"), 8, 0),
    "a stale part": (lambda out: (out / "fused" / "mfnet" / ".x.png.123.part").write_bytes(b"half"), 0, 0),
    "no table": (lambda out: (out / "scores.parquet").unlink(), 0, 0),
    "no table of text": (lambda out: (out / "scores.csv").unlink(), 0, 0),
    "a truncated table": (lambda out: cut(out / "scores.parquet"), 0, 0),
    "a kill between the two tables": (lambda out: drop_a_row(out / "scores.parquet"), 0, 0),
    "no report": (lambda out: (out / "report" / "index.html").unlink(), 0, 0),
    "a report cut off while it was built": (
        lambda out: ((out / "report" / ".built-from").unlink(), cut(out / "report" / "index.html")), 0, 0,
    ),
    "rubbish in a journal": (lambda out: add_rubbish(max((out / "parts" / "fused" / "mfnet").glob("*.jsonl"))), 0, 0),
}  # fmt: skip


@pytest.mark.parametrize("leftover", LEFTOVERS)
def test_a_rerun_mends_what_was_left_and_only_that(finished: Path, msrs: Path, leftover: str) -> None:
    scores, index = (finished / "scores.csv").read_bytes(), (finished / "report" / "index.html").read_bytes()
    spoil, fused, scored = LEFTOVERS[leftover]
    spoil(finished)
    result = inline(msrs, finished)
    assert result.computed["fuse"] == fused
    assert result.computed["score"] == scored
    assert result.exit_code == 0
    assert (finished / "scores.csv").read_bytes() == scores
    assert len(pd.read_parquet(finished / "scores.parquet")) == len(scores.splitlines()) - 1
    assert len((finished / "report" / "index.html").read_bytes()) == len(index)
    assert not list(finished.rglob("*.part"))
    assert json.loads((finished / "manifest.json").read_text())["complete"] is True


def test_the_manifest_says_whether_the_run_came_to_its_end(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: object) -> None:
        raise KeyboardInterrupt

    def complete() -> bool:
        return bool(json.loads((tmp_path / "out" / "manifest.json").read_text())["complete"])

    with monkeypatch.context() as patch:
        patch.setattr("bench.run.stages.Runner.collect", interrupt)
        with pytest.raises(KeyboardInterrupt):
            inline(data, tmp_path / "out")
        assert not complete()
        with pytest.raises(KeyboardInterrupt):
            inline(data, tmp_path / "out")
    inline(data, tmp_path / "out")
    assert complete()
    shutil.rmtree(tmp_path / "out" / "fused")
    with monkeypatch.context() as patch:
        patch.setattr("bench.run.stages.Runner.collect", interrupt)
        with pytest.raises(KeyboardInterrupt):
            inline(data, tmp_path / "out")
    assert not complete()


def test_a_failure_noted_in_a_younger_journal_hides_no_score(finished: Path, msrs: Path) -> None:
    journal = next((finished / "parts" / "metrics" / "mfnet").glob("*.jsonl"))
    line = json.loads(journal.read_text().splitlines()[0])
    failure = {**line, "rows": [], "status": "failed", "reason": "once"}
    journal.with_name("zzz.jsonl").write_text(json.dumps(failure) + "\n")
    result = inline(msrs, finished)
    assert (result.computed["score"], result.exit_code) == (0, 0)


# ------------------------------------------------------------------ two at once, and kills


def test_a_second_run_is_refused_until_the_first_is_gone_even_by_kill(
    data: Path, tmp_path: Path, bench_process: Any, request_for: Request, plugin: Plugin
) -> None:
    slow = ADAPTERS.replace('name = "raising"', 'name = "slow"').replace(
        'raise RuntimeError("no more")', '__import__("time").sleep(600)'
    )
    plugin(tmp_path / "plugins", "slow", slow, ["slow"])
    spoil_first_pair(data)
    out = tmp_path / "out"
    first = bench_process.start(*request_for(data, out, "slow", "--jobs", "1"))
    try:
        assert eventually(lambda: (out / "manifest.json").is_file()), "the first run did not start"
        with pytest.raises(BenchError, match="another bench run is writing here; wait for it, end it, or choose"):
            inline(data, out, "visible")
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
    assert inline(data, out, "visible").exit_code == 0
