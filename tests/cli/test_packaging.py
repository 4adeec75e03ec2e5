"""A wheel works from an empty folder, and from one that is full of things with our names."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bench.data.home import default_data_root
from bench.files import PROJECT_ROOT

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, unpacked as an installer would."""
    pytest.importorskip("setuptools", minversion="77")
    clone = tmp_path_factory.mktemp("clone")
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=PROJECT, capture_output=True, text=True
    )
    if tracked.returncode:
        pytest.skip("no git checkout to take the files from")
    for name in tracked.stdout.splitlines():
        source, target = PROJECT / name, clone / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    wheels = tmp_path_factory.mktemp("wheels")
    code = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, wheels], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    return site


def bench(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``python -m bench`` of the installed wheel, started in a folder."""
    env = {**os.environ, "PYTHONPATH": str(site), "BENCH_CACHE": str(folder.parent / "cache")}
    env |= {"BENCH_DATA": str(default_data_root())}  # the demo scenes, if other tests have drawn them
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=500
    )


@pytest.fixture(params=["empty", "hostile"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An empty folder, or one with a foreign datasets.yaml, tasks.py and methods/."""
    place = tmp_path / request.param
    place.mkdir()
    if request.param == "hostile":
        (place / "datasets.yaml").write_text("not: ours\n")
        (place / "tasks.py").write_text("raise SystemExit('a foreign tasks.py was imported')\n")
        (place / "methods").mkdir()
        (place / "methods" / "__init__.py").write_text("raise SystemExit('foreign methods were imported')\n")
    return place


def test_the_wheel_brings_all_that_it_reads(installed: Path) -> None:
    typed = [f"{package}/py.typed" for package in ("bench", "methods", "tasks", "reports")]
    read = ["bench/data/datasets.yaml", "reports/templates/index.html", "reports/static/style.css"]
    for name in (*typed, *read, "methods/_formula/cddfuse.json"):
        assert (installed / name).is_file(), name
    points = next(installed.glob("*.dist-info/entry_points.txt")).read_text()
    assert "ivif-bench = bench.__main__:main" in points


def test_it_lists_and_runs_from_any_folder(installed: Path, folder: Path) -> None:
    listed = bench(installed, folder, "list", "datasets")
    assert listed.returncode == 0, listed.stderr
    assert "mfnet" in listed.stdout
    assert ("methods, tasks.py" in listed.stderr) == (folder.name == "hostile")
    data = bench(installed, folder, "data", "list")
    assert data.returncode == 0, data.stderr
    assert "roadscene" in data.stdout


@pytest.mark.slow
def test_it_runs_the_demo_from_any_folder(installed: Path, folder: Path) -> None:
    ran = bench(installed, folder, "run", "--methods", "average", "--limit", "2", "--jobs", "1", "--device", "cpu")
    assert ran.returncode == 0, ran.stderr
    assert (folder / "runs" / "latest" / "report" / "index.html").is_file()


@pytest.mark.parametrize(
    ("made", "checked"),
    [
        (["method", "mine", "--kind", "classical"], ["mine"]), (["method", "mine", "--kind", "learned"], ["mine"]),
        (["method", "mine", "--kind", "external"], ["mine"]), (["metric", "Qmine"], ["metric", "Qmine"]),
        (["task", "mine"], ["task", "mine"]), (["package", "lab"], ["metric", "LAB_SPAN"]),
    ],
)  # fmt: skip
def test_it_writes_plug_ins_that_pass_from_an_empty_folder(
    installed: Path, tmp_path: Path, made: list[str], checked: list[str]
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    new = bench(installed, folder, "new", *made)
    assert new.returncode == 0, new.stderr
    home = folder / "lab" if made[0] == "package" else folder
    check = bench(installed, home, "check", *checked)
    assert check.returncode == 0, check.stdout + check.stderr
    assert f"{checked[-1]}: keeps the contract" in check.stdout
    assert not list(installed.rglob("*mine*")), "the installation is left alone"


def test_a_mixture_of_installations_is_refused_in_one_line(installed: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "tasks.py").write_text("")
    env = {**os.environ, "PYTHONPATH": f"{foreign}{os.pathsep}{installed}"}
    done = subprocess.run(
        [sys.executable, "-m", "bench", "list", "datasets"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "package 'tasks' is taken from" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["traceback", "secrets", "hashlib", "pathlib", "difflib", "typer", "numpy", "yaml"])
def test_a_module_of_the_current_folder_is_not_imported(name: str, tmp_path: Path) -> None:
    """``python -m`` has that folder on its path first, also while the package itself is imported."""
    (tmp_path / f"{name}.py").write_text("raise SystemExit('foreign')\n")
    env = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "bench", "list", "tasks"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "segmentation" in done.stdout
