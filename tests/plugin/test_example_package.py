"""A stranger's package brings a method, a metric, a task and a data set; all four stand in a run and its report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

SOURCE = Path(__file__).parent / "example_package"


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """The environment in which the package is installed, as pip would have done it."""
    toml = pytest.importorskip("tomllib", reason="Python 3.11 reads the example's pyproject.toml")
    project = toml.loads((SOURCE / "pyproject.toml").read_text())["project"]
    facts = tmp_path / "site" / "ivfbench_example-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: ivfbench-example\nVersion: 1.0\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {module}" for name, module in points.items())]
    (facts / "entry_points.txt").write_text("\n".join(lines) + "\n")
    paths = os.pathsep.join([str(facts.parent), str(SOURCE), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        for side, shape, high in (("ir", (40, 48), 250), ("vis", (40, 48, 3), 90)):
            folder = tmp_path / "data" / "ExampleSet" / side
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, high, shape).astype(np.uint8)).save(folder / f"{name}.png")
    return tmp_path / "data"


def bench(env: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from bench.cli import main; main()", *map(str, arguments)],
        env=env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


@pytest.mark.parametrize(
    "kind", [("example_plugin",), ("metric", "SPAN"), ("task", "brightness"), ("dataset", "example_set")]
)
def test_every_kind_keeps_its_contract(installed: dict[str, str], kind: tuple[str, ...]) -> None:
    done = bench(installed, "check", *kind)
    assert done.returncode == 0, done.stderr
    assert "keeps the contract" in done.stdout


def test_all_four_stand_in_a_run_and_the_rank_follows_the_direction(
    installed: dict[str, str], data: Path, tmp_path: Path
) -> None:
    tables = {}
    for better in ("higher", "lower"):
        out = tmp_path / better
        done = bench(
            {**installed, "EXAMPLE_BETTER": better}, "run", "--methods", "example_plugin,average,maximum", "--datasets",
            "example_set", "--tasks", "metrics,brightness", "--metrics", "EN,SPAN", "--conventions", "standard",
            "--data-root", data, "--out", out, "--executor", "inline", "--device", "cpu",
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        scores = pd.read_csv(out / "scores.csv")
        assert set(scores["metric"]) == {"EN", "SPAN", "level"}
        assert set(scores["method"]) == {"example_plugin", "average", "maximum"}
        assert set(scores["dataset"]) == {"example_set"}
        page = (out / "report" / "brightness.html").read_text()
        assert "The mean level of the fused images" in page
        assert "SPAN" in (out / "report" / "dataset-example_set.html").read_text()
        assert "Brightness" in (out / "report" / "index.html").read_text()
        facts = json.loads((out / "manifest.json").read_text())["tasks"]["brightness"]["numbers"][0]
        assert facts["better"] == better
        tables[better] = winner(out)
    assert tables == {"higher": "maximum", "lower": "average"}


def winner(out: Path) -> str | None:
    from bench.analysis.means import mean_table
    from bench.analysis.numbers import Numbers
    from bench.store.run_folder import Store

    store = Store(out)
    numbers = Numbers.of(store.read_manifest())
    return mean_table(store.read_scores(), "example_set", "", "brightness", numbers=numbers).winner("level")


FACTS = """from bench.metrics.packages import Metric
METRIC = Metric({!r}, "x", "X", "", "higher", 0, 1, "x", "x")
"""

BROKEN = {
    "no METRIC": "def compute(ir, vis, fused):\n    return 1.0\n",
    "another name": FACTS.format("X"),
    "no function": FACTS.format("SPAN"),
    "raises": "raise RuntimeError('broken on import')\n",
    "exits": "import sys\nsys.exit('gone')\n",
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_metric_is_named_and_the_rest_goes_on(installed: dict[str, str], tmp_path: Path, what: str) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ivfbench_example_metric.py").write_text(BROKEN[what])
    env = {**installed, "PYTHONPATH": f"{tmp_path / 'broken'}{os.pathsep}{installed['PYTHONPATH']}"}
    listed = bench(env, "list", "metrics")
    assert listed.returncode == 0, listed.stderr
    assert "SPAN" not in listed.stdout
    checked = bench(env, "check", "metric", "SPAN")
    assert checked.returncode == 1
    assert "SPAN: cannot be used" in checked.stderr
