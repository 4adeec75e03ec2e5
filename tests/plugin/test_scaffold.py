"""``bench new``: what it writes works as written, in a checkout and in a folder of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.package_here import use_package_here
from bench.data.home import default_data_root
from bench.errors import BenchError
from bench.files import PROJECT_ROOT
from bench.plugin.kinds import METHODS, TASKS
from bench.plugin.scaffold import RESERVED, new_plugin

Add = Callable[[str, Path], None]
FORMS = ("classical", "learned", "external")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the project's."""
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text((PROJECT_ROOT / "pyproject.toml").read_text())
    return tmp_path


def run_tests(path: Path, tmp_path: Path) -> int:
    """Runs the tests of a written file; returns how many."""
    spec = importlib.util.spec_from_file_location("its_own_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests = [value for key, value in vars(module).items() if key.startswith("test_")]
    for test in tests:
        test(**({"tmp_path": tmp_path} if "tmp_path" in test.__code__.co_varnames[: test.__code__.co_argcount] else {}))
    return len(tests)


# ------------------------------------------------------------------ in a checkout


@pytest.mark.parametrize("form", ["classical", "external"])
def test_a_new_method_works_as_written(checkout: Path, tmp_path: Path, add_to_package: Add, form: str) -> None:
    adapter, test = new_plugin("method", "my_first2", checkout, form).files  # type: ignore[arg-type]
    assert adapter == checkout / "methods" / "my_first2.py"
    add_to_package("methods", adapter.parent)
    assert METHODS.get("my_first2").__name__ == "MyFirst2Method"
    assert run_tests(test, tmp_path) == 2


def test_a_new_task_works_as_written(checkout: Path, tmp_path: Path, add_to_package: Add) -> None:
    task, test = new_plugin("task", "my_task", checkout).files
    assert task == checkout / "tasks" / "my_task.py"
    add_to_package("tasks", task.parent)
    assert "my_task" in TASKS.names()
    assert run_tests(test, tmp_path) == 1


def test_a_method_with_published_weights_takes_one_short_file(checkout: Path) -> None:
    adapter, _ = new_plugin("method", "mine", checkout).files
    assert len(adapter.read_text().splitlines()) < 40
    learned, *_ = new_plugin("method", "theirs", checkout, "learned").files
    assert len(learned.read_text().splitlines()) < 40


def test_what_is_written_is_clean(checkout: Path) -> None:
    written = [file for form in FORMS for file in new_plugin("method", f"mine_{form}", checkout, form).files]  # type: ignore[arg-type]
    written += new_plugin("task", "mine", checkout).files
    for file in written:
        as_if = PROJECT_ROOT / file.relative_to(checkout)
        for command in (["check"], ["format", "--check"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command, "--no-cache", "--stdin-filename", str(as_if), "-"],
                cwd=PROJECT_ROOT, capture_output=True, text=True, input=file.read_text(),
            )  # fmt: skip
            assert done.returncode == 0, f"{file}: {done.stdout}"


@pytest.mark.slow
def test_what_is_written_has_sound_types(checkout: Path) -> None:
    files = [new_plugin("method", f"mine_{form}", checkout, form).files[0] for form in FORMS]  # type: ignore[arg-type]
    files.append(new_plugin("task", "mine", checkout).files[0])
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(PROJECT_ROOT / "pyproject.toml"), *map(str, files)],
        cwd=PROJECT_ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert not [line for line in done.stdout.splitlines() if str(checkout) in line], done.stdout


@pytest.mark.parametrize("name", ["Mine", "my-method", "2fast", "_mine", "mine_", "class", "", "../mine", "m" * 41])
@pytest.mark.parametrize("kind", ["method", "task", "package"])
def test_impossible_names_are_refused(name: str, kind: str, checkout: Path) -> None:
    with pytest.raises(BenchError, match=rf"cannot be a {kind}'s name|at most 40"):
        new_plugin(kind, name, checkout)  # type: ignore[arg-type]
    assert not list(checkout.rglob("*mine*"))


@pytest.mark.parametrize(
    ("kind", "name"), [*(("method", name) for name in (*RESERVED, "gtf", "average")), ("task", "detection")]
)
def test_taken_names_are_refused(kind: str, name: str, checkout: Path) -> None:
    with pytest.raises(BenchError, match="choose another name"):
        new_plugin(kind, name, checkout)  # type: ignore[arg-type]


