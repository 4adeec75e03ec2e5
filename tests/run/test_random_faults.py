"""Faults at random moments, many times over, and the same command again until it is done: no number may differ.

Every test compares with a run that nothing disturbed, and prints how many faults it put in; see ``pytest -m fault``.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.store.run_folder import Store

Request = Callable[..., list[Any]]
Say = Callable[[str], None]

METHODS = "average,maximum,laplacian_pyramid,gtf"
KILLS = 30
LONG_METHODS = "seafusion,average"
LONG = (
    "--tasks", "metrics,segmentation", "--preset", "smoke", "--jobs", "2", "--option", "segmentation.steps=60",
)  # fmt: skip
LONG_KILLS = 20
STAGES = ("train", "fuse", "score", "segmentation", "report")
LATEST_S = {"start": 6.0, "train": 20.0, "segmentation": 10.0}
"""A kill comes up to so many seconds after its stage began; 1.2 in the short stages."""
DISKS = 16
LONG_DISKS = 6

OFTEN = """
import bench.train.loop
assert bench.train.loop.CHECKPOINT_SECONDS > 0
bench.train.loop.CHECKPOINT_SECONDS = 0.0
"""
"""Trainings that leave a checkpoint at every log line instead of every minute, so that a short one leaves some."""


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Prints past pytest's capture."""

    def write(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return write


@pytest.fixture
def data(make_data: Callable[..., Path], tmp_path: Path) -> Path:
    """A data root of this test's own; a quarter of an image is still large enough for the segmenter."""
    return make_data(tmp_path / "data", size=(96, 128))


@pytest.fixture
def checkpoints_often(tmp_path: Path) -> None:
    """See ``OFTEN``."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(OFTEN)


# ------------------------------------------------------------------ kills


@pytest.mark.fault
@pytest.mark.timeout(3600)
def test_kills_at_random_moments_change_no_number(
    data: Path, tmp_path: Path, bench_process: Any, request_for: Request, say: Say
) -> None:
    rng = random.Random(8)
    code, output = bench_process.run(*request_for(data, tmp_path / "whole", METHODS, "--jobs", "2"))
    assert code == 0, output
    kills, remade, runs = Counter(dict.fromkeys(("start", "fuse", "score", "report"), 0)), 0, 0
    while kills.total() < KILLS:
        runs += 1
        out = tmp_path / f"run{runs}"
        request = request_for(data, out, METHODS, "--jobs", "2")
        for _ in range(8):
            stage = min(kills, key=lambda name: (kills[name], rng.random()))
            kept = finished_images(out)
            killed = kill_during(bench_process.start(*request), stage, rng)
            assert unchanged(kept), "a finished image was written again"
            if not killed:
                break
            kills[stage] += 1
        unfinished = len(set((out / "fused").rglob("*.png")) - set(finished_images(out)))
        code, output = bench_process.run(*request)
        assert code == 0, output
        assert_same(out, tmp_path / "whole")
        remade += unfinished
    say(f"{kills.total()} kills in {runs} runs {dict(kills)}; lost 0, images whose line was not written yet: {remade}")


@pytest.mark.fault
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("checkpoints_often")
def test_kills_while_training_segmenting_and_reporting_change_no_number(
    data: Path, tmp_path: Path, bench_process: Any, request_for: Request, say: Say
) -> None:
    rng = random.Random(3)
    code, output = bench_process.run(*request_for(data, tmp_path / "whole", LONG_METHODS, *LONG))
    assert code == 0, output
    kills, resumed, runs = Counter[str](), 0, 0
    while kills.total() < LONG_KILLS:
        runs += 1
        out = tmp_path / f"run{runs}"
        request = request_for(data, out, LONG_METHODS, *LONG)
        for stage in ("train", "train", "segmentation", "segmentation", "report"):
            done = steps_kept(out)
            killed = kill_during(bench_process.start(*request), stage, rng)
            assert_not_done_again(done)
            resumed += bool(done)
            kills[stage] += killed
        done = steps_kept(out)
        code, output = bench_process.run(*request)
        assert code == 0, output
        assert_not_done_again(done)
        assert_same(out, tmp_path / "whole")
        shutil.rmtree(out)
    assert min(kills[stage] for stage in ("train", "segmentation", "report")) > 0
    assert resumed, "no training was ever gone on with, so nothing was tried"
    say(f"{kills.total()} kills in {runs} runs {dict(kills)}; lost 0, gone on from checkpoints {resumed} times")


def kill_during(process: subprocess.Popen[str], stage: str, rng: random.Random) -> bool:
    """Kills a run, alone or with its workers, a random while after a stage began; False if it ended before."""
    whole = rng.random() < 0.7
    delay = rng.uniform(0.0, LATEST_S.get(stage, 1.2))
    begun = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(f"{stage}:"):
                begun.set()
        begun.set()

    reader = threading.Thread(target=read)
    reader.start()
    if stage != "start":
        begun.wait(300)
    try:
        process.wait(delay)
        ended = True
    except subprocess.TimeoutExpired:
        ended = False
        if whole:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
    reader.join(60)
    assert process.stdout is not None
    process.stdout.close()
    return not ended


def journal_lines(out: Path, kind: str, *keys: str) -> list[dict[str, Any]]:
    return [line for journal in Store(out).journals(kind, "mfnet") for line in journal.lines(*keys)]


def finished_images(out: Path) -> dict[Path, int]:
    """The finished images, with when they were written."""
    store = Store(out)
    lines = journal_lines(out, "fused", "method", "pair", "key")
    paths = [store.fused_path("mfnet", line["split"], line["method"], line["pair"]) for line in lines]
    return {path: path.stat().st_mtime_ns for path in paths if path.exists()}


def unchanged(kept: dict[Path, int]) -> bool:
    return all(path.stat().st_mtime_ns == time_ns for path, time_ns in kept.items())


def steps_kept(out: Path) -> dict[Path, list[str]]:
    """Of every training with a checkpoint: the log lines of the steps that the checkpoint holds, with their times."""
    import torch

    found = {}
    for path in out.rglob("checkpoint.pt"):
        step = json.loads(torch.load(path, map_location="cpu", weights_only=True)["facts"])["step"]
        lines = path.with_name("log.jsonl").read_text().splitlines()
        found[path.with_name("log.jsonl")] = [line for line in lines if json.loads(line)["step"] <= step]
    return found


def assert_not_done_again(done: dict[Path, list[str]]) -> None:
    for path, lines in done.items():
        assert path.read_text().splitlines()[: len(lines)] == lines, "steps that a checkpoint held were done again"


def lines_twice(out: Path, kind: str, *keys: str) -> int:
    """How many finished pieces the journals hold more than once: finished work that was done again."""
    seen = Counter(tuple(line[key] for key in keys) for line in journal_lines(out, kind, *keys))
    return sum(count - 1 for count in seen.values())


def results(out: Path) -> dict[str, bytes]:
    """All that a run is for: the table, the images, the weights, the predictions."""
    from safetensors.torch import load_file, save

    kinds = ("scores.csv", "fused/**/*.png", "trained/**/*.safetensors", "tasks/**/*.safetensors", "tasks/**/*.png")
    paths = [path for kind in kinds for path in sorted(out.glob(kind))]
    # the notes in front of the weights have no fixed order
    weights = {path: save(load_file(path)) for path in paths if path.suffix == ".safetensors"}
    return {str(path.relative_to(out)): weights.get(path) or path.read_bytes() for path in paths}


def assert_same(out: Path, whole: Path) -> None:
    """The same bytes as the undisturbed run left, nothing done twice, no half-written file."""
    found, wanted = results(out), results(whole)
    assert found.keys() == wanted.keys()
    assert [name for name in wanted if found[name] != wanted[name]] == []
    assert lines_twice(out, "fused", "method", "pair", "key") == 0
    assert lines_twice(out, "metrics", "method", "pair", "convention", "key") == 0
    for kind in ("trained", "segmentation"):
        assert lines_twice(out, kind, "method", "key") == 0
    assert not list(out.rglob(".*.part"))
    assert json.loads((out / "manifest.json").read_text())["complete"] is True


# ------------------------------------------------------------------ disks

SMALL_DISK = """
mount -t tmpfs -o size=$1 tmpfs "$2" || exit 77
shift; out=$1; keep=$2; shift 2
"$@" 2>&1; echo "first: $?"
mount -o remount,size=2g "$out" || exit 77
"$@" 2>&1; echo "second: $?"
cp -r "$out" "$keep"
"""


def on_a_small_disk(kib: int, command: list[str], out: Path, keep: Path, env: dict[str, str]) -> tuple[str, str]:
    """Runs a command on a file system of so many KiB, then again with room enough; what the two printed."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare, so no small file system of one's own")
    out.mkdir(exist_ok=True)
    space = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", SMALL_DISK, "sh"]
    done = subprocess.run(
        [*space, f"{kib}k", out, keep, *command], env={**os.environ, **env}, text=True, capture_output=True, check=False
    )
    if done.returncode == 77 or "unshare:" in done.stderr:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    first, _, second = done.stdout.partition("first: ")
    return f"{first}first: {second[:1]}", second[1:]


