"""What a user sees who presses Ctrl-C, or starts a run from a script that has no main guard."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from bench.__main__ import Interrupts
from bench.run.interrupts import interrupts_held

COMMAND = (sys.executable, "-c", "from bench.__main__ import main; main()")
SAID = "interrupted; what is finished is kept, run the same command again to go on"

SCRIPT = """
from pathlib import Path
from bench.run.config import RunConfig
from bench.run.stages import run
run(RunConfig(methods=("average",), datasets=("mfnet",), tasks=("metrics",), metrics=("EN",), jobs=1,
              data_root=Path({data!r}), out=Path({out!r})))
"""


def request(data: Path, out: Path) -> list[str]:
    return [*COMMAND, "run", "--methods", "average", "--datasets", "mfnet", "--tasks", "metrics", "--data-root",
            str(data), "--out", str(out), "--jobs", "1", "--device", "cpu"]  # fmt: skip


def interrupt(process: subprocess.Popen[bytes], out: Path) -> None:
    """Sends SIGINT to the whole group, as a terminal does, once the run has begun."""
    deadline = time.monotonic() + 120
    while not (out / "manifest.json").is_file() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)


def test_ctrl_c_through_a_pipe_says_how_to_go_on(msrs: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        request(msrs, tmp_path / "out"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    interrupt(process, tmp_path / "out")
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert SAID in output.decode()
    assert "Traceback" not in output.decode()


def test_ctrl_c_at_a_terminal_says_how_to_go_on(msrs: Path, tmp_path: Path) -> None:
    parent, child = pty.openpty()
    process = subprocess.Popen(
        request(msrs, tmp_path / "out"), stdin=child, stdout=child, stderr=child, start_new_session=True
    )
    os.close(child)
    interrupt(process, tmp_path / "out")
    output = b""
    while True:
        try:
            piece = os.read(parent, 4096)
        except OSError:
            break
        if not piece:
            break
        output += piece
    os.close(parent)
    assert process.wait(timeout=120) == 130, output
    assert SAID in " ".join(output.decode().split())


@pytest.mark.parametrize("module", ["bench.cli", "bench.cli.runs", "typer", "bench.types", "bench.cli.screen"])
def test_ctrl_c_while_the_command_loads_is_no_traceback(module: str, tmp_path: Path) -> None:
    """As if it came when that module's import begins."""
    code = f"""
import signal, sys

class Press:
    def find_spec(self, name, *_):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Press())
from bench.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code, "doctor"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, f"bench: {SAID}\n")


PRESS_IN_PYTORCH = """
import signal, sys, types

inside = pressed = None

def watch(frame, event, called):
    global inside, pressed
    if event == "c_call":
        inside = called.__name__
    elif event in ("c_return", "c_exception"):
        inside = None
    elif event == "call" and inside == "_c10d_init" and not pressed:
        pressed = True
        sys.setprofile(None)
        signal.raise_signal(signal.SIGINT)

def command():
    sys.setprofile(watch)
    import time, torch
    time.sleep(60)

sys.modules["bench.cli"] = types.SimpleNamespace(main=command)
from bench.__main__ import main
try:
    main()
finally:
    print("pressed" if pressed else "never there")
"""


def test_ctrl_c_while_pytorch_is_loaded_does_not_abort(tmp_path: Path) -> None:
    """Python that its C++ calls while it is loaded cannot raise: "terminate called...", rc -6."""
    done = subprocess.run([sys.executable, "-c", PRESS_IN_PYTORCH], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "pressed\n", f"bench: {SAID}\n")


def test_an_import_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "it_hangs.py").write_text(
        "import signal, time\nsignal.raise_signal(signal.SIGINT)\nfor _ in range(3000): time.sleep(0.01)"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("bench.__main__.PATIENCE_S", 0.2)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever this process was started with
    try:
        Interrupts().install()
        with pytest.raises(KeyboardInterrupt):
            import it_hangs  # noqa: F401
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_workers_are_started_waits_until_they_are() -> None:
    """Also where another thread, such as that of a progress bar, takes the signal."""
    over, before, reached = threading.Event(), signal.signal(signal.SIGINT, signal.default_int_handler), []

    def press() -> None:
        with interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(20):
                time.sleep(0.01)
            reached.append(True)

    other = threading.Thread(target=over.wait)
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            press()
        assert reached, "interrupted where a worker may be half started"
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
        over.set()
        other.join()


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    """As in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        Interrupts().install()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("delay", [0.6, 1.2])
def test_workers_that_are_just_starting_print_nothing(msrs: Path, tmp_path: Path, delay: float) -> None:
    """A terminal sends Ctrl-C to the workers too, which may still be importing."""
    process = subprocess.Popen(
        [*request(msrs, tmp_path / "out"), "--jobs", "2"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not spawned_by(process.pid) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    if process.returncode == 0:
        pytest.skip("the run was over before it was interrupted")
    assert process.returncode == 130, output
    assert SAID in output.decode()
    assert "Traceback" not in output.decode()


@pytest.mark.parametrize(
    "shell",
    [
        "{python} - < script.py",
        "cat script.py | {python}",
        "{python} <(cat script.py)",
        "cat script.py | {python} /dev/stdin",
        "(echo 'import os; os.remove(__file__)'; cat script.py) > gone.py; {python} gone.py",
        '{python} -c "$(cat script.py)"',
    ],
)
def test_a_script_that_is_no_file_runs(msrs: Path, tmp_path: Path, shell: str) -> None:
    """Its workers cannot import it, and need not."""
    (tmp_path / "script.py").write_text(SCRIPT.format(data=str(msrs), out=str(tmp_path / "out")))
    command = ["bash", "-c", shell.format(python=sys.executable)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert (tmp_path / "out" / "scores.csv").is_file()


def spawned_by(pid: int) -> bool:
    """True once a process has started workers, or what they are forked from."""
    with contextlib.suppress(psutil.Error):  # a child may end while it is looked at
        lines = [" ".join(child.cmdline()) for child in psutil.Process(pid).children(recursive=True)]
        return any("spawn_main" in line or "multiprocessing.forkserver" in line for line in lines)
    return False


@pytest.mark.parametrize("indent", ["", "    "], ids=["without a guard", "with a guard"])
def test_a_script_without_a_main_guard_is_told_so(msrs: Path, tmp_path: Path, indent: str) -> None:
    text = SCRIPT.format(data=str(msrs), out=str(tmp_path / "out"))
    if indent:
        text = "if __name__ == '__main__':\n" + "\n".join(indent + line for line in text.splitlines())
    script = tmp_path / "script.py"
    script.write_text(text)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300)
    if indent:
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 1
        assert "put the call below 'if __name__" in done.stderr.splitlines()[-1]
        assert "cannot be kept alive" not in done.stderr