def test_nothing_is_overwritten(checkout: Path) -> None:
    adapter, test = new_plugin("method", "mine", checkout).files
    adapter.unlink()
    test.write_text("precious")
    with pytest.raises(BenchError, match="exists already"):
        new_plugin("method", "mine", checkout)
    assert test.read_text() == "precious"
    assert not adapter.exists()


def test_a_metric_has_no_place_of_its_own_in_a_checkout(checkout: Path) -> None:
    with pytest.raises(BenchError, match=r"work in another folder, or give it as --folder"):
        new_plugin("metric", "Qmine", checkout)


# ------------------------------------------------------------------ in a folder of its own


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line started in a folder that has nothing to do with the checkout."""
    env = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "BENCH_CACHE": str(folder.parent / "cache")}
    env |= {"BENCH_DATA": str(default_data_root())}  # the demo scenes, if other tests have drawn them
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("kind", "name", "options"),
    [
        ("method", "mine", []), ("method", "mine", ["--kind", "learned"]), ("method", "mine", ["--kind", "external"]),
        ("metric", "Qmine", []), ("task", "mine", []),
    ],
)  # fmt: skip
def test_an_empty_folder_becomes_a_package_that_is_used_at_once(
    empty: Path, kind: str, name: str, options: list[str]
) -> None:
    form = options[-1] if options else "classical"
    check = [name] if kind == "method" else [kind, name]
    assert new_plugin(kind, name, empty, form).next[0] == " ".join(["bench", "check", *check])  # type: ignore[arg-type]
    checked = bench(empty, "check", *check)
    assert checked.returncode == 0, checked.stderr
    assert f"{name}: keeps the contract" in checked.stdout
    assert f"note: plug-ins of this folder: {kind} {name}" in checked.stderr
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"], cwd=empty, capture_output=True,
        text=True, env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "BENCH_CACHE": str(empty.parent / "cache")},
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout


@pytest.mark.slow
def test_one_package_holds_several_plug_ins(empty: Path) -> None:
    for kind, name in (("method", "first"), ("method", "second"), ("metric", "SPAN2"), ("task", "third")):
        made = bench(empty, "new", kind, name)
        assert made.returncode == 0, made.stderr
    ran = bench(
        empty, "run", "--methods", "first,second", "--datasets", "demo", "--limit", "1", "--tasks", "metrics,third",
        "--metrics", "EN,SPAN2", "--conventions", "standard", "--jobs", "1", "--device", "cpu",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    scores = (empty / "runs" / "latest" / "scores.csv").read_text()
    assert "SPAN2" in scores
    assert "level" in scores


def test_a_package_brings_one_of_each(empty: Path) -> None:
    made = bench(empty, "new", "package", "lab")
    assert made.returncode == 0, made.stderr
    home = empty / "lab"
    checked = bench(home, "check", "dataset", "lab_set")
    assert checked.returncode == 0, checked.stderr
    found = "method lab, metric LAB_SPAN, task lab_level, dataset lab_set"
    assert f"note: plug-ins of this folder: {found}" in checked.stderr
    with pytest.raises(BenchError, match="exists already"):
        new_plugin("package", "lab", empty)


@pytest.mark.parametrize(
    "text",
    [
        None, "", "not toml [", "[project]\nname = 'x'\n", "[project.entry-points.'other.group']\na = 'os'\n",
        "[project]\nentry-points = 3\n",
    ],
)  # fmt: skip
def test_a_folder_of_something_else_is_left_alone(empty: Path, text: str | None) -> None:
    if text is not None:
        (empty / "pyproject.toml").write_text(text)
    before = list(sys.path)
    assert use_package_here(empty) == []
    assert sys.path == before
    if text is not None:
        with pytest.raises(BenchError, match="names no package"):
            new_plugin("method", "mine", empty)
        assert [path.name for path in empty.iterdir()] == ["pyproject.toml"]


def test_a_plug_in_that_is_installed_too_is_one(empty: Path, tmp_path: Path) -> None:
    new_plugin("method", "mine", empty)
    site = tmp_path / "site" / "ivif_mine-0.1.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: ivif-mine\nVersion: 0.1\n")
    (site / "entry_points.txt").write_text("[ivfbench.methods]\nmine = ivif_mine.mine\n")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), str(site.parent), str(empty)])}
    done = subprocess.run(
        [sys.executable, "-m", "bench", "check", "mine"], cwd=empty, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
