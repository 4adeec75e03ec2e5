"""Workers that are forked from a process which holds their imports: as spawned ones, only sooner there."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.run import fork_server
from bench.store.manifest import Manifest
from bench.store.run_folder import Store

COMMAND = (sys.executable, "-c", "from bench.__main__ import main; main()")

ASK = """
import json, os, sys, time
from pathlib import Path
from bench.run.fork_server import start_fork_server
from bench.run.pool import open_pool
from bench.run.worker import Gpus

def state():
    torch = sys.modules.get("torch")
    cuda = torch is not None and (torch.cuda.is_initialized() or torch.cuda._is_in_bad_fork())
    return {"torch": torch is not None, "cuda": cuda, "environment": dict(os.environ), "path": sys.path}

def work(seconds):
    while time.process_time() < seconds:
        pass

if __name__ == "__main__":
    start_fork_server(Path("out"))
    SETTING
    before = {"environment": dict(os.environ), "path": sys.path}
    with open_pool(1, THREADS, GPUS) as pool:
        found = pool.schedule(state).result()
        pool.schedule(work, args=(SECONDS,)).result()
    print(json.dumps([before, found]))
"""

IS_SAFE = fork_server._is_safe  # tests of other commands go without
needs_forks = pytest.mark.skipif(not IS_SAFE(), reason="workers are spawned on this machine")


def ask(
    folder: Path, setting: str = "pass", threads: int = 1, seconds: float = 0.0, gpus: str = "Gpus()"
) -> list[dict[str, Any]]:
    """The state of a command and of its worker."""
    script = folder / "script.py"
    text = ASK.replace("SETTING", setting).replace("THREADS", str(threads)).replace("SECONDS", str(seconds))
    text = text.replace("GPUS", gpus)
    script.write_text(text)
    done = subprocess.run([sys.executable, script], cwd=folder, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


@needs_forks
def test_a_worker_has_its_imports_and_is_otherwise_as_its_command(tmp_path: Path) -> None:
    command, worker = ask(tmp_path)
    assert worker["torch"]
    assert worker["path"] == command["path"]
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    assert worker["environment"] == {**command["environment"], **threads}


@needs_forks
def test_it_is_spawned_where_a_variable_has_changed(tmp_path: Path) -> None:
    _, worker = ask(tmp_path, "os.environ['HOME'] = '/'")
    assert not worker["torch"]
    assert worker["environment"]["HOME"] == "/"


@needs_forks
def test_variables_that_were_added_since_are_the_workers_too(tmp_path: Path) -> None:
    _, worker = ask(tmp_path, "os.environ['BENCH_ENGINE'] = 'numpy'")
    assert worker["torch"]
    assert worker["environment"]["BENCH_ENGINE"] == "numpy"


@needs_forks
def test_it_is_spawned_where_it_has_several_threads(tmp_path: Path) -> None:
    assert not ask(tmp_path, threads=2)[1]["torch"]


@needs_forks
@pytest.mark.parametrize("module", ["cv2", "queue", "bench"])
def test_files_of_the_current_folder_are_not_imported_for_it(tmp_path: Path, module: str) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / f"{module}.py").write_text("from pathlib import Path; Path('imported').touch()")
    done = subprocess.run(
        ["bench", "run", "--methods", "average", "--limit", "2", "--tasks", "metrics", "--metrics", "EN", "--jobs", "1",
         "--out", str(tmp_path / "out")], cwd=tmp_path / "here", capture_output=True, text=True, timeout=300,
        env={**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "here" / "imported").exists()


@needs_forks
def test_what_the_workers_took_is_counted_as_their_commands(tmp_path: Path) -> None:
    def taken() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = taken()
    ask(tmp_path, seconds=8.0)
    assert taken() - before > 8.0


@needs_forks
def test_a_command_that_ends_early_leaves_no_process(tmp_path: Path) -> None:
    command = [*COMMAND, "run", "--methods", "avarege", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 2
    assert b"did you mean average" in said
    deadline = time.monotonic() + 60
    while (left := in_session(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def test_nothing_is_done_to_another_process_that_imports_it() -> None:
    code = "import sys, bench.run.preloaded; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout == "False\n"


LOSE = """
import os, sys, time
from concurrent.futures import TimeoutError
from pathlib import Path
from pebble import ProcessExpired
from bench.run.fork_server import start_fork_server
from bench.run.pool import open_pool

def has_torch():
    return "torch" in sys.modules

if __name__ == "__main__":
    start_fork_server(Path("out"))
    with open_pool(1, 1) as pool:
        for task, arguments, limit in ((os._exit, (3,), None), (os.abort, (), None), (time.sleep, (60,), 0.2)):
            try:
                pool.schedule(task, args=arguments, timeout=limit).result()
            except ProcessExpired as error:
                print(error.exitcode)
            except TimeoutError:
                print("time")
        print(pool.schedule(has_torch).result())
"""


@needs_forks
def test_a_worker_that_is_lost_is_named_and_replaced(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(LOSE)
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["3", "-6", "time", "True"], done.stderr


def in_session(number: int) -> list[int]:
    found = []
    for pid in psutil.pids():
        try:
            found += [pid] if os.getsid(pid) == number and psutil.Process(pid).status() != "zombie" else []
        except (OSError, psutil.Error):
            continue
    return found


def test_a_finished_run_starts_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_server, "_is_safe", lambda: True)
    monkeypatch.setattr("multiprocessing.forkserver.ensure_running", lambda: pytest.fail("started"))
    Store(tmp_path).write_manifest(Manifest(complete=True))
    fork_server.start_fork_server(tmp_path)
    (tmp_path / "manifest.json").write_text("{")  # the run itself says what is wrong
    fork_server.start_fork_server(tmp_path)


@needs_forks
def test_it_is_spawned_where_it_computes_on_a_gpu(tmp_path: Path) -> None:
    assert not ask(tmp_path, gpus="Gpus(used=True)")[1]["torch"]


@needs_forks
def test_what_is_forked_could_still_use_a_gpu_of_its_own(tmp_path: Path) -> None:
    """The process that it comes from has not asked CUDA for anything, whether there is a GPU or not."""
    assert not ask(tmp_path)[1]["cuda"]


@needs_forks
def test_numbers_and_images_are_those_of_spawned_workers(msrs: Path, tmp_path: Path) -> None:
    settings = ["--methods", "average,laplacian_pyramid", "--datasets", "mfnet", "--tasks", "metrics", "--jobs", "2"]
    for name, start in (("forked", ""), ("spawned", "from bench.run import fork_server as f; f._is_safe = bool; ")):
        code = f"{start}from bench.__main__ import main; main()"
        command = [
            sys.executable,
            "-c",
            code,
            "run",
            *settings,
            "--data-root",
            str(msrs),
            "--out",
            str(tmp_path / name),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
    one, other = ({path.relative_to(tmp_path / name): path.read_bytes() for path in results(tmp_path / name)}
                  for name in ("forked", "spawned"))  # fmt: skip
    assert len(one) > 2
    assert one == other


def results(folder: Path) -> list[Path]:
    return [folder / "scores.csv", *folder.glob("fused/**/*.png")]