def disks(
    tmp_path: Path, bench_process: Any, request_for: Callable[[Path], list[Any]], sizes: Iterator[int]
) -> Counter[str]:
    """Runs a request on disks of several sizes; how many were too small, by the stage that was reached."""
    code, output = bench_process.run(*request_for(tmp_path / "whole"))
    assert code == 0, output
    full = Counter[str]()
    for number, kib in enumerate(sizes):
        out, keep = tmp_path / "disk", tmp_path / f"kept{number}"
        command = [sys.executable, "-c", "from bench.cli import main; main()", *map(str, request_for(out))]
        first, second = on_a_small_disk(kib, command, out, keep, bench_process.env)
        assert second.rstrip().endswith("second: 0"), first + second
        assert "Traceback" not in first
        if not first.endswith("first: 0"):
            assert first.endswith("first: 1"), first
            assert "bench: stopped: " in first
            assert "No space left on device" in first
            reached = [line.partition(":")[0] for line in first.splitlines() if line.partition(":")[0] in STAGES]
            full[reached[-1] if reached else "start"] += 1
        assert_same(keep, tmp_path / "whole")
        shutil.rmtree(keep)
    return full


def kib_of(folder: Path) -> float:
    """What the files of a folder hold, in KiB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1024


@pytest.mark.slow
def test_a_really_full_disk_stops_the_run_and_more_space_lets_it_go_on(
    data: Path, tmp_path: Path, bench_process: Any, request_for: Request
) -> None:
    full = disks(tmp_path, bench_process, lambda out: request_for(data, out, "average", "--jobs", "1"), iter([64]))
    assert full.total() == 1


@pytest.mark.fault
@pytest.mark.timeout(3600)
def test_disks_that_fill_at_random_moments_change_no_number(
    data: Path, tmp_path: Path, bench_process: Any, request_for: Request, say: Say
) -> None:
    rng = random.Random(5)
    sizes = (rng.randrange(8, 900, 4) for _ in range(DISKS))
    full = disks(tmp_path, bench_process, lambda out: request_for(data, out, METHODS, "--jobs", "2"), sizes)
    assert full.total() > DISKS // 2
    say(f"{full.total()} of {DISKS} disks were full, while {dict(full)}; lost 0")


@pytest.mark.fault
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("checkpoints_often")
def test_disks_that_fill_while_training_and_segmenting_change_no_number(
    data: Path, tmp_path: Path, bench_process: Any, request_for: Request, say: Say
) -> None:
    rng = random.Random(6)
    sizes = (int(kib_of(tmp_path / "whole") * 2 ** rng.uniform(-8, 0)) for _ in range(LONG_DISKS))  # once that is there
    full = disks(tmp_path, bench_process, lambda out: request_for(data, out, LONG_METHODS, *LONG), sizes)
    assert full.total() > LONG_DISKS // 2
    say(f"{full.total()} of {LONG_DISKS} disks were full, while {dict(full)}; lost 0")
